/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kinds of images that disks are tested on, made afresh and opened from memory. */
#ifndef TESTS_DISK_LAYOUT_H
#define TESTS_DISK_LAYOUT_H

#include "disk/guest.h"
#include "image/image.h"

enum layout_start {
	START_EMPTY,
	START_FULL,			/* the first three quarters are written */
	START_COMPRESSED,		/* the same, compressed */
	START_SNAPSHOT,			/* START_FULL, and all of it belongs to a snapshot too */
};

struct layout {
	const char *name;
	const char *format, *options;
	uint64_t size;			/* guest bytes */
	uint32_t grain;			/* bytes that the image allocates together, or so */
	enum layout_start start;
	bool backing;			/* stands on a disk that is full, of its format or raw */
	const char *data_file;		/* name of a second file, or NULL */
	const char *key;		/* what opens it, or NULL */
	bool lazy;			/* reference counts may be wrong while marked as dirty */
	enum img_cache cache;
	uint64_t cache_size;		/* 0: the default */
};

extern const struct layout layouts[];
extern const size_t n_layouts;
/* 0 to n_layouts - 1: what a parameterized test gets, as pointers do not survive on their way. */
extern size_t layout_numbers[];

/* The files of a layout before anything is written: [0] the image, [1] its data file. */
enum { LAYOUT_FILES = 2 };
struct prepared {
	const struct layout *layout;
	size_t n_files;
	uint8_t *bytes[LAYOUT_FILES];
	uint64_t len[LAYOUT_FILES];
	uint8_t *backing;		/* the file of what it stands on, or NULL */
	uint64_t backing_len;
	uint8_t *content;		/* what the guest sees; layout->size bytes */
};

/*
 * Makes the files in the current folder, as "image", its data file and "backing", and reads them.
 * False: this machine lacks what is needed for it.
 */
bool prepare(const struct layout *layout, struct prepared *out);
void prepared_free(struct prepared *prep);
/* The guest's disk as it is then. */
void prepared_guest(const struct prepared *prep, struct guest *guest);

/* What opens it, to be freed; NULL: it is not encrypted. */
struct img_secret *layout_secret(const struct layout *layout);

/*
 * Opens stores, which it takes over, as the image that prep was made as; [1] is its data file or
 * NULL.  flags: IMG_OPEN_WRITE or 0.  NULL: failed.
 */
struct img *layout_open(const struct prepared *prep, struct img_store *const *stores,
			unsigned flags, struct img_err *err);

#endif
