/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * L1 and L2 of a new image.  An L2 table's place is taken with the first data in its range, so
 * that the layout follows from guest order alone; it is written when order has gone past it.
 */
#include "format/qcow2/tables.h"

#include <string.h>

#include "base/bytes.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "extent/extent.h"

#define NONE UINT64_MAX

static uint64_t cluster_size(const struct qcow2_tables *t)
{
	return qcow2_cluster_size(t->geo);
}

/* Guest bytes of one table. */
static uint64_t span_of(const struct qcow2_tables *t)
{
	return UINT64_C(1) << qcow2_l1_bits(t->geo);
}

static uint64_t l1_clusters(const struct qcow2_tables *t, uint64_t n)
{
	return img_div_up(n * 8, cluster_size(t));
}

bool qcow2_tables_init(struct qcow2_tables *t, uint64_t size, struct img_err *err)
{
	pthread_mutex_init(&t->lock, NULL);
	t->open = NONE;
	t->l2 = img_calloc(1, cluster_size(t), err);
	if (!t->l2)
		return false;
	if (size == IMG_SIZE_UNKNOWN || !size)
		return true;
	t->n_l1 = qcow2_l1_needed(t->geo, size);
	t->l1 = img_calloc(t->n_l1, sizeof(*t->l1), err);
	return t->l1 && qcow2_space_take(t->space, l1_clusters(t, t->n_l1), &t->l1_host, err);
}

void qcow2_tables_free(struct qcow2_tables *t)
{
	if (!t->geo)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t->l1);
	free(t->l2);
	free(t->late.v);
}

/* ---- Places ----------------------------------------------------------------------------------- */

static bool grow_l1(struct qcow2_tables *t, uint64_t n, struct img_err *err)
{
	const uint64_t wanted = img_max_u64(n, img_min_u64(2 * t->n_l1, QCOW2_L1_BYTES_MAX / 8));
	uint64_t *l1;

	if (n > QCOW2_L1_BYTES_MAX / 8)
		return img_fail(err, IMG_E_RANGE,
				_("the disk is too large for clusters of %u bytes; "
				  "larger ones allow more"), 1u << t->geo->cluster_bits);
	l1 = img_grow(t->l1, wanted, sizeof(*l1), err);
	if (!l1)
		return false;
	memset(l1 + t->n_l1, 0, (wanted - t->n_l1) * sizeof(*l1));
	t->l1 = l1;
	t->n_l1 = wanted;
	return true;
}

static bool set_l1(struct qcow2_tables *t, uint64_t index, uint64_t host, struct img_err *err)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&t->lock);

	if (index >= t->n_l1 && !grow_l1(t, index + 1, err))
		return false;
	t->l1[index] = host;
	return true;
}

static uint64_t get_l1(struct qcow2_tables *t, uint64_t index)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&t->lock);

	return index < t->n_l1 ? t->l1[index] : 0;
}

static bool place_one(struct qcow2_tables *t, uint64_t index, struct img_err *err)
{
	uint64_t host;

	return qcow2_space_take(t->space, 1, &host, err) && set_l1(t, index, host, err);
}

bool qcow2_tables_place(struct qcow2_tables *t, uint64_t guest, uint64_t len,
			struct img_err *err)
{
	const uint64_t span = span_of(t);
	const uint64_t end = (guest + len - 1) / span + 1;

	for (uint64_t i = img_max_u64(t->next, guest / span); i < end; i++)
		if (!place_one(t, i, err))
			return false;
	t->next = img_max_u64(t->next, end);
	return true;
}

bool qcow2_tables_preallocate(struct qcow2_tables *t, uint64_t size, struct img_err *err)
{
	t->mapped = true;
	t->mapped_size = size;
	return !size || qcow2_tables_place(t, 0, size, err);
}

/* ---- Entries ---------------------------------------------------------------------------------- */

static void put_entry(struct qcow2_tables *t, uint64_t i, const struct qcow2_cluster *cluster)
{
	qcow2_l2_encode(t->geo, cluster, t->l2 + i * t->geo->l2_entry_len);
}

/* Entries first to end of the open table: clusters in a row from host on. */
static void put_row(struct qcow2_tables *t, uint64_t first, uint64_t end, uint64_t host,
		    enum qcow2_cluster_kind kind)
{
	struct qcow2_cluster cluster = {
		.kind = kind, .allocated = true, .copied = true, .host = host,
	};

	for (uint64_t i = first; i < end; i++) {
		put_entry(t, i, &cluster);
		cluster.host += cluster_size(t);
	}
}

/* Where preallocation has put the guest's byte. */
static uint64_t mapped_at(const struct qcow2_tables *t, uint64_t guest)
{
	return t->mapped_host + guest;
}

