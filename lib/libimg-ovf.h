/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libimg: appliances (OVF, DSP0243), their descriptor, which tells of disks and hardware, and their
 * manifest, which has a hash of each file.  A part of libimg.h.
 */
#ifndef LIBIMG_OVF_H
#define LIBIMG_OVF_H

#include "libimg.h"
#include "libimg-hash.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* ---- What a descriptor says -------------------------------------------------------------------- */

/* All texts are borrowed from the descriptor; NULL: not said. */
struct img_ovf_file {
	const char *id, *href;		/* never NULL; href is the name of a file, "my disk.vmdk" */
	const char *uri;		/* as it stands there, "my%20disk.vmdk"; never NULL */
	const char *compression;	/* "gzip"; "identity" is NULL */
	uint64_t size;			/* bytes, or IMG_SIZE_UNKNOWN */
	uint64_t chunk;			/* cut into pieces of so many bytes; 0: it is one */
};

struct img_ovf_disk {
	const char *id;			/* never NULL */
	const char *file;		/* id of the file; NULL: an empty disk */
	const char *format;		/* a URI */
	const char *parent;		/* id of the disk that it stands on */
	uint64_t capacity;		/* guest bytes; IMG_SIZE_UNKNOWN: a property, set by the user */
	uint64_t populated;		/* bytes, or IMG_SIZE_UNKNOWN */
};

/* Resource types of CIM that matter here. */
enum {
	IMG_OVF_CPU = 3, IMG_OVF_MEMORY = 4, IMG_OVF_IDE = 5, IMG_OVF_SCSI = 6, IMG_OVF_NETWORK = 10,
	IMG_OVF_CD = 15, IMG_OVF_DISK = 17, IMG_OVF_SATA = 20,
};

struct img_ovf_item {
	unsigned type;			/* IMG_OVF_*, or another one */
	const char *id, *name, *subtype;
	const char *parent;		/* id of the item that it hangs on */
	const char *address;		/* on that */
	const char *network;		/* that it is connected to */
	const char *disk;		/* id of the disk that it is, or */
	const char *file;		/* of the file */
	uint64_t quantity;		/* processors, bytes of memory; IMG_SIZE_UNKNOWN */
};

struct img_ovf_system {
	const char *id, *name;
	const char *hardware;		/* "vmx-13 virtualbox-2.2": families that it is for */
	const char *os;			/* a description, or VMware's name of it */
	const char *firmware;		/* "efi", "bios" */
	const struct img_ovf_item *items;
	size_t n_items;
};

struct img_ovf {
	unsigned version;		/* 1 or 2, by its namespace */
	const struct img_ovf_file *files;
	size_t n_files;
	const struct img_ovf_disk *disks;
	size_t n_disks;
	const struct img_ovf_system *systems;
	size_t n_systems;
};

/*
 * Reads a descriptor.  Nothing but these bytes is looked at.
 * Errors: IMG_E_NOT_THIS_FORMAT (XML, but no OVF), IMG_E_CORRUPT, IMG_E_RANGE (more of something than
 * any appliance has), IMG_E_UNSUPPORTED (a document type; no libxml2), IMG_E_NOMEM.
 */
struct img_ovf *img_ovf_read(const void *bytes, size_t len, struct img_err *err);
/* Accepts NULL. */
void img_ovf_free(struct img_ovf *ovf);
/* The file of a disk, or of an id; NULL: there is none. */
const struct img_ovf_file *img_ovf_file_of(const struct img_ovf *ovf, const char *id);
/*
 * Whether href names a file in the folder of the descriptor or below it, and nothing else: no URL, no
 * way up, no absolute path.  Pure.
 */
bool img_ovf_href_is_inside(const char *href);

/* line 0: not known.  text is that of libxml2, in English. */
typedef void img_ovf_flaw(void *ctx, unsigned line, const char *text);
enum { IMG_OVF_FLAWS = 1000 };	/* so many are told of */
/*
 * Tells flaw of all that the descriptor has and the XML schema in the file at schema does not allow.
 * What that imports or includes is read from files, also where a catalog of XML says so of an URL, and
 * never from the network.  One thread at a time, for what libxml2 is told of the network is for all.
 * Errors: IMG_E_ARGUMENT (no schema, or one that is not complete); those of img_ovf_read().
 */
bool img_ovf_validate(const void *bytes, size_t len, const char *schema, img_ovf_flaw *flaw, void *ctx,
		      struct img_err *err) IMG_MUST_CHECK;

