/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VMDK image that is being made: what was asked for, and the way in which its type is written. */
#ifndef VMDK_NEW_H
#define VMDK_NEW_H

#include "format/vmdk/vmdk.h"

/* A type of image, one of the values of subformat=. */
struct vmdk_subformat {
	const char *create_type;	/* also what the descriptor says */
	/* What is meant where the options do not say; NULL, 0: as QEMU has it. */
	const char *adapter;
	unsigned hw_version;
	/*
	 * Begins the image: v->desc is filled but for its extents, v->fresh is there, and the layer
	 * has its size and backing.  Sets unit, codec, takes_plain and reads_as_zero of the layer,
	 * and v->fresh->own.  On failure free is called.
	 */
	bool (*start)(struct img_layer *ly, const struct img_layer_create *what,
		      struct img_err *err);
	/* announce and begin are never called; store and publish may be NULL. */
	const struct img_write_ops *write;
	void (*free)(void *own);	/* accepts NULL */
};

/* Streams have nothing that could be set aside, and ignore it. */
enum vmdk_preallocation {
	VMDK_PREALLOC_OFF,
	VMDK_PREALLOC_METADATA,		/* each grain has its place; flat images have none */
	VMDK_PREALLOC_FALLOC,		/* and the file its space */
	VMDK_PREALLOC_FULL,		/* which was written */
};

struct vmdk_new {
	const struct vmdk_subformat *subformat;
	bool zeroed_grain;		/* entries of tables may say that a grain reads as zeros */
	enum vmdk_preallocation preallocation;
	uint64_t covered;		/* flat: guest bytes in front of this have their space */
	void *own;			/* the subformat's; freed by its free */
};

/* ---- options.c ------------------------------------------------------------------------------- */

extern const struct img_option vmdk_create_options[];
/*
 * Fills what the options say: in desc all but extents, size and parent; out's subformat and flags.
 * IMG_E_ARGUMENT, IMG_E_UNSUPPORTED.  *desc is to be cleared even on failure.
 */
bool vmdk_options_read(const struct img_settings *set, struct vmdk_descriptor *desc,
		       struct vmdk_new *out, struct img_err *err) IMG_MUST_CHECK;

/* Any but VMDK_NO_PARENT.  IMG_E_IO. */
bool vmdk_random_cid(uint32_t *cid, struct img_err *err) IMG_MUST_CHECK;
/* One in hexadecimal; for the second one "new" is a random one, too.  IMG_E_ARGUMENT, IMG_E_IO. */
bool vmdk_cid_parse(const char *wish, uint32_t *cid, struct img_err *err) IMG_MUST_CHECK;
bool vmdk_cid_choose(const char *wish, uint32_t *cid, struct img_err *err) IMG_MUST_CHECK;

/* ---- parts_new.c ----------------------------------------------------------------------------- */

/* The name of the image's file without its folder; in_pipe: what it is called if it has none. */
const char *vmdk_own_name(const struct img_layer_create *what, const char *in_pipe);

/* How the disk is laid out in files. */
struct vmdk_layout {
	enum vmdk_extent_type type;
	/* Of the names of the files beside the descriptor's: "-flat"; NULL: it is the image's own. */
	const char *suffix;
	bool split;			/* into files of VMDK_SPLIT bytes, numbered behind suffix */
};

/* VMware takes 2047 MiB.  One less, so that no window of a copy, 2 MiB at most, is in two files. */
#define VMDK_SPLIT (UINT64_C(2046) << 20)

/*
 * Makes the parts of a new image and their files, and lists them in the descriptor.  What is made
 * belongs to v even on failure.  IMG_E_ARGUMENT: what was asked for has no files beside it.
 */
bool vmdk_parts_make(struct img_layer *ly, const struct img_layer_create *what,
		     const struct vmdk_layout *layout, struct img_err *err) IMG_MUST_CHECK;
/* At the end: the size is known, if it was not before.  IMG_E_RANGE: there is no disk. */
bool vmdk_parts_settle(struct img_layer *ly, struct img_err *err) IMG_MUST_CHECK;
/* Sets aside the space of a part's file there, or writes it, as how says. */
bool vmdk_part_preallocate(struct img_store *file, uint64_t at, uint64_t len,
			   enum vmdk_preallocation how, struct img_err *err) IMG_MUST_CHECK;
/* Writes the descriptor to the image's own file, which holds nothing else. */
bool vmdk_descriptor_store(struct img_layer *ly, struct img_err *err) IMG_MUST_CHECK;

/* ---- The types ------------------------------------------------------------------------------- */

extern const struct vmdk_subformat vmdk_monolithic_sparse, vmdk_split_sparse;	/* grains_new.c */
extern const struct vmdk_subformat vmdk_monolithic_flat, vmdk_split_flat;	/* flat_new.c */
extern const struct vmdk_subformat vmdk_stream_optimized;	/* stream_write.c */

/* ---- create.c -------------------------------------------------------------------------------- */

bool vmdk_create(struct img_layer *ly, const struct img_layer_create *what, struct img_err *err);
/* Accepts NULL. */
void vmdk_new_free(struct vmdk_new *fresh);
extern const struct img_write_ops vmdk_write_ops;
/* Only streams are written front to back, and their header says how large the disk is. */
bool vmdk_sequential(const struct img_layer_create *what);

#endif