/* The table as preallocation leaves it; the layer below is still seen through it. */
static void put_mapped(struct qcow2_tables *t)
{
	const uint64_t guest = t->open * span_of(t);
	const uint64_t len = img_min_u64(span_of(t), t->mapped_size - guest);

	put_row(t, 0, img_div_up(len, cluster_size(t)), mapped_at(t, guest), t->blank);
}

static bool is_empty_entry(const struct qcow2_tables *t, uint64_t i)
{
	return img_is_zero(t->l2 + i * t->geo->l2_entry_len, t->geo->l2_entry_len);
}

/* A table without a place holds nothing but zeros: they have to wait for the end. */
static bool postpone(struct qcow2_tables *t, struct img_err *err)
{
	const uint64_t guest = t->open * span_of(t);
	const uint64_t n = UINT64_C(1) << t->geo->l2_bits;

	for (uint64_t i = 0; i < n; i++) {
		const struct qcow2_run run = {
			.at = guest + (i << t->geo->cluster_bits), .len = cluster_size(t),
			.kind = IMG_EXTENT_ZERO,
		};

		if (!is_empty_entry(t, i) && !qcow2_runs_add(&t->late, &run, err))
			return false;
	}
	return true;
}

static bool close_table(struct qcow2_tables *t, struct img_err *err)
{
	uint64_t host;

	if (t->open == NONE)
		return true;
	host = get_l1(t, t->open);
	if (!(host ? qcow2_space_write(t->space, host, t->l2, cluster_size(t), err)
		   : postpone(t, err)))
		return false;
	t->closed = t->open + 1;
	t->open = NONE;
	return true;
}

static void begin_table(struct qcow2_tables *t, uint64_t index)
{
	memset(t->l2, 0, cluster_size(t));
	t->open = index;
	if (t->mapped)
		put_mapped(t);
}

/* Preallocated tables are written even where nothing has come. */
static bool close_below(struct qcow2_tables *t, uint64_t index, struct img_err *err)
{
	if (!close_table(t, err))
		return false;
	while (t->mapped && t->closed < index) {
		begin_table(t, t->closed);
		if (!close_table(t, err))
			return false;
	}
	return true;
}

static bool open_table(struct qcow2_tables *t, uint64_t index, struct img_err *err)
{
	if (t->open == index)
		return true;
	if (!close_below(t, index, err))
		return false;
	begin_table(t, index);
	return true;
}

/* ---- A part of a guest range that lies in one table ------------------------------------------- */

struct part {
	uint64_t guest, len;	/* bytes */
	uint64_t table;
	uint64_t first, end;	/* entries */
};

static struct part part_at(const struct qcow2_tables *t, uint64_t guest, uint64_t len)
{
	const uint64_t span = span_of(t), from = guest & (span - 1);
	struct part p = {
		.guest = guest, .len = img_min_u64(len, span - from), .table = guest / span,
		.first = from >> t->geo->cluster_bits,
	};

	p.end = p.first + img_div_up(p.len, cluster_size(t));
	return p;
}

bool qcow2_tables_map(struct qcow2_tables *t, uint64_t guest, uint64_t len, uint64_t host,
		      struct img_err *err)
{
	while (len) {
		const struct part p = part_at(t, guest, len);

		if (!open_table(t, p.table, err))
			return false;
		put_row(t, p.first, p.end, host, QCOW2_CLUSTER_DATA);
		guest += p.len;
		host += p.len;
		len -= p.len;
	}
	return true;
}

bool qcow2_tables_map_compressed(struct qcow2_tables *t, uint64_t guest, uint64_t host,
				 uint32_t stored_len, struct img_err *err)
{
	const struct part p = part_at(t, guest, 1);
	const struct qcow2_cluster cluster = {
		.kind = QCOW2_CLUSTER_COMPRESSED, .host = host, .stored_len = stored_len,
	};

	if (!open_table(t, p.table, err))
		return false;
	put_entry(t, p.first, &cluster);
	return true;
}

bool qcow2_tables_map_shared(struct qcow2_tables *t, uint64_t guest, uint64_t host,
			     struct img_err *err)
{
	const struct part p = part_at(t, guest, 1);
	struct qcow2_cluster cluster = { .kind = QCOW2_CLUSTER_DATA, .allocated = true, .host = host };

	if (!open_table(t, p.table, err))
		return false;
	put_entry(t, p.first, &cluster);
	return true;
}

