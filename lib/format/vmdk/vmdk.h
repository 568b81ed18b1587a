/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An open VMDK image: its descriptor, and the files that its disk is made of. */
#ifndef VMDK_VMDK_H
#define VMDK_VMDK_H

#include "format/vmdk/descriptor.h"
#include "format/vmdk/sparse.h"

/* One after the other they are the disk. */
struct vmdk_part {
	enum vmdk_extent_type type;
	uint64_t start, len;		/* guest bytes */
	const char *name;		/* as in the descriptor; NULL: the image's own file, or ZERO */
	struct img_store *file;		/* NULL for ZERO */
	bool own_file;			/* file is not the layer's store */
	uint64_t at, file_size;		/* FLAT: where in the file the disk's bytes begin */
	struct vmdk_sparse sparse;	/* SPARSE */
	/* Salvage: */
	struct img_store *beneath;	/* what the overlay file is one of, if that is ours to close */
	bool guessed;			/* where its grains lie */
};

struct vmdk_new;
struct vmdk_disk;

struct vmdk {
	struct vmdk_descriptor desc;	/* without extents when there is none */
	bool has_desc;
	uint64_t desc_at, desc_len;	/* of the descriptor in the image's file, as far as it may go */
	struct vmdk_part *parts;	/* owned */
	size_t n_parts;
	struct img_store **files;	/* of the parts, but for the image's own; owned */
	size_t n_files;
	struct vmdk_tables *tables;
	struct img_codec_pool *decoders;	/* NULL when nothing is compressed */
	bool once;			/* as IMG_OPEN_ONCE says */
	enum img_pass pass;		/* of the first part, the only one then */
	struct vmdk_new *fresh;		/* while a new image is being written, else NULL; owned */
	struct vmdk_disk *disk;		/* while it is written in place, else NULL; owned */
};

/* Opens all files.  opener may be NULL: then there must be one file.  On failure use vmdk_free(). */
bool vmdk_open_parts(struct vmdk *v, struct img_store *own, const struct img_opener *opener,
		     struct img_err *err) IMG_MUST_CHECK;
/* v->decoders, when a part is compressed. */
bool vmdk_make_decoders(struct vmdk *v, struct img_err *err) IMG_MUST_CHECK;
/*
 * Reads the descriptor of the image in own, wherever that is.  *out is to be cleared even on
 * failure.  IMG_E_NOT_THIS_FORMAT; IMG_E_CORRUPT: also when there is none.
 */
bool vmdk_descriptor_of(struct img_store *own, struct vmdk_descriptor *out, struct img_err *err)
	IMG_MUST_CHECK;
struct vmdk_header;
/* part_name.c.  As struct img_format has it: names such as disk-flat.vmdk and disk-f001.vmdk. */
bool vmdk_is_plain_part(const char *name);
/* *bare: the file, of grains, is called disk-s001.vmdk or so, and has no descriptor in it. */
bool vmdk_is_bare(struct img_store *file, const struct vmdk_header *hdr, bool *bare,
		  struct img_err *err) IMG_MUST_CHECK;
/*
 * descriptor_place.c, of an image that has one.  Reads the text, of *len bytes and without the NUL
 * bytes behind it; *text is the caller's, even on failure.
 */
bool vmdk_descriptor_read(const struct vmdk *v, struct img_store *own, char **text, size_t *len,
			  struct img_err *err) IMG_MUST_CHECK;
/* Puts another one in its place.  IMG_E_RANGE: there is no room for it. */
bool vmdk_descriptor_write(const struct vmdk *v, struct img_store *own, const char *text,
			   size_t len, struct img_err *err) IMG_MUST_CHECK;
/* Opens the file, of which there will be no pass, as if it had not been opened for one. */
bool vmdk_settle(struct vmdk *v, struct img_err *err) IMG_MUST_CHECK;
/* Accepts NULL. */
void vmdk_free(struct vmdk *v);
/* What is common to all ways of opening, once the parts are there; takes v over on success. */
bool vmdk_open_finish(struct vmdk *v, struct img_layer *ly, const struct img_layer_open *how,
		      struct img_err *err) IMG_MUST_CHECK;
/* The part that guest byte `at` is in; it is on the disk. */
struct vmdk_part *vmdk_part_at(const struct vmdk *v, uint64_t at);

/* The tables of the driver. */
extern const struct img_check_ops vmdk_check_ops;
bool vmdk_info(struct img_layer *ly, struct img_node *report, struct img_err *err);

#endif
