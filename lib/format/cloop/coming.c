/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An image that comes through a pipe: it can be read as it comes when its index is in front, leads
 * from block to block without a fault, and the length of the disk is noted.  Where it is not, the last
 * block would have to be looked at before the first one is read.
 */
#include "format/cloop/cloop.h"

enum { INDEX_BYTES_MAX = 64 << 20 };	/* kept in memory whole */

/* Larger than any file: how long this one is nobody knows yet. */
#define ANY_SIZE ((uint64_t)INT64_MAX)

bool cloop_coming(struct cloop *c, struct img_store *file, bool *yes, struct img_err *err)
{
	const struct cloop_header *hdr = &c->header;
	struct cloop_place place = { .bad = NULL };

	*yes = false;
	if (hdr->at_end || !hdr->size || cloop_index_len(hdr, hdr->n_blocks) > INDEX_BYTES_MAX)
		return true;
	if (!cloop_index_init(&c->index, hdr, file, ANY_SIZE, err))
		return false;
	for (uint32_t i = 0; i < hdr->n_blocks && !place.bad; i++)
		if (!cloop_index_get(&c->index, i, &place, err))
			return false;
	*yes = !place.bad;
	if (!*yes)
		cloop_index_clear(&c->index);
	return true;
}