bool qcow2_tables_note_shared(struct qcow2_tables *t, uint64_t guest, struct img_err *err)
{
	const struct part p = part_at(t, guest, 1);
	const uint64_t at = get_l1(t, p.table) + p.first * t->geo->l2_entry_len;
	uint8_t raw[8];

	if (!img_store_read(t->space->store, at, raw, sizeof(raw), err))
		return false;
	img_put_be64(raw, img_get_be64(raw) & ~QCOW2_ENTRY_COPIED);
	return img_store_write(t->space->store, at, raw, sizeof(raw), err);
}

/* ---- Zeros ------------------------------------------------------------------------------------ */

static void put_zeros(struct qcow2_tables *t, const struct part *p)
{
	const struct qcow2_cluster zero = { .kind = QCOW2_CLUSTER_ZERO };

	if (t->mapped)
		put_row(t, p->first, p->end, mapped_at(t, p->guest), QCOW2_CLUSTER_ZERO);
	for (uint64_t i = p->first; i < p->end && !t->mapped; i++)
		put_entry(t, i, &zero);
}

static bool zero_part(struct qcow2_tables *t, const struct part *p, struct img_err *err)
{
	const struct qcow2_run run = { .at = p->guest, .len = p->len, .kind = IMG_EXTENT_ZERO };

	if (t->hiding == QCOW2_HIDE_BY_DATA)
		return qcow2_runs_add(&t->late, &run, err);
	/* No data will come to a table that is all zeros: it never gets a place. */
	if (p->len == span_of(t) && !t->mapped)
		return close_table(t, err) && qcow2_runs_add(&t->late, &run, err);
	if (!open_table(t, p->table, err))
		return false;
	put_zeros(t, p);
	return true;
}

bool qcow2_tables_zero(struct qcow2_tables *t, uint64_t guest, uint64_t len, struct img_err *err)
{
	while (t->hiding != QCOW2_HIDE_NOTHING && len) {
		const struct part p = part_at(t, guest, len);

		if (!zero_part(t, &p, err))
			return false;
		guest += p.len;
		len -= p.len;
	}
	return true;
}

/* Space that must read as zeros. */
static bool take_zeros(struct qcow2_tables *t, uint64_t n, uint64_t *host, struct img_err *err)
{
	return qcow2_space_take(t->space, n, host, err) &&
	       (t->space->sparse || img_store_zero(t->space->store, *host, n * cluster_size(t),
						   false, err));
}

/* Entries of zeros into a table that is written already, or gets its place only now. */
static bool write_late(struct qcow2_tables *t, const struct part *p, struct img_err *err)
{
	const unsigned entry = t->geo->l2_entry_len;
	uint64_t table = get_l1(t, p->table), host;

	if (!table && (!take_zeros(t, 1, &table, err) || !set_l1(t, p->table, table, err)))
		return false;
	if (t->hiding == QCOW2_HIDE_BY_ENTRY)
		put_zeros(t, p);
	else if (take_zeros(t, p->end - p->first, &host, err))
		put_row(t, p->first, p->end, host, QCOW2_CLUSTER_DATA);
	else
		return false;
	return qcow2_space_write(t->space, table + p->first * entry, t->l2 + p->first * entry,
				 (p->end - p->first) * entry, err);
}

static bool write_all_late(struct qcow2_tables *t, struct img_err *err)
{
	for (size_t i = 0; i < t->late.n; i++) {
		uint64_t guest = t->late.v[i].at;
		const uint64_t end = guest + t->late.v[i].len;

		while (guest < end) {
			const struct part p = part_at(t, guest, end - guest);

			if (!write_late(t, &p, err))
				return false;
			guest += p.len;
		}
	}
	return true;
}

/* ---- The end ---------------------------------------------------------------------------------- */

static bool write_l1(struct qcow2_tables *t, uint64_t n, struct img_err *err)
{
	const uint64_t clusters = l1_clusters(t, n);
	IMG_AUTO_FREE uint8_t *raw = img_calloc(clusters, cluster_size(t), err);

	if (!raw || (!t->l1_host && !qcow2_space_take(t->space, clusters, &t->l1_host, err)))
		return false;
	for (uint64_t i = 0; i < img_min_u64(n, t->n_l1); i++)
		if (t->l1[i])
			img_put_be64(raw + 8 * i, qcow2_l1_encode(t->l1[i], true));
	return qcow2_space_write(t->space, t->l1_host, raw, clusters * cluster_size(t), err);
}

bool qcow2_tables_finish(struct qcow2_tables *t, uint64_t size, uint64_t *l1_host,
			 struct img_err *err)
{
	const uint64_t n = qcow2_l1_needed(t->geo, size);

	if (!close_below(t, n, err) || !write_all_late(t, err) || (n && !write_l1(t, n, err)))
		return false;
	*l1_host = t->l1_host;
	return true;
}
