/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tables of an image that is made around data that lie in its file already. */
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/adopt.h"
#include "format/qcow2/bulk.h"

static unsigned block_bits(const struct qcow2_adopted *a)
{
	return a->header.cluster_bits + 3 - a->header.refcount_order;
}

static uint64_t to_bytes(const struct qcow2_adopted *a, uint64_t clusters)
{
	return clusters << a->header.cluster_bits;
}

/* ---- What is needed ------------------------------------------------------------------------------ */

/* Gives an entry its table, the next one, unless it has one. */
static void need(uint32_t *table_of, uint64_t entry, uint64_t *n)
{
	if (!table_of[entry])
		table_of[entry] = (uint32_t)++*n;
}

static void find_tables(struct qcow2_adopted *a, const struct img_placement *where)
{
	need(a->block_of, 0, &a->n_blocks);
	for (uint64_t g = 0; g < where->units; g++) {
		if (!where->host_of[g])
			continue;
		need(a->l2_of, g >> a->geo.l2_bits, &a->n_l2);
		need(a->block_of, where->host_of[g] >> block_bits(a), &a->n_blocks);
		need(a->block_of, img_placement_target(where, g) >> block_bits(a), &a->n_blocks);
	}
}

/* The tables count themselves, and may need further blocks for that: until they suffice. */
static bool find_own_blocks(struct qcow2_adopted *a, struct img_err *err)
{
	uint64_t end;

	do {
		end = a->start + qcow2_adopted_clusters(a);
		const uint64_t reach = ((end - 1) >> block_bits(a)) + 1;

		if (reach > a->reach) {
			a->block_of = img_grow(a->block_of, reach, sizeof(*a->block_of), err);
			if (!a->block_of)
				return false;
			memset(a->block_of + a->reach, 0,
			       (reach - a->reach) * sizeof(*a->block_of));
			a->reach = reach;
		}
		for (uint64_t b = a->start >> block_bits(a); b < reach; b++)
			need(a->block_of, b, &a->n_blocks);
		a->n_reftable = img_div_up(a->reach * 8, to_bytes(a, 1));
	} while (end != a->start + qcow2_adopted_clusters(a));
	return a->n_reftable * to_bytes(a, 1) <= QCOW2_REFTABLE_BYTES_MAX ||
	       img_fail(err, IMG_E_RANGE, _("a refcount table larger than 8 MiB would be needed; "
			"larger clusters help"));
}

static uint32_t *invert(const uint32_t *table_of, uint64_t entries, uint64_t n, struct img_err *err)
{
	uint32_t *index = img_calloc(n + 1, sizeof(*index), err);

	for (uint64_t i = 0; index && i < entries; i++)
		if (table_of[i])
			index[table_of[i] - 1] = (uint32_t)i;
	return index;
}

static void complete_header(struct qcow2_adopted *a)
{
	const uint64_t l1 = to_bytes(a, a->start);

	a->header.l1_off = a->n_l1 ? l1 : 0;
	a->header.reftable_off = l1 + to_bytes(a, a->n_l1 + a->n_l2);
	a->header.reftable_clusters = (uint32_t)a->n_reftable;
}

bool qcow2_adopted_plan(struct qcow2_adopted *a, const struct img_placement *where,
			struct img_err *err)
{
	const uint64_t entries = qcow2_l1_needed(&a->geo, a->header.size);

	a->header.l1_entries = (uint32_t)entries;
	a->n_l1 = img_div_up(entries * 8, to_bytes(a, 1));
	a->reach = (a->start >> block_bits(a)) + 1;
	a->l2_of = img_calloc(entries + 1, sizeof(*a->l2_of), err);
	a->block_of = img_calloc(a->reach, sizeof(*a->block_of), err);
	if (!a->l2_of || !a->block_of)
		return false;
	find_tables(a, where);
	if (!find_own_blocks(a, err))
		return false;
	a->l2_index = invert(a->l2_of, entries, a->n_l2, err);
	a->block_index = invert(a->block_of, a->reach, a->n_blocks, err);
	complete_header(a);
	return a->l2_index && a->block_index;
}

/* ---- Entries ------------------------------------------------------------------------------------- */

static void put_l2_entry(const struct qcow2_adopted *a, const struct img_placement *where,
			 uint64_t guest, uint8_t *raw)
{
	const uint32_t host = guest < where->units ? where->host_of[guest] : 0;
	const struct qcow2_cluster cluster = {
		.kind = host ? QCOW2_CLUSTER_DATA : QCOW2_CLUSTER_HOLE,
		.allocated = host, .copied = host, .host = to_bytes(a, host),
	};

	qcow2_l2_encode(&a->geo, &cluster, raw);
}

static uint64_t count_of(const struct qcow2_adopted *a, const struct img_placement *where,
			 uint64_t host)
{
	if (host >= a->start)
		return host < a->start + qcow2_adopted_clusters(a);
	return host == 0 || where->guest_at[host];
}

static uint64_t l2_at(const struct qcow2_adopted *a, uint64_t l1_index)
{
	return to_bytes(a, a->start + a->n_l1 + a->l2_of[l1_index] - 1);
}

