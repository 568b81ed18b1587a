/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A streamOptimized file while it comes through a pipe: its markers tell what is where. */
#ifndef VMDK_TOLD_H
#define VMDK_TOLD_H

#include "format/format.h"
#include "format/vmdk/findings.h"
#include "format/vmdk/header.h"

struct vmdk_packed;
struct vmdk_told;

/* file: IMG_STORE_COMING, and borrowed; hdr says that the directory comes at the end. */
struct vmdk_told *vmdk_told_new(struct img_store *file, const struct vmdk_header *hdr,
				struct img_err *err);
/* Accepts NULL. */
void vmdk_told_free(struct vmdk_told *told);
/*
 * As vmdk_sparse_extent(), in rising order by one thread; behind a LOST answer by any.  What has not
 * come when a later grain has is a hole.  IMG_E_IO, IMG_E_NOMEM.
 */
bool vmdk_told_extent(struct vmdk_told *told, uint64_t at, uint64_t limit, struct img_extent *out,
		      struct img_err *err) IMG_MUST_CHECK;
/* Where the grain at guest byte `at` is, which an extent told of.  Any number of threads. */
bool vmdk_told_find(struct vmdk_told *told, uint64_t at, struct vmdk_packed *out,
		    struct img_err *err) IMG_MUST_CHECK;
/*
 * Reads to the end of the stream.  IMG_E_INCOMPLETE, IMG_E_CORRUPT: it has none, or what it says in
 * its tables is not what came.
 */
bool vmdk_told_conclude(struct vmdk_told *told, struct img_err *err) IMG_MUST_CHECK;
/* The first late grain at or behind `at`; out->len 0: there is none.  After vmdk_told_conclude(). */
void vmdk_told_late(const struct vmdk_told *told, uint64_t at, struct img_extent *out);

#endif
