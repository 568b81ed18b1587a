/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Another size for the disk of a VMDK image (its parts, one file of grains, the descriptor), and other
 * values in its descriptor.
 */
#ifndef VMDK_RESIZE_H
#define VMDK_RESIZE_H

#include "format/vmdk/vmdk.h"

/* resize.c; the op of the driver. */
bool vmdk_resize(struct img_layer *ly, const struct img_layer_resize *how, struct img_err *err);
/* compact.c, too. */
bool vmdk_compact(struct img_layer *ly, const struct img_layer_compact *how,
		  struct img_layer_compacted *out, struct img_err *err);
/* link.c; ops, too. */
bool vmdk_link(struct img_layer *ly, const struct img_layer_link *to, struct img_err *err);
bool vmdk_empty(struct img_layer *ly, struct img_err *err);

/*
 * resize_sparse.c: gives a file of grains, which is open for writing and has no dirty tables, the
 * capacity `len`, whole sectors, and opens it anew.  What was behind the new end is gone, and no gap
 * stays between the grains.  IMG_E_UNSUPPORTED: it is not laid out as all writers do it; IMG_E_RANGE.
 */
bool vmdk_sparse_resize(struct vmdk_part *part, uint64_t len, const struct img_job *job,
			struct img_err *err) IMG_MUST_CHECK;

/*
 * descriptor_edit.c: the text, which ends at a NUL byte or after len bytes, with the extents of desc
 * and the number of cylinders that goes with its size, or (links) with what it stands on; all else
 * stays.  *out is the caller's and ends with a NUL behind *out_len.  Pure.  IMG_E_NOMEM.
 */
bool vmdk_descriptor_edit(const char *text, size_t len, const struct vmdk_descriptor *desc,
			  bool links, char **out, size_t *out_len,
			  struct img_err *err) IMG_MUST_CHECK;
/* The same with another value for key, which is not empty; a line that is missing comes last. */
bool vmdk_descriptor_set(const char *text, size_t len, const char *key, const char *value,
			 char **out, size_t *out_len, struct img_err *err) IMG_MUST_CHECK;
/*
 * descriptor_place.c: vmdk_descriptor_edit() of the text that the image in own has, if it has one.
 * IMG_E_RANGE: there is no room for what comes out.
 */
bool vmdk_descriptor_save(const struct vmdk *v, struct img_store *own, bool links,
			  struct img_err *err) IMG_MUST_CHECK;

/* amend.c; of the driver. */
extern const struct img_option vmdk_amend_options[];
bool vmdk_amend(struct img_layer *ly, const struct img_settings *set, const struct img_job *job,
		struct img_err *err);

#endif
