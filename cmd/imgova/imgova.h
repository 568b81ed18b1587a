/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of imgova share: a verb is a function here, and a row of the table in imgova.c. */
#ifndef IMGOVA_IMGOVA_H
#define IMGOVA_IMGOVA_H

#include "common/progress.h"
#include "common/source.h"
#include "common/target.h"

/* In the order of OVA_BOXES. */
enum ova_box { OVA_BOX_LIBVIRT, OVA_BOX_VIRTUALBOX };
#define OVA_BOXES "libvirt|virtualbox"
enum { OVA_MOST_NETWORKS = 64, OVA_MOST_XML = 4 << 20 /* bytes */ };

/* The options of all verbs; which belong to which says usage.c. */
struct options {
	struct source_options source;
	struct secrets secrets;
	struct target_options target;	/* extract */
	const char *schema;		/* verify: an XSD; NULL: none */
	const char *disk;		/* extract: number, id or name; NULL: all */
	/* create: what was said of the machine; NULL, 0: nothing was. */
	struct img_ovf_machine machine;
	struct img_ovf_network networks[OVA_MOST_NETWORKS];
	const char *other, *domain;	/* files: a descriptor, a domain of libvirt */
	int firmware;			/* as in OVA_FIRMWARES; OVA_UNSAID */
	int profile;			/* enum img_ovf_profile, or OVA_UNSAID */
	int hash;			/* as in OVA_HASHES, or OVA_UNSAID */
	int box;			/* as in OVA_BOXES, or OVA_UNSAID */
	const char *level;		/* of compression, as the format has it; or NULL */
	bool deterministic;
	bool quiet;
	unsigned threads;		/* 0: all cores */
	struct progress_options progress;
	enum img_style style;
};

enum { OVA_UNSAID = -1 };
#define OVA_FIRMWARES "bios|efi"
#define OVA_PROFILES "vsphere|virtualbox|ovirt"
#define OVA_HASHES "sha1|sha256|sha512"

extern const struct cli imgova_cli;

/* Does what the verb says to names[0], the appliance; further operands, n in all, stand behind it. */
typedef bool ova_verb(const struct options *opt, char *const *names, int n, int *status,
		      struct img_err *err);

/* ---- usage.c ------------------------------------------------------------------------------------- */

/* Whether all options that were given belong to the verb.  IMG_E_ARGUMENT. */
bool ova_check_usage(const struct options *opt, const char *verb, struct img_err *err) IMG_MUST_CHECK;

/* ---- copy.c -------------------------------------------------------------------------------------- */

/* All of src into the new image dst, which is then finished. */
bool ova_copy(const struct options *opt, struct img *src, struct img *dst, bool compress,
	      struct img_copy_stats *stats, struct img_err *err) IMG_MUST_CHECK;
/* Leaves the letters that mean nothing to anybody, the others become "_". */
void ova_make_plain(char *name);

/* ---- list.c, extract.c, verify.c ----------------------------------------------------------------- */

ova_verb ova_list, ova_extract, ova_verify;

/* ---- create.c ------------------------------------------------------------------------------------ */

ova_verb ova_create;

/* What is made of images; where it lies; and how the machine around them is told. */
struct ova_making {
	const struct options *opt;
	struct img_bundle *bundle;
	const struct img_ovf_machine *machine;
	enum img_ovf_profile profile;
	char *const *names;		/* of the images */
	size_t n;
	struct img_ovf_image *disks;	/* n; texts are owned */
	char *other;			/* bytes of opt->other, or NULL */
	size_t other_len;
};

/* Adds all images as members, called as disks say, in a format with its options; fills in disks. */
bool ova_add_images(struct ova_making *m, const char *format, const char *options,
		    struct img_err *err) IMG_MUST_CHECK;
/* The descriptor as it is now, of *len bytes; the caller frees it. */
char *ova_descriptor(const struct ova_making *m, size_t *len, struct img_err *err);
/* Leaves room for a descriptor in front, as long as any may become, which *room then is. */
bool ova_reserve_descriptor(struct ova_making *m, const char *name, size_t *room, struct img_err *err)
	IMG_MUST_CHECK;
/* Fills that room, member 0. */
bool ova_fill_descriptor(struct ova_making *m, size_t room, struct img_err *err) IMG_MUST_CHECK;
/* Options of a streamOptimized VMDK; the caller frees them. */
char *ova_vmdk_options(const struct options *opt, struct img_err *err);

/* ---- box.c: what Vagrant takes ------------------------------------------------------------------- */

bool ova_make_box(struct ova_making *m, enum ova_box box, struct img_err *err) IMG_MUST_CHECK;

/* ---- machine.c ----------------------------------------------------------------------------------- */

/* "NAME" or "NAME:MODEL", which may be given several times. */
cli_set ova_set_network;
void ova_networks_free(struct options *opt);

/* What a machine is made of: options over a domain of libvirt.  For ova_machine_free(). */
struct ova_machine {
	struct img_ovf_machine is;
	struct img_domain *domain;	/* or NULL; texts are in it */
	char *name;			/* made of that of the file, or NULL */
};

bool ova_machine_read(const struct options *opt, const char *path, struct ova_machine *out,
		      struct img_err *err) IMG_MUST_CHECK;
void ova_machine_free(struct ova_machine *machine);
/* All of a file, of most bytes at most; the caller frees it. */
char *ova_read_file(const char *path, size_t most, size_t *len, struct img_err *err);

#endif
