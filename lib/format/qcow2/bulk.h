/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables in bulk: who needs whole ones, of all the image, reads them by the megabyte and not
 * through a cache.
 */
#ifndef QCOW2_BULK_H
#define QCOW2_BULK_H

#include "format/qcow2/qcow2.h"

/* Most that one read or write moves. */
#define QCOW2_BULK_BYTES ((size_t)1 << 20)

/*
 * Told of a piece of the file: raw[0, len) stands at host.  What the file does not have is zeros.
 * index counts the pieces.
 */
typedef bool qcow2_bulk_visit(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
			      struct img_err *err);

/* Visits [at, at + len) in pieces of at most a megabyte, cut where that is a multiple of 8. */
bool qcow2_bulk_range(struct img_store *file, uint64_t at, uint64_t len, qcow2_bulk_visit *visit,
		      void *ctx, struct img_err *err) IMG_MUST_CHECK;

/* Clusters of a file, in any order. */
struct qcow2_cluster_list {
	struct img_store *file;		/* borrowed */
	unsigned cluster_bits;
	uint64_t *v;			/* host offsets; owned */
	size_t n, cap;
};

bool qcow2_cluster_list_add(struct qcow2_cluster_list *list, uint64_t host, struct img_err *err)
	IMG_MUST_CHECK;
void qcow2_cluster_list_clear(struct qcow2_cluster_list *list);
/* Visits each cluster whole; those that follow each other in the list and in the file come at once. */
bool qcow2_bulk_clusters(const struct qcow2_cluster_list *list, qcow2_bulk_visit *visit, void *ctx,
			 struct img_err *err) IMG_MUST_CHECK;

/* What was changed of a piece: from the first entry to the end of the last; zeroed: nothing. */
struct qcow2_changes {
	size_t start, end;
};

void qcow2_changes_note(struct qcow2_changes *changes, size_t at, size_t len);
/* Writes that much of the piece that was visited at host, from the start of a sector; no sync. */
bool qcow2_changes_write(const struct qcow2_changes *changes, struct img_store *file, uint64_t host,
			 const uint8_t *raw, struct img_err *err) IMG_MUST_CHECK;

#endif
