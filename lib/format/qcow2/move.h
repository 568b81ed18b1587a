/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Clusters of the file that move: which ones, and where to.
 *
 * move_plan.c decides by a picture of the file, move_refs.c shows it all references and changes
 * them, compact.c does it.
 */
#ifndef QCOW2_MOVE_H
#define QCOW2_MOVE_H

#include "format/qcow2/refs.h"

/* n clusters of the file, by number, from the first on; `to` is below `from`, and they may overlap. */
struct qcow2_move {
	uint64_t from, to, n;
};

struct qcow2_moves {
	struct qcow2_move *v;		/* owned; rising by from */
	size_t n, cap;
};

void qcow2_moves_clear(struct qcow2_moves *moves);
/* Where the cluster is afterwards.  Pure. */
uint64_t qcow2_moves_find(const struct qcow2_moves *moves, uint64_t cluster);

/* A file as its refcounts have it: a bit for each cluster, the lowest of a byte first. */
struct qcow2_picture {
	uint64_t n;			/* clusters */
	uint8_t *used;			/* counted; owned, as the others */
	uint8_t *open;			/* free, with a refcount block to count it */
	uint8_t *tied;			/* something goes on in the one behind it */
};

bool qcow2_picture_start(struct qcow2_picture *pic, uint64_t n, struct img_err *err) IMG_MUST_CHECK;
void qcow2_picture_clear(struct qcow2_picture *pic);
/* Cluster number i of one of the three. */
static inline bool qcow2_picture_get(const uint8_t *bits, uint64_t i)
{
	return bits[i / 8] >> i % 8 & 1;
}

static inline void qcow2_picture_set(uint8_t *bits, uint64_t i, bool value)
{
	bits[i / 8] = (uint8_t)((bits[i / 8] & ~(1u << i % 8)) | (unsigned)value << i % 8);
}

/*
 * What has to move so that the file ends as early as it can: clusters that are tied move together or
 * not at all.  pic is changed.  IMG_E_NOMEM.
 */
bool qcow2_moves_plan(struct qcow2_picture *pic, struct qcow2_moves *out, struct img_err *err)
	IMG_MUST_CHECK;

/*
 * Told of each place in the file that something refers to, [host, host + len) in one piece, len > 0;
 * says where that is from now on.
 */
typedef uint64_t qcow2_refer(void *ctx, uint64_t host, uint64_t len);

/*
 * Shows refer all references of an image in which none is damaged, refs collected from it, and writes
 * those that it changes: in the tables where they lie now, and in hdr.  Errors: IMG_E_IO, IMG_E_NOMEM.
 */
bool qcow2_references_visit(struct qcow2_header *hdr, struct img_store *file,
			    const struct qcow2_refs *refs, qcow2_refer *refer, void *ctx,
			    struct img_err *err) IMG_MUST_CHECK;

#endif
