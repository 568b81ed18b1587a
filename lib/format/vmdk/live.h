/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The grain tables of a hosted sparse file that is open for writing: all that hold anything are in
 * memory, as both directories together say.
 */
#ifndef VMDK_LIVE_H
#define VMDK_LIVE_H

#include <stdatomic.h>
#include "format/vmdk/sparse.h"

struct vmdk_live {
	/* For each directory entry its table in host order, or NULL: all holes.  Owned. */
	_Atomic(_Atomic uint32_t *) *tables;
	size_t n;
	bool *dirty;		/* for each table: the file has something else, in one copy or both */
	uint64_t end;		/* bytes of the file: behind everything that is in use, whole grains */
	uint64_t old_end;	/* of the file, as it was opened: what lies before may be no zeros */
};

/*
 * Reads the tables of sp and makes sp->live, which vmdk_live_free() frees.  Where the two copies
 * differ they are to be made equal.  IMG_E_UNSUPPORTED: not a kind of file that can be written;
 * IMG_E_CORRUPT, IMG_E_INCOMPLETE: it is damaged; IMG_E_IO, IMG_E_NOMEM.
 */
bool vmdk_live_load(struct vmdk_sparse *sp, struct img_err *err) IMG_MUST_CHECK;
/* Accepts NULL. */
void vmdk_live_free(struct vmdk_live *live);
/* The entry of that grain, as in the file.  Any number of threads. */
uint32_t vmdk_live_get(const struct vmdk_live *live, uint32_t gt_entries, uint64_t grain);
/* Makes sure that vmdk_live_set() will find a table.  One caller at a time. */
bool vmdk_live_prepare(struct vmdk_live *live, uint32_t gt_entries, uint64_t grain,
		       struct img_err *err) IMG_MUST_CHECK;
/* Changes an entry.  One caller at a time. */
void vmdk_live_set(struct vmdk_live *live, uint32_t gt_entries, uint64_t grain, uint32_t entry);

#endif
