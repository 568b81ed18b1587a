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

/*
 * Shows refer all references of an image in which none is damaged, refs collected from it, and writes
 * those that it changes: in the tables where they lie now, and in hdr.  Errors: IMG_E_IO, IMG_E_NOMEM.
 */
bool qcow2_references_visit(struct qcow2_header *hdr, struct img_store *file,
			    const struct qcow2_refs *refs, qcow2_refer *refer, void *ctx,
			    struct img_err *err) IMG_MUST_CHECK;

#endif
