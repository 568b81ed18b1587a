/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an image remembers of its past, a part of the driver contract: bitmaps and snapshots. */
#ifndef IMG_FORMAT_HISTORY_H
#define IMG_FORMAT_HISTORY_H

#include "libimg.h"

struct img_layer;
struct img_node;

/* ---- Bitmaps: what has changed ---------------------------------------------------------------- */

/*
 * list and next: any layer that is open; the others: one that is open for writing, and what they do
 * gets into the file by finish of struct img_disk_ops.  One thread at a time, while no request of
 * the disk is under way.  Errors beside those of reading: IMG_E_ARGUMENT (no such bitmap, or there
 * is one of that name), IMG_E_CORRUPT (it is inconsistent or damaged), IMG_E_RANGE,
 * IMG_E_UNSUPPORTED.
 */
struct img_bitmap_ops {
	/* *out is owned by the caller, as are the names; NULL when *n is 0. */
	bool (*list)(struct img_layer *ly, struct img_bitmap **out, size_t *n,
		     struct img_err *err);
	/* granularity: a power of two, or 0: the format's choice. */
	bool (*create)(struct img_layer *ly, const char *name, uint64_t granularity, bool enabled,
		       struct img_err *err);
	bool (*remove)(struct img_layer *ly, const char *name, struct img_err *err);
	bool (*clear)(struct img_layer *ly, const char *name, struct img_err *err);
	bool (*enable)(struct img_layer *ly, const char *name, bool enabled, struct img_err *err);
	/* Adds guest bytes [at, at + len), len > 0, inside the disk, to what has changed. */
	bool (*mark)(struct img_layer *ly, const char *name, uint64_t at, uint64_t len,
		     struct img_err *err);
	/* The first run of changed bytes at or behind out->start; out->len is 0: there is none. */
	bool (*next)(struct img_layer *ly, const char *name, struct img_bitmap_run *out,
		     struct img_err *err);
	/* Bytes of the file that n such bitmaps, all full, would take in a new image. */
	uint64_t (*room)(const struct img_layer *fresh, const struct img_bitmap *list, size_t n);
};

/* ---- Snapshots: what the disk was ------------------------------------------------------------- */

/*
 * list: any layer that is open; the others: one that is open for writing and was flushed, of which all
 * that is written gets into the file at once, later, so that nothing needs an order or a sync.  Nothing
 * but close may follow, even on failure.  No request is under way.  What is said in libimg-snapshot.h
 * of the functions of the same names holds.
 */
struct img_snapshot_ops {
	/* *out is owned by the caller, as are the texts; NULL when *n is 0. */
	bool (*list)(struct img_layer *ly, bool sizes, struct img_snapshot **out, size_t *n,
		     struct img_err *err);
	bool (*create)(struct img_layer *ly, const struct img_snapshot_new *what,
		       struct img_err *err);
	/* Sets ly->size. */
	bool (*apply)(struct img_layer *ly, const char *which, const struct img_snapshot_new *keep,
		      bool *kept, struct img_err *err);
	bool (*remove)(struct img_layer *ly, const char *which, struct img_err *err);
	bool (*rename)(struct img_layer *ly, const char *which, const char *name,
		       struct img_err *err);
};

/* Adds to a report what it has of each snapshot. */
void img_snapshot_tell(const struct img_snapshot *snap, struct img_node *to);

#endif
