/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables that lie in holes of the file say nothing of any grain.  A large disk has millions of them,
 * and whoever goes over all of it need not read them.
 */
#include "base/num.h"
#include "format/vmdk/sparse.h"

/* A hole of the file that is known, for the tables of one directory. */
struct hole {
	uint64_t start, end;
};

static bool is_in_hole(const struct vmdk_sparse *sp, struct hole *hole, uint64_t host, uint64_t len,
		       bool *in, struct img_err *err)
{
	struct img_extent ex;

	*in = host >= hole->start && host + len <= hole->end;
	if (*in)
		return true;
	if (!img_store_extent(sp->file, host, sp->file_size, &ex, err))
		return false;
	*in = ex.kind == IMG_EXTENT_ZERO && ex.len >= len;
	if (*in)
		*hole = (struct hole){ host, host + ex.len };
	return true;
}

/* Whether readers find nothing behind entry i of both directories. */
static bool is_hollow(const struct vmdk_sparse *sp, struct hole holes[2], uint64_t i, bool *hollow,
		      struct img_err *err)
{
	const uint64_t len = vmdk_table_len(&sp->hdr, i);

	*hollow = true;
	for (int side = 0; side < 2 && *hollow; side++) {
		const struct vmdk_entry table = vmdk_sparse_table(sp, side, i);

		if (table.kind != VMDK_ENTRY_PLACE)
			*hollow = table.kind == VMDK_ENTRY_NOTHING ||
				  (side && table.kind == VMDK_ENTRY_BAD);
		else if (!is_in_hole(sp, &holes[side], table.host, len, hollow, err))
			return false;
	}
	return true;
}

bool vmdk_hollow_end(const struct vmdk_sparse *sp, uint64_t i, uint64_t limit, uint64_t *end,
		     struct img_err *err)
{
	struct hole holes[2] = { { 0, 0 }, { 0, 0 } };
	bool hollow;

	for (*end = i; *end < limit; (*end)++) {
		if (!is_hollow(sp, holes, *end, &hollow, err))
			return false;
		if (!hollow)
			break;
	}
	return true;
}
