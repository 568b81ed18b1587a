/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The part of libimg.h that is about appliances (OVF, DSP0243): the descriptor, which tells of disks and
 * hardware, and the manifest, which has a hash of each file.  Not to be included alone.
 */
#ifndef LIBIMG_OVF_H
#define LIBIMG_OVF_H

#ifndef LIBIMG_H
#error "include libimg.h"
#endif

/* ---- What a descriptor says -------------------------------------------------------------------- */

/* All texts are borrowed from the descriptor; NULL: not said. */
struct img_ovf_file {
	const char *id, *href;		/* never NULL */
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

#endif
