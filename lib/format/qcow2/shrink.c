/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A disk that got smaller: what lay behind its end is dropped.  What snapshots have too is theirs
 * from then on.  Whole tables are read by the megabyte; one is cut in the midst.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/bulk.h"
#include "format/qcow2/resize.h"
#include "format/qcow2/write.h"

/* So many stretches are remembered before their counts are lowered. */
enum { DROPPED_MAX = 1 << 16 };

/* ---- Entries -------------------------------------------------------------------------------------- */

static bool is_empty(const uint8_t *raw, size_t len)
{
	return !img_get_be64(raw) && (len == sizeof(uint64_t) || !img_get_be64(raw + 8));
}

/* Lock held.  What the entry at raw leads to is not needed by the disk any more. */
static bool drop_entry(struct qcow2 *q, const uint8_t *raw, struct img_err *err)
{
	const uint64_t bitmap = q->geo.subclusters ? img_get_be64(raw + 8) : 0;
	const struct img_finding_kind *why;
	struct qcow2_cluster cluster;

	if (!qcow2_l2_decode(&q->geo, img_get_be64(raw), bitmap, &cluster, &why))
		return img_fail(err, IMG_E_CORRUPT, _("an entry behind the new end: %s"),
				_(why->text));
	if (!qcow2_may_drop(q, &cluster, err))
		return false;
	qcow2_drop_cluster(q, &cluster);
	return true;
}

/* Lock held.  Of entries [from, len) of a table. */
static bool drop_entries(struct qcow2 *q, const uint8_t *raw, size_t from, size_t len,
			 struct img_err *err)
{
	for (size_t i = from; i < len; i += q->geo.l2_entry_len)
		if (!is_empty(raw + i, q->geo.l2_entry_len) && !drop_entry(q, raw + i, err))
			return false;
	return true;
}

/* ---- Whole tables --------------------------------------------------------------------------------- */

static bool drop_table(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		       struct img_err *err)
{
	struct qcow2 *q = ctx;

	(void)index;
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	const bool ok = drop_entries(q, raw, 0, len, err);

	qcow2_drop(q, host, len);
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	return ok && (q->disk->dropped.n < DROPPED_MAX || qcow2_settle(q, err));
}

/* The tables of L1's entries from `first` on, which are 0 afterwards. */
static bool take_out(struct qcow2 *q, size_t first, struct qcow2_cluster_list *list,
		     struct img_err *err)
{
	for (size_t i = first; i < q->map.n_l1; i++) {
		const uint64_t host = q->map.l1[i] & QCOW2_ENTRY_HOST;

		if (!q->map.l1[i])
			continue;
		if (host && !qcow2_cluster_list_add(list, host, err))
			return false;
		q->map.l1[i] = 0;
		qcow2_l1_changed(q, i, false);
	}
	return true;
}

static bool drop_tables(struct qcow2 *q, size_t first, struct img_err *err)
{
	struct qcow2_cluster_list list = {
		.file = q->map.file, .cluster_bits = q->geo.cluster_bits,
	};
	/* The file must have what the cache knows. */
	const bool ok = qcow2_flush(q, err) && take_out(q, first, &list, err) &&
			qcow2_bulk_clusters(&list, drop_table, q, err) && qcow2_settle(q, err);

	qcow2_cluster_list_clear(&list);
	return ok;
}

/* ---- The table and the cluster that the end lies in ----------------------------------------------- */

/* Lock held.  Whether the table of guest byte at, which is not 0 there or behind, has to change. */
static bool needs_cut(struct qcow2 *q, uint64_t at, size_t from, bool *needs, struct img_err *err)
{
	const size_t len = qcow2_cluster_size(&q->geo);
	struct qcow2_table *table;
	bool shared;

	*needs = false;
	if (!qcow2_l2_for_look(q, at, &table, &shared, err))
		return false;
	if (!table)
		return true;
	for (size_t i = from; i < len && !*needs; i += sizeof(uint64_t))
		*needs = img_get_be64(table->raw + i);
	qcow2_cache_put(q->map.cache, table);
	return true;
}

/* Lock held. */
static bool cut_table(struct qcow2 *q, uint64_t at, size_t from, struct img_err *err)
{
	const size_t len = qcow2_cluster_size(&q->geo);
	struct qcow2_table *table;

	if (!qcow2_l2_for_change(q, at, &table, err))
		return false;
	const bool ok = drop_entries(q, table->raw, from, len, err);

	if (ok) {
		memset(table->raw + from, 0, len - from);
		qcow2_cache_changed(q->map.cache, table, from, len - from, false);
	}
	qcow2_cache_put(q->map.cache, table);
	return ok;
}

/* at: the first cluster that goes, in the midst of a table. */
static bool cut_in_table(struct qcow2 *q, uint64_t at, struct img_err *err)
{
	const uint64_t index = at >> q->geo.cluster_bits & ((UINT64_C(1) << q->geo.l2_bits) - 1);
	const size_t from = index * q->geo.l2_entry_len;
	bool needs;

	if (!from)
		return true;
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	const bool ok = needs_cut(q, at, from, &needs, err) && (!needs || cut_table(q, at, from, err));

	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	return ok;
}

/* Who makes the disk larger again, whoever that is, finds zeros in the rest of its last cluster. */
static bool clear_rest(struct img_layer *ly, uint64_t at, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	const uint64_t end = img_min_u64(ly->size, img_round_up(at, qcow2_cluster_size(&q->geo)));
	struct qcow2_cluster cluster;

	if (at == end)
		return true;
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	const bool ok = qcow2_entry_now(q, at, &cluster, err);

	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	return ok && (cluster.kind == QCOW2_CLUSTER_HOLE ||
		      qcow2_zero(ly, at, end - at, false, err));
}

/* ---- All of it ------------------------------------------------------------------------------------ */

/* A device keeps its length: there the bytes go. */
static bool cut_data_file(struct qcow2 *q, uint64_t end, uint64_t old, struct img_err *err)
{
	const uint64_t size = q->map.data_size;

	if (!q->data_file || size <= end)
		return true;
	if (!(q->data_file->caps & IMG_STORE_RESIZE))
		return img_store_zero(q->data_file, end, img_min_u64(size, old) - end, false, err);
	if (!img_store_resize(q->data_file, end, err))
		return false;
	q->map.data_size = end;
	return true;
}

bool qcow2_cut_guest(struct img_layer *ly, uint64_t end, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	const uint64_t needed = qcow2_l1_needed(&q->geo, end);
	const uint64_t first = img_round_up(end, qcow2_cluster_size(&q->geo));

	if (!clear_rest(ly, end, err) || !cut_in_table(q, first, err) ||
	    !drop_tables(q, needed, err))
		return false;
	qcow2_l1_shorten(q, needed);
	return cut_data_file(q, end, ly->size, err) || img_within(err, _("data file"));
}

bool qcow2_drop_guest(struct qcow2 *q, struct img_err *err)
{
	return drop_tables(q, 0, err);
}
