/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A hosted sparse file that is being made.  Grains are placed one behind the other; the tables are
 * in memory, as far as they hold anything, and are written at the end in bulk, twice.  Places and
 * guest bytes count from the start of this file's part of the disk.
 */
#ifndef VMDK_SPARSE_NEW_H
#define VMDK_SPARSE_NEW_H

#include "format/vmdk/header.h"
#include "store/store.h"

struct vmdk_sparse_new {
	struct img_store *file;		/* borrowed */
	struct vmdk_header hdr;		/* capacity: IMG_SIZE_UNKNOWN until finish, perhaps */
	bool fresh;			/* what was never written to file reads as zeros */
	bool zeroed_grain;
	uint64_t next;			/* bytes of the file: where the next grain goes */
	uint64_t first;			/* of the first grain, when all have their places; else 0 */
	uint8_t **tables;		/* as in the file; owned; NULL: all holes */
	size_t n_tables;
};

/*
 * A file whose fields file, fresh, zeroed_grain and hdr.capacity are set, the others zero.
 * desc_len: bytes, whole sectors, for a descriptor behind the header; 0: none.  When the capacity
 * is known the tables go in front of the grains, else behind them.
 * IMG_E_RANGE: the tables would be larger than what can be read.
 */
bool vmdk_sparse_new_start(struct vmdk_sparse_new *sp, uint64_t desc_len, struct img_err *err)
	IMG_MUST_CHECK;
void vmdk_sparse_new_clear(struct vmdk_sparse_new *sp);
/*
 * Behind vmdk_sparse_new_start(), of a file whose capacity is known: gives each grain its place, in
 * the order of the disk.  They read as zeros.  IMG_E_RANGE: no entry can name one of them.
 */
bool vmdk_sparse_new_place_all(struct vmdk_sparse_new *sp, struct img_err *err) IMG_MUST_CHECK;
/* Picks the place for [at, at + len).  IMG_E_RANGE: no entry can name it. */
bool vmdk_sparse_new_take(struct vmdk_sparse_new *sp, uint64_t at, uint64_t len, uint64_t *host,
			  struct img_err *err) IMG_MUST_CHECK;
/* The grains of [at, at + len) lie at host. */
bool vmdk_sparse_new_map(struct vmdk_sparse_new *sp, uint64_t at, uint64_t len, uint64_t host,
			 struct img_err *err) IMG_MUST_CHECK;
/* The grains of [at, at + len) read as zeros, whatever is below. */
bool vmdk_sparse_new_zero(struct vmdk_sparse_new *sp, uint64_t at, uint64_t len,
			  struct img_err *err) IMG_MUST_CHECK;
/*
 * The two steps of the end that a file which gets another size has, too.  place: the directories of
 * a header whose capacity, n_gd and flags are right, each with its tables behind it, lie from start
 * on; returns the end.  write: directories and tables, whose entries are final.
 */
uint64_t vmdk_sparse_new_place(struct vmdk_sparse_new *sp, uint64_t start);
bool vmdk_sparse_new_write(struct vmdk_sparse_new *sp, struct img_err *err) IMG_MUST_CHECK;
/*
 * Writes everything; the header comes last.  The capacity is known.  text: the descriptor, len
 * bytes of it, no more than there is room for (IMG_E_RANGE).
 */
bool vmdk_sparse_new_finish(struct vmdk_sparse_new *sp, const char *text, size_t len,
			    struct img_err *err) IMG_MUST_CHECK;

#endif
