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

/* Whether a table, if there is one, lies in a hole. */
static bool is_in_hole(const struct vmdk_sparse *sp, struct hole *hole, const struct vmdk_entry *table,
		       uint64_t len, bool *in, struct img_err *err)
{
	const uint64_t host = table->host;
	struct img_extent ex;

	*in = table->kind != VMDK_ENTRY_PLACE || (host >= hole->start && host + len <= hole->end);
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
	const struct vmdk_entry first = vmdk_sparse_table(sp, false, i);
	const struct vmdk_entry second = vmdk_sparse_table(sp, true, i);
	const uint64_t len = vmdk_table_len(&sp->hdr, i);

	*hollow = first.kind != VMDK_ENTRY_ZEROS && second.kind != VMDK_ENTRY_ZEROS &&
		  (first.kind != VMDK_ENTRY_BAD || second.kind == VMDK_ENTRY_PLACE);
	return !*hollow || (is_in_hole(sp, &holes[0], &first, len, hollow, err) &&
			    (!*hollow || is_in_hole(sp, &holes[1], &second, len, hollow, err)));
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
