/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An L2 table made anew: a snapshot has an older one, or the clusters that nobody else has are just
 * as many as it had entries, and then they are in order.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/salvage.h"

/* What is written is not COPIED: a snapshot may have it, too. */
static bool copy_table(struct qcow2_salvage *s, uint64_t from, uint64_t to, struct img_err *err)
{
	const size_t len = qcow2_cluster_size(&s->geo);
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(len, err);

	return raw && img_store_read(s->file, from, raw, len, err) &&
	       img_store_write(s->overlay, to, raw, len, err);
}

/* The entries of the table that are for the disk. */
static size_t entries_of(const struct qcow2_salvage *s, size_t index)
{
	const uint64_t start = (uint64_t)index << qcow2_l1_bits(&s->geo);
	const uint64_t left = start < s->hdr.size ? s->hdr.size - start : 0;

	return img_min_u64(UINT64_C(1) << s->geo.l2_bits,
			   img_div_up(left, qcow2_cluster_size(&s->geo)));
}

/* Data lie behind their table and before the next one. */
static uint64_t end_of_data(const struct qcow2_salvage *s, size_t index, uint64_t host)
{
	const uint64_t next = index + 1 < s->n_l1 ? s->l1[index + 1] & QCOW2_ENTRY_HOST : 0;

	return next > host && next < s->file_size ? next : s->file_size;
}

static bool is_data(const struct qcow2_salvage *s, uint64_t cluster)
{
	const struct qcow2_found *found = qcow2_salvage_find(s, cluster << s->geo.cluster_bits);

	return (!found || !found->l2) && qcow2_salvage_is_orphan(s, cluster);
}

/* n orphans from behind host on, into clusters; false: there are not just as many. */
static bool collect(const struct qcow2_salvage *s, size_t index, uint64_t host, uint64_t *clusters,
		    size_t n)
{
	const uint64_t first = (host >> s->geo.cluster_bits) + 1;
	const uint64_t end = end_of_data(s, index, host) >> s->geo.cluster_bits;
	size_t got = 0;

	if (end - first > 4 * (uint64_t)n)
		return false;
	for (uint64_t cluster = first; cluster < end; cluster++) {
		if (!is_data(s, cluster))
			continue;
		if (got == n)
			return false;
		clusters[got++] = cluster;
	}
	return n && got == n;
}

static bool write_sequence(struct qcow2_salvage *s, uint64_t host, const uint64_t *clusters,
			   size_t n, struct img_err *err)
{
	const size_t len = qcow2_cluster_size(&s->geo);
	IMG_AUTO_FREE uint8_t *raw = img_calloc(len, 1, err);

	if (!raw)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct qcow2_cluster one = {
			.kind = QCOW2_CLUSTER_DATA, .allocated = true, .copied = true,
			.host = clusters[i] << s->geo.cluster_bits,
		};

		qcow2_l2_encode(&s->geo, &one, raw + i * s->geo.l2_entry_len);
	}
	return img_store_write(s->overlay, host, raw, len, err);
}

bool qcow2_salvage_remake(struct qcow2_salvage *s, size_t index, uint64_t host, bool *made,
			  struct img_err *err)
{
	const size_t n = entries_of(s, index);
	uint64_t donor;

	*made = false;
	if (!qcow2_salvage_donor(s, index, host, &donor, err))
		return false;
	if (donor) {
		*made = true;
		return copy_table(s, donor, host, err);
	}
	if (!s->counts_known)
		return true;
	IMG_AUTO_FREE uint64_t *clusters = img_calloc(img_max_u64(n, 1), sizeof(*clusters), err);

	if (!clusters)
		return false;
	*made = collect(s, index, host, clusters, n);
	return !*made || write_sequence(s, host, clusters, n, err);
}
