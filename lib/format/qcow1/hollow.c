/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clusters that nobody needs, as the disk is no other without them: their entries go. */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow1/resize.h"

/* Clusters [first, end) of the disk, all below the table that lies at `table`. */
static bool hollow_table(const struct qcow1_header *hdr, struct img_store *file, uint64_t table,
			 uint64_t at, uint64_t end, struct img_err *err)
{
	const uint64_t from = (uint64_t)qcow1_l2_index(hdr, at) * QCOW1_ENTRY_LEN;
	const uint64_t n = img_div_up(end - at, qcow1_cluster_size(hdr));

	return img_store_zero(file, table + from, n * QCOW1_ENTRY_LEN, true, err);
}

static bool hollow_run(const struct qcow1_header *hdr, struct img_store *file, const uint8_t *l1,
		       uint64_t at, uint64_t end, struct img_err *err)
{
	const unsigned bits = qcow1_l1_bits(hdr);

	for (uint64_t next; at < end; at = next) {
		const uint64_t table =
			img_get_be64(l1 + (uint64_t)qcow1_l1_index(hdr, at) * QCOW1_ENTRY_LEN);

		next = img_min_u64(end, ((at >> bits) + 1) << bits);
		if (table && !hollow_table(hdr, file, table, at, next, err))
			return false;
	}
	return true;
}

bool qcow1_hollow(const struct qcow1_header *hdr, struct img_store *file, const uint8_t *l1,
		  const struct img_rangeset *hollow, struct img_err *err)
{
	const uint64_t size = qcow1_cluster_size(hdr);

	for (size_t i = 0; i < hollow->n; i++) {
		const struct img_stretch *s = &hollow->v[i];
		const uint64_t from = img_round_up(s->start, size);
		/* The end of the disk ends its last cluster. */
		const uint64_t end = s->end >= hdr->size ? hdr->size : img_round_down(s->end, size);

		if (from < end && !hollow_run(hdr, file, l1, from, end, err))
			return false;
	}
	return true;
}
