/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The snapshot table of a salvage: without it nobody could tell the L1 tables of snapshots from that
 * of the disk.  Found by its shape: entries that lead to L1 tables.
 */
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/salvage.h"

enum { PIECE = 4096 };			/* of a table that is looked at */

/* How many entries raw[0, len) starts with. */
static uint32_t count_entries(const struct qcow2_salvage *s, const uint8_t *raw, size_t len)
{
	struct img_err why = { 0 };
	uint32_t n = 0;

	for (size_t used; len; raw += used, len -= used, n++) {
		struct qcow2_snapshot snap;

		if (!qcow2_snapshot_decode(raw, len, 0, &snap, &used, &why))
			break;
		const struct qcow2_found *l1 = qcow2_salvage_find(s, snap.l1_off);
		const bool good = l1 && l1->l1 && snap.id[0] &&
				  snap.l1_entries <= QCOW2_L1_BYTES_MAX / sizeof(uint64_t);

		qcow2_snapshot_clear(&snap);
		if (!good)
			break;
	}
	return n;
}

/* Older copies of the table may be left, with fewer snapshots. */
static bool search(struct qcow2_salvage *s, uint8_t *raw, struct img_err *err)
{
	const uint64_t cluster = qcow2_cluster_size(&s->geo);
	struct img_extent ex = { .start = 0 };
	size_t got;

	for (uint64_t at = cluster; at < s->file_size; at += cluster) {
		if (at >= ex.start + ex.len && !img_store_extent(s->file, at, s->file_size, &ex, err))
			return false;
		if (ex.kind == IMG_EXTENT_ZERO) {
			at = img_max_u64(at, img_round_down(ex.start + ex.len, cluster) - cluster);
			continue;
		}
		if (!img_store_read_some(s->file, at, raw, PIECE, &got, err))
			return false;
		const uint32_t n = count_entries(s, raw, got);

		if (n > s->hdr.n_snapshots) {
			s->hdr.n_snapshots = n;
			s->hdr.snapshots_off = at;
		}
	}
	return true;
}

static bool read_table(struct qcow2_salvage *s)
{
	struct img_err why = { 0 };

	if (qcow2_snapshots_read(&s->hdr, s->file, s->file_size, &s->snapshots, &why))
		return true;
	/* What cannot be read are no donors. */
	s->snapshots = (struct qcow2_snapshots){ 0 };
	s->hdr.n_snapshots = 0;
	return false;
}

/* A disk whose size nothing else tells has that of its latest snapshot. */
static void take_size(struct qcow2_salvage *s)
{
	const size_t n = s->snapshots.n;
	const uint64_t size = n ? s->snapshots.v[n - 1].disk_size : 0;

	if (!s->hdr.size && qcow2_l1_needed(&s->geo, size) <= QCOW2_L1_BYTES_MAX / sizeof(uint64_t))
		s->hdr.size = size;
}

static bool find_table(struct qcow2_salvage *s, struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *raw = NULL;

	if (read_table(s) && (s->hdr.n_snapshots || s->header_whole))
		return true;
	raw = img_alloc_aligned(PIECE, err);
	if (!raw || !search(s, raw, err))
		return false;
	return !s->hdr.n_snapshots || !read_table(s) ||
	       qcow2_salvage_note(s, &qcow2_noted_snapshots, s->hdr.snapshots_off, IMG_NOWHERE, 0,
				  err);
}

bool qcow2_salvage_snapshots(struct qcow2_salvage *s, struct img_err *err)
{
	if (!find_table(s, err))
		return false;
	take_size(s);
	return true;
}
