/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between versions: version 2 has no zero flag.  Without a backing file a hole reads the same; above
 * one, zeros are stored.  Each table entry reads the same before and after, in both versions, so a
 * loss of power in the middle does no harm.
 */
#include <inttypes.h>

#include "base/bytes.h"
#include "base/job.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/amend.h"
#include "format/qcow2/bulk.h"
#include "format/qcow2/counts.h"

#define ZEROS_BYTES ((size_t)1 << 20)

/* ---- L2 tables ----------------------------------------------------------------------------------- */

struct scan {
	struct qcow2 *q;
	struct qcow2_counts *tables;	/* their clusters */
	bool change;			/* flags become holes */
	bool found, freed;		/* a flag; one that has a cluster */
};

static bool add_tables(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		       struct img_err *err)
{
	struct scan *s = ctx;
	const struct img_finding_kind *why;
	uint64_t table;

	(void)index;
	(void)host;
	for (size_t i = 0; i + 8 <= len; i += 8)
		if (qcow2_l1_decode(&s->q->geo, img_get_be64(raw + i), &table, &why) && table &&
		    !qcow2_counts_add(s->tables, table >> s->q->geo.cluster_bits, 1, err))
			return false;
	return true;
}

static bool add_snapshots(struct scan *s, struct img_err *err)
{
	struct qcow2_snapshots list;
	bool ok = true;

	if (!qcow2_snapshots_read(&s->q->header, s->q->map.file, s->q->map.file_size, &list, err))
		return false;
	for (size_t i = 0; ok && i < list.n; i++)
		ok = qcow2_bulk_range(s->q->map.file, list.v[i].l1_off,
				      (uint64_t)list.v[i].l1_entries * 8, add_tables, s, err);
	qcow2_snapshots_clear(&list);
	return ok;
}

static bool is_zero_flag(uint64_t entry)
{
	return !(entry & QCOW2_ENTRY_COMPRESSED) && (entry & QCOW2_ENTRY_ZERO);
}

static bool scan_table(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		       struct img_err *err)
{
	struct scan *s = ctx;
	size_t start = 0, end = 0;

	(void)index;
	for (size_t i = 0; i < len; i += 8) {
		const uint64_t entry = img_get_be64(raw + i);

		if (!is_zero_flag(entry))
			continue;
		s->found = true;
		s->freed |= (entry & QCOW2_ENTRY_HOST) != 0;
		img_put_be64(raw + i, 0);
		if (!end)
			start = img_round_down(i, QCOW2_SECTOR);
		end = i + 8;
	}
	return !s->change || !end ||
	       img_store_write(s->q->map.file, host + start, raw + start, end - start, err);
}

/* The L2 tables of snapshots, and with active of the disk too. */
static bool scan(struct scan *s, bool active, struct img_err *err)
{
	const struct qcow2_header *hdr = &s->q->header;
	struct qcow2_cluster_list list = {
		.file = s->q->map.file, .cluster_bits = hdr->cluster_bits,
	};
	uint64_t cluster = 0, n;
	bool ok;

	s->tables = qcow2_counts_new(err);
	ok = s->tables && add_snapshots(s, err) &&
	     (!active || qcow2_bulk_range(list.file, hdr->l1_off, (uint64_t)hdr->l1_entries * 8,
					  add_tables, s, err)) &&
	     qcow2_counts_sort(s->tables, err);
	for (; ok && qcow2_counts_next(s->tables, &cluster, &n); cluster++)
		ok = qcow2_cluster_list_add(&list, cluster << hdr->cluster_bits, err);
	ok = ok && qcow2_bulk_clusters(&list, scan_table, s, err);
	qcow2_cluster_list_clear(&list);
	qcow2_counts_free(s->tables);
	return ok;
}

/* ---- Down ---------------------------------------------------------------------------------------- */

bool qcow2_downgrade_check(struct qcow2 *q, bool above, struct img_err *err)
{
	struct scan s = { .q = q };

	if (!above || !q->header.n_snapshots)
		return true;
	if (!scan(&s, false, err))
		return false;
	return !s.found ||
	       img_fail(err, IMG_E_UNSUPPORTED, _("a snapshot has clusters that read as zeros; above "
			"a backing file version 2 cannot say that"));
}

static bool store_zeros(struct img_layer *ly, const struct img_extent *ex, const uint8_t *zeros,
			struct img_err *err)
{
	for (uint64_t done = 0; done < ex->len;) {
		const size_t len = img_min_u64(ex->len - done, ZEROS_BYTES);

		if (!ly->format->disk->write(ly, ex->start + done, zeros, len, err))
			return false;
		done += len;
	}
	return true;
}

bool qcow2_downgrade_store_zeros(struct img_layer *ly, const struct img_job *job,
				 struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *zeros = img_calloc(1, ZEROS_BYTES, err);
	struct qcow2 *q = ly->priv;
	struct img_extent ex;

	if (!zeros)
		return false;
	for (uint64_t at = 0; at < ly->size; at += ex.len) {
		if (!img_job_goes_on(job, err))
			return false;
		if (!qcow2_map_extent(q, at, ly->size, &ex, err) ||
		    (ex.kind == IMG_EXTENT_ZERO && !store_zeros(ly, &ex, zeros, err)))
			return false;
		if (job && job->progress)
			job->progress(job->ctx, at + ex.len, ly->size);
	}
	return true;
}

bool qcow2_downgrade_tables(struct qcow2 *q, bool *freed, struct img_err *err)
{
	struct scan s = { .q = q, .change = true };

	if (!scan(&s, true, err))
		return false;
	*freed = s.freed;
	return img_store_sync(q->map.file, err);
}

/* ---- Up ------------------------------------------------------------------------------------------ */

bool qcow2_upgrade_check(const struct qcow2 *q, struct img_err *err)
{
	struct qcow2_snapshots list;
	uint64_t at = q->header.snapshots_off;
	bool ok = true;

	if (!qcow2_snapshots_read(&q->header, q->map.file, q->map.file_size, &list, err))
		return false;
	for (size_t i = 0; ok && i < list.n; i++) {
		uint8_t raw[QCOW2_SNAP_EXTRA];

		ok = img_store_read(q->map.file, at, raw, sizeof(raw), err);
		if (!ok)
			break;
		const uint32_t extra = img_get_be32(raw + QCOW2_SNAP_EXTRA_LEN);
		if (extra < QCOW2_SNAP_EXTRA_V3)
			ok = img_fail(err, IMG_E_UNSUPPORTED, _("snapshot \"%s\" does not tell the "
				      "size of its disk, which version 3 demands"), list.v[i].name);
		at += img_round_up(QCOW2_SNAP_EXTRA + (uint64_t)extra +
				   img_get_be16(raw + QCOW2_SNAP_ID_LEN) +
				   img_get_be16(raw + QCOW2_SNAP_NAME_LEN), QCOW2_SNAP_ALIGN);
	}
	qcow2_snapshots_clear(&list);
	return ok;
}
