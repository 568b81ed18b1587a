/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VMDK image that is being made: what was asked for, and the way in which its type is written. */
#ifndef VMDK_NEW_H
#define VMDK_NEW_H

#include "format/vmdk/vmdk.h"

/* A type of image, one of the values of subformat=. */
struct vmdk_subformat {
	const char *create_type;	/* also what the descriptor says */
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

struct vmdk_new {
	const struct vmdk_subformat *subformat;
	bool zeroed_grain;		/* entries of tables may say that a grain reads as zeros */
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

/* ---- create.c -------------------------------------------------------------------------------- */

bool vmdk_create(struct img_layer *ly, const struct img_layer_create *what, struct img_err *err);
/* Accepts NULL. */
void vmdk_new_free(struct vmdk_new *fresh);
extern const struct img_write_ops vmdk_write_ops;

#endif
