/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Clusters of the file that move: all references, which move_refs.c shows and changes.  Which
 * clusters move format/moves.h decides, and compact.c does it.
 */
#ifndef QCOW2_MOVE_H
#define QCOW2_MOVE_H

#include "format/moves.h"
#include "format/qcow2/refs.h"

/*
 * Told of each place in the file that something refers to, [host, host + len) in one piece, len > 0;
 * says where that is from now on.  data: a cluster with the guest's bytes, which are not compressed.
 */
typedef uint64_t qcow2_refer(void *ctx, uint64_t host, uint64_t len, bool data);

struct qcow2_referring {
	qcow2_refer *refer;
	/* Asked in its place for what L2 entries lead to: whether *c is another one now.  NULL: refer is. */
	bool (*recast)(void *ctx, struct qcow2_cluster *c);
	void *ctx;
	bool moved;			/* tables lie already where refer says that they are */
};

/*
 * Shows how->refer all references of an image in which none is damaged, refs collected from it, and
 * writes those that it changes: in the tables where they lie now, and in hdr.  Errors: IMG_E_IO,
 * IMG_E_NOMEM.
 */
bool qcow2_references_visit(struct qcow2_header *hdr, struct img_store *file,
			    const struct qcow2_refs *refs, const struct qcow2_referring *how,
			    struct img_err *err) IMG_MUST_CHECK;

/* ---- compact.c ------------------------------------------------------------------------------------ */

/* What the refcounts say of the clusters that pic was started for.  The disk is in use. */
bool qcow2_draw_counts(struct qcow2 *q, struct img_picture *pic, struct img_err *err) IMG_MUST_CHECK;
/*
 * The references of an image of which all are known, after clusters that are counted and that nothing
 * refers to have been given back.  The disk is in use, and nothing is to be flushed.  IMG_E_CORRUPT.
 */
bool qcow2_refs_without_leaks(struct img_layer *ly, const struct img_job *job,
			      struct qcow2_refs **out, struct img_err *err) IMG_MUST_CHECK;

#endif