/* ---- Writing one --------------------------------------------------------------------------------- */

/* For whom a descriptor is, which decides what was not said and how things are called. */
enum img_ovf_profile { IMG_OVF_VSPHERE, IMG_OVF_VIRTUALBOX, IMG_OVF_OVIRT };

struct img_ovf_network {
	const char *name, *model;	/* model NULL: that of the profile */
};

struct img_ovf_machine {
	const char *name;		/* never NULL */
	unsigned cpus;			/* 0: 1 */
	uint64_t memory;		/* bytes; 0: 1 GiB */
	bool efi;			/* in the place of a BIOS */
	const char *os;			/* one of img_ovf_os_name(), NULL: "other64" */
	const char *hardware;		/* "vmx-13"; NULL: that of the profile */
	const char *controller;		/* one of IMG_OVF_CONTROLLERS; NULL: that of the profile */
	const struct img_ovf_network *networks;
	size_t n_networks;
};

#define IMG_OVF_CONTROLLERS "lsilogic|pvscsi|buslogic|sata|ide"

/* A disk as it is in the appliance: a streamOptimized VMDK. */
struct img_ovf_image {
	const char *href;		/* name of the file, which is encoded where it has to be */
	uint64_t file_size, capacity, populated;	/* bytes */
};

/* Names of guest systems; NULL behind the last. */
const char *img_ovf_os_name(size_t index);
/*
 * A descriptor of version 1, in UTF-8; the caller frees it.
 * Errors: IMG_E_ARGUMENT (no such system or controller), IMG_E_RANGE (more disks than the controller
 * takes), IMG_E_UNSUPPORTED (no libxml2), IMG_E_NOMEM.
 */
char *img_ovf_write(const struct img_ovf_machine *machine, enum img_ovf_profile profile,
		    const struct img_ovf_image *disks, size_t n_disks, size_t *len,
		    struct img_err *err);
/*
 * The same from another descriptor: all of it stays but its disks, of which there must be n_disks, and
 * their files.  IMG_E_ARGUMENT: another number; IMG_E_UNSUPPORTED: it has other files as well, or none
 * for a disk; and the errors of img_ovf_read().
 */
char *img_ovf_fill(const void *other, size_t other_len, const struct img_ovf_image *disks,
		   size_t n_disks, size_t *len, struct img_err *err);

/* The machine that a domain of libvirt is. */
struct img_domain {
	struct img_ovf_machine machine;
};

/*
 * Reads the XML of a domain; name, memory, processors, firmware, the bus of the first disk and networks
 * count.  Free with img_domain_free(), which accepts NULL.  Errors as of img_ovf_read().
 */
struct img_domain *img_domain_read(const void *bytes, size_t len, struct img_err *err);
void img_domain_free(struct img_domain *domain);

/* ---- Manifests ----------------------------------------------------------------------------------- */

struct img_manifest_line {
	const char *name;		/* of a file */
	char hash[16];			/* "sha256" */
	size_t len;			/* bytes of sum */
	uint8_t sum[IMG_HASH_MAX];
};

struct img_manifest {
	const struct img_manifest_line *lines;
	size_t n_lines;
};

/*
 * "SHA256(disk.vmdk)= 12ab...", with blanks where some write them.  IMG_E_CORRUPT, IMG_E_RANGE (too many
 * lines), IMG_E_NOMEM.  Free with img_manifest_free(), which accepts NULL.
 */
struct img_manifest *img_manifest_read(const void *bytes, size_t len, struct img_err *err);
void img_manifest_free(struct img_manifest *manifest);
/* One line, without a blank in front of the bracket, which some readers do not take. */
void img_manifest_put(FILE *out, const char *hash, const char *name, const uint8_t *sum, size_t len);

/* ---- Boxes of Vagrant ---------------------------------------------------------------------------- */

struct img_box {
	const char *const *disks;	/* names of their files, borrowed from it */
	size_t n_disks;			/* 0: it lists none, as boxes with one disk do not */
};

/*
 * By its metadata.json, for libvirt.  IMG_E_CORRUPT, IMG_E_RANGE (too long, or too many disks), IMG_E_NOMEM.
 * Free with img_box_free(), which accepts NULL.
 */
struct img_box *img_box_read(const void *bytes, size_t len, struct img_err *err);
void img_box_free(struct img_box *box);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