static uint64_t block_at(const struct qcow2_adopted *a, uint64_t entry)
{
	return to_bytes(a, a->start + a->n_l1 + a->n_l2 + a->n_reftable + a->block_of[entry] - 1);
}

/* ---- Whole clusters ------------------------------------------------------------------------------ */

/* Piece number `piece` of a table of places; entry i leads to the answer of at() if of[i] is set. */
static void fill_places(const struct qcow2_adopted *a, const uint32_t *of, uint64_t entries,
			uint64_t piece, bool l1, uint8_t *raw)
{
	const uint64_t per = to_bytes(a, 1) / 8;
	const uint64_t end = img_min_u64((piece + 1) * per, entries);

	for (uint64_t i = piece * per; i < end; i++, raw += 8)
		if (of[i])
			img_put_be64(raw, l1 ? qcow2_l1_encode(l2_at(a, i), true)
					     : block_at(a, i));
}

static void fill_l2(const struct qcow2_adopted *a, const struct img_placement *where,
		    uint64_t number, uint8_t *raw)
{
	const uint64_t first = (uint64_t)a->l2_index[number] << a->geo.l2_bits;
	const uint64_t end = first + (UINT64_C(1) << a->geo.l2_bits);

	for (uint64_t g = first; g < end; g++, raw += a->geo.l2_entry_len)
		put_l2_entry(a, where, g, raw);
}

static void fill_block(const struct qcow2_adopted *a, const struct img_placement *where,
		       uint64_t number, uint8_t *raw)
{
	const uint64_t first = (uint64_t)a->block_index[number] << block_bits(a);
	const uint64_t n = img_min_u64(UINT64_C(1) << block_bits(a),
				       a->start + qcow2_adopted_clusters(a) - first);

	for (uint64_t i = 0; i < n; i++)
		if (count_of(a, where, first + i))
			qcow2_refcount_put(raw, a->header.refcount_order, i, 1);
}

/* Cluster number i of all the tables, into zeros. */
static void fill_cluster(const struct qcow2_adopted *a, const struct img_placement *where, uint64_t i,
			 uint8_t *raw)
{
	if (i < a->n_l1) {
		fill_places(a, a->l2_of, a->header.l1_entries, i, true, raw);
		return;
	}
	i -= a->n_l1;
	if (i < a->n_l2) {
		fill_l2(a, where, i, raw);
		return;
	}
	i -= a->n_l2;
	if (i < a->n_reftable)
		fill_places(a, a->block_of, a->reach, i, false, raw);
	else
		fill_block(a, where, i - a->n_reftable, raw);
}

bool qcow2_adopted_write(const struct qcow2_adopted *a, const struct img_placement *where,
			 struct img_store *st, struct img_err *err)
{
	const size_t cluster = to_bytes(a, 1);
	const size_t most = img_max_u64(QCOW2_BULK_BYTES / cluster, 1);
	const uint64_t all = qcow2_adopted_clusters(a);
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(most * cluster, err);

	if (!raw)
		return false;
	for (uint64_t i = 0; i < all; i += most) {
		const size_t n = img_min_u64(most, all - i);

		memset(raw, 0, n * cluster);
		for (size_t j = 0; j < n; j++)
			fill_cluster(a, where, i + j, raw + j * cluster);
		if (!img_store_write(st, to_bytes(a, a->start + i), raw, n * cluster, err))
			return false;
	}
	return true;
}

/* ---- Changes ------------------------------------------------------------------------------------- */

bool qcow2_adopted_put_l2(const struct qcow2_adopted *a, const struct img_placement *where,
			  struct img_store *st, uint64_t first, uint64_t end, struct img_err *err)
{
	const uint64_t per = UINT64_C(1) << a->geo.l2_bits;
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(to_bytes(a, 1), err);

	for (uint64_t next; raw && first < end; first = next) {
		next = img_min_u64(img_round_down(first, per) + per, end);
		for (uint64_t g = first; g < next; g++)
			put_l2_entry(a, where, g, raw + (g - first) * a->geo.l2_entry_len);
		assert(a->l2_of[first / per]);
		if (!img_store_write(st, l2_at(a, first / per) + first % per * a->geo.l2_entry_len,
				     raw, (next - first) * a->geo.l2_entry_len, err))
			return false;
	}
	return raw != NULL;
}

bool qcow2_adopted_put_counts(const struct qcow2_adopted *a, const struct img_placement *where,
			      struct img_store *st, uint64_t first, uint64_t end, struct img_err *err)
{
	const uint64_t per = UINT64_C(1) << block_bits(a);
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(to_bytes(a, 1), err);

	assert(a->header.refcount_order == QCOW2_REFCOUNT_ORDER_V2);
	for (uint64_t next; raw && first < end; first = next) {
		next = img_min_u64(img_round_down(first, per) + per, end);
		for (uint64_t h = first; h < next; h++)
			qcow2_refcount_put(raw, a->header.refcount_order, h - first,
					   count_of(a, where, h));
		assert(a->block_of[first / per]);
		if (!img_store_write(st, block_at(a, first / per) + first % per * 2, raw,
				     (next - first) * 2, err))
			return false;
	}
	return raw != NULL;
}
