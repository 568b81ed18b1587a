/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the parts of another size know of each other.  No request is under way, and all that is
 * written gets into the file at once: nothing here needs an order.
 *
 * Functions want to be called without the lock of the cache.
 */
#ifndef QCOW2_RESIZE_H
#define QCOW2_RESIZE_H

#include "format/compact.h"
#include "format/qcow2/disk.h"

/* ---- resize.c ------------------------------------------------------------------------------------- */

/* IMG_E_CORRUPT: a request has met a contradiction. */
bool qcow2_consistent(const struct qcow2 *q, struct img_err *err) IMG_MUST_CHECK;

/* ---- resize_l1.c ---------------------------------------------------------------------------------- */

/*
 * From now on the table in memory has all entries that the header tells of, those behind the end of
 * the disk too.  IMG_E_INCOMPLETE: the file does not have them.
 */
bool qcow2_l1_take_whole(struct qcow2 *q, struct img_err *err) IMG_MUST_CHECK;
/* A table with n entries at least, which may lie somewhere else.  IMG_E_RANGE: more than 32 MiB. */
bool qcow2_l1_extend(struct qcow2 *q, uint64_t n, struct img_err *err) IMG_MUST_CHECK;
/* The table ends behind n entries; those that go are 0, and that is in the file. */
void qcow2_l1_shorten(struct qcow2 *q, uint64_t n);

/* ---- enlarge.c ------------------------------------------------------------------------------------ */

/*
 * Guest bytes from `from` to the end of the disk, all of them new, read as zeros, and have the space
 * that how says.
 */
bool qcow2_enlarge(struct img_layer *ly, uint64_t from, enum img_preallocation how,
		   struct img_err *err) IMG_MUST_CHECK;

/* ---- shrink.c ------------------------------------------------------------------------------------- */

/* Nothing behind guest byte `end` is left, in the tables or in what they lead to. */
bool qcow2_cut_guest(struct img_layer *ly, uint64_t end, struct img_err *err) IMG_MUST_CHECK;

/* The disk holds nothing; its L1 table stays as long as it is. */
bool qcow2_drop_guest(struct qcow2 *q, struct img_err *err) IMG_MUST_CHECK;

/* ---- trim.c --------------------------------------------------------------------------------------- */

/* The last refcount blocks go if they count nothing, and the file ends with what is in use. */
bool qcow2_trim(struct qcow2 *q, struct img_err *err) IMG_MUST_CHECK;

/* ---- compact.c ------------------------------------------------------------------------------------ */

/*
 * What lies last in the file moves into room further down, until nothing more can.  The disk is in
 * use before and afterwards, and all of it is in the file.  IMG_E_CORRUPT: the image is damaged.
 */
bool qcow2_compact(struct img_layer *ly, const struct img_job *job, struct img_err *err)
	IMG_MUST_CHECK;

/* ---- hollow.c ------------------------------------------------------------------------------------- */

/*
 * Whole clusters of the disk that are hollow lose their places, where somebody else than a snapshot
 * has an L2 table for them.  To be flushed.
 */
bool qcow2_hollow(struct img_layer *ly, const struct img_layer_compact *how, struct img_err *err)
	IMG_MUST_CHECK;

#endif
