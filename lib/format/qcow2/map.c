/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guest offset to extent.  Damage is an answer here, never an error: what a broken or missing table
 * entry was for is LOST, and everything else stays readable.
 */
#include "base/bytes.h"
#include "base/err.h"
#include "base/lock.h"
#include "base/num.h"
#include "extent/extent.h"
#include "format/qcow2/cache.h"

/* A walk over the entries of one L2 table. */
struct walk {
	struct qcow2 *q;
	struct qcow2_table *table;
	uint64_t base;			/* guest offset of its first entry */
	uint64_t limit;			/* guest; inside what the table is for */
	size_t n_entries;		/* those before limit that the file has */
};

static uint64_t entry_at(const struct walk *w, size_t index)
{
	return img_get_be64(w->table->raw + index * w->q->geo.l2_entry_len);
}

static uint64_t bitmap_at(const struct walk *w, size_t index)
{
	if (!w->q->geo.subclusters)
		return 0;
	return img_get_be64(w->table->raw + index * w->q->geo.l2_entry_len + 8);
}

static void set_plain(struct img_extent *out, uint64_t at, uint64_t end, enum img_extent_kind kind)
{
	*out = (struct img_extent){ .start = at, .len = end - at, .kind = kind };
}

static void set_lost(struct img_extent *out, uint64_t at, uint64_t end, enum img_code loss,
		     const char *why)
{
	set_plain(out, at, end, IMG_EXTENT_LOST);
	out->loss = loss;
	out->why = why;
}

/* ---- Pieces of one table --------------------------------------------------------------------- */

static uint64_t end_of_entries(const struct walk *w, size_t end)
{
	return img_min_u64(w->limit, w->base + ((uint64_t)end << w->q->geo.cluster_bits));
}

/*
 * The end of the entries from index on that continue the first, each step further in the file.
 * This is where the time of a scan goes: nothing is decoded, equal bits have equal meaning.
 */
static uint64_t run_end(const struct walk *w, size_t index, uint64_t step)
{
	/* Whether a cluster may be written in place does not matter, unless it means "in use". */
	const uint64_t mask = w->q->geo.data_file ? UINT64_MAX : ~QCOW2_ENTRY_COPIED;
	const uint64_t bitmap = bitmap_at(w, index);
	uint64_t expected = entry_at(w, index) & mask;

	do
		expected += step;
	while (++index < w->n_entries && (entry_at(w, index) & mask) == expected &&
	       bitmap_at(w, index) == bitmap);
	return end_of_entries(w, index);
}

/* Guest bytes that lie at host; what the file does not have is lost. */
static void set_data(const struct walk *w, uint64_t at, uint64_t end, uint64_t host,
		     struct img_extent *out)
{
	const struct qcow2_map *map = &w->q->map;
	const bool encrypted = qcow2_is_encrypted(w->q);
	/* Of a sector that is enciphered a part is worth nothing. */
	const uint64_t size = encrypted ? img_round_down(map->data_size, QCOW2_SECTOR)
					: map->data_size;

	if (host >= size) {
		set_lost(out, at, end, IMG_E_INCOMPLETE, N_("its cluster lies behind the end of the file"));
		return;
	}
	end = img_min_u64(end, at + img_min_u64(end - at, size - host));
	set_plain(out, at, end, encrypted ? IMG_EXTENT_ENCODED : IMG_EXTENT_DATA);
	out->encrypted = encrypted;
	out->store = map->data;
	out->host = host;
	out->host_len = out->len;
}

static void set_zero(const struct walk *w, uint64_t at, uint64_t end, uint64_t host,
		     bool allocated, struct img_extent *out)
{
	const struct qcow2_map *map = &w->q->map;

	set_plain(out, at, end, IMG_EXTENT_ZERO);
	/* Nothing is read there, so space that the file does not have is no damage. */
	if (!allocated || host >= map->data_size || end - at > map->data_size - host)
		return;
	out->store = map->data;
	out->host = host;
	out->host_len = out->len;
}

/* The subclusters from at on that are alike. */
static void mixed_piece(const struct walk *w, size_t index, const struct qcow2_cluster *cluster,
			uint64_t at, struct img_extent *out)
{
	const struct qcow2_geometry *geo = &w->q->geo;
	const unsigned bits = geo->cluster_bits - 5;
	const uint64_t start = w->base + ((uint64_t)index << geo->cluster_bits);
	const unsigned first = (unsigned)((at - start) >> bits);
	const bool data = cluster->data_map >> first & 1, zero = cluster->zero_map >> first & 1;
	unsigned i = first + 1;

	while (i < QCOW2_SUBCLUSTERS && (cluster->data_map >> i & 1) == data &&
	       (cluster->zero_map >> i & 1) == zero)
		i++;
	const uint64_t end = img_min_u64(w->limit, start + ((uint64_t)i << bits));
	const uint64_t host = cluster->host + (at - start);

	if (data)
		set_data(w, at, end, host, out);
	else if (zero)
		set_zero(w, at, end, host, cluster->allocated, out);
	else
		set_plain(out, at, end, IMG_EXTENT_HOLE);
}

/* Compressed clusters that were packed behind each other; the last sector of one may be shared. */
static void compressed_piece(const struct walk *w, size_t index, struct qcow2_cluster cluster,
			     uint64_t at, struct img_extent *out)
{
	const struct qcow2_map *map = &w->q->map;
	const uint64_t first = cluster.host;
	const struct img_finding_kind *why;

	if (first >= map->file_size) {
		set_lost(out, at, end_of_entries(w, index + 1), IMG_E_INCOMPLETE,
			 N_("its compressed cluster lies behind the end of the file"));
		return;
	}
	uint64_t end = first + cluster.stored_len, last = first;

	while (++index < w->n_entries &&
	       qcow2_l2_decode(&w->q->geo, entry_at(w, index), bitmap_at(w, index), &cluster, &why) &&
	       cluster.kind == QCOW2_CLUSTER_COMPRESSED && cluster.host > last &&
	       cluster.host <= end && cluster.host < map->file_size) {
		last = cluster.host;
		end = last + cluster.stored_len;
	}
	set_plain(out, at, end_of_entries(w, index), IMG_EXTENT_ENCODED);
	out->store = map->file;
	out->host = first;
	out->host_len = img_min_u64(end, map->file_size) - first;
}

static void standard_piece(const struct walk *w, size_t index, const struct qcow2_cluster *cluster,
			   uint64_t at, struct img_extent *out)
{
	const struct qcow2_geometry *geo = &w->q->geo;
	const uint64_t start = w->base + ((uint64_t)index << geo->cluster_bits);
	const uint64_t step = cluster->allocated ? qcow2_cluster_size(geo) : 0;
	const uint64_t end = run_end(w, index, step);
	const uint64_t host = cluster->host + (at - start);

	if (geo->data_file && cluster->allocated && cluster->host != start)
		set_lost(out, at, end_of_entries(w, index + 1), IMG_E_CORRUPT,
			 N_("its place in the data file differs from its place on the disk"));
	else if (cluster->kind == QCOW2_CLUSTER_DATA)
		set_data(w, at, end, host, out);
	else if (cluster->kind == QCOW2_CLUSTER_ZERO)
		set_zero(w, at, end, host, cluster->allocated, out);
	else
		set_plain(out, at, end, IMG_EXTENT_HOLE);
}

/* The extent that starts at `at`, as far as a look at alike entries takes it. */
static void piece(const struct walk *w, uint64_t at, struct img_extent *out)
{
	const size_t index = (size_t)((at - w->base) >> w->q->geo.cluster_bits);
	struct qcow2_cluster cluster;
	const struct img_finding_kind *why;

	if (index >= w->n_entries)
		set_lost(out, at, w->limit, IMG_E_INCOMPLETE, N_("the file ends inside its L2 table"));
	else if (!qcow2_l2_decode(&w->q->geo, entry_at(w, index), bitmap_at(w, index), &cluster, &why))
		set_lost(out, at, end_of_entries(w, index + 1), IMG_E_CORRUPT, why->text);
	else if (cluster.kind == QCOW2_CLUSTER_COMPRESSED)
		compressed_piece(w, index, cluster, at, out);
	else if (cluster.kind == QCOW2_CLUSTER_MIXED)
		mixed_piece(w, index, &cluster, at, out);
	else
		standard_piece(w, index, &cluster, at, out);
}

/* ---- Tables ---------------------------------------------------------------------------------- */

enum { FOLLOW_MAX = 64 };

/*
 * An image that is only read has tables that never change: the lock is needed to find one.  While
 * it is written the lock is held by who looks, from the L1 entry to the last L2 entry.
 */
static pthread_mutex_t *lock_for_looking(struct qcow2 *q)
{
	return q->disk ? img_lock(qcow2_cache_lock(q->map.cache)) : NULL;
}

static pthread_mutex_t *lock_for_finding(struct qcow2 *q)
{
	return q->disk ? NULL : img_lock(qcow2_cache_lock(q->map.cache));
}

/* How many tables from that at host on follow each other in the file as they do in L1. */
static size_t follow(const struct qcow2 *q, size_t l1_index, uint64_t host)
{
	const uint64_t table_len = qcow2_cluster_size(&q->geo);
	uint64_t next;
	const struct img_finding_kind *why;
	size_t n = 1;

	while (n < FOLLOW_MAX && l1_index + n < q->map.n_l1 &&
	       qcow2_l1_decode(&q->geo, q->map.l1[l1_index + n], &next, &why) &&
	       next == host + n * table_len)
		n++;
	return n;
}

/* The L2 table at host, to which entry l1_index pointed before. */
static bool find_table(struct qcow2 *q, size_t l1_index, uint64_t host, struct qcow2_table **out,
		       struct img_err *err)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = lock_for_finding(q);

	*out = qcow2_cache_find(q->map.cache, host);
	return *out || qcow2_cache_get(q->map.cache, host, follow(q, l1_index, host),
				       q->map.file_size, out, err);
}

/* limit must not lie behind what the table is for. */
static bool walk_start(struct walk *w, struct qcow2 *q, size_t l1_index, uint64_t host,
		       uint64_t limit, struct img_err *err)
{
	*w = (struct walk){
		.q = q,
		.base = (uint64_t)l1_index << qcow2_l1_bits(&q->geo),
		.limit = limit,
	};
	if (!find_table(q, l1_index, host, &w->table, err))
		return false;
	w->n_entries = img_min_u64(w->table->len / q->geo.l2_entry_len,
				   img_div_up(limit - w->base, qcow2_cluster_size(&q->geo)));
	return true;
}

static void walk_end(struct walk *w)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = lock_for_finding(w->q);

	qcow2_cache_put(w->q->map.cache, w->table);
}

/* The guest end of what an L1 entry is for, at most limit. */
static uint64_t end_of_l1(const struct qcow2 *q, size_t l1_index, uint64_t limit)
{
	const unsigned bits = qcow2_l1_bits(&q->geo);
	const uint64_t left = limit - ((uint64_t)l1_index << bits);

	return limit - left + img_min_u64(left, UINT64_C(1) << bits);
}

static bool table_extent(struct qcow2 *q, uint64_t host, uint64_t at, uint64_t limit,
			 struct img_extent *out, struct img_err *err)
{
	const size_t l1_index = (size_t)(at >> qcow2_l1_bits(&q->geo));
	struct img_err why = { 0 };
	struct img_extent next;
	struct walk w;

	if (!walk_start(&w, q, l1_index, host, limit, &why)) {
		if (why.code != IMG_E_IO && why.code != IMG_E_INCOMPLETE)
			return img_fail(err, why.code, "%s", why.text);
		set_lost(out, at, limit, why.code, N_("its L2 table cannot be read"));
		return true;
	}
	piece(&w, at, out);
	while (out->start + out->len < limit) {
		piece(&w, out->start + out->len, &next);
		if (!img_extent_join(out, &next))
			break;
	}
	walk_end(&w);
	return true;
}

/* No L2 table at all: goes on over further L1 entries, which costs no I/O. */
static void hole_extent(const struct qcow2 *q, size_t l1_index, uint64_t at, uint64_t limit,
			struct img_extent *out)
{
	uint64_t end = end_of_l1(q, l1_index, limit);

	while (end < limit && ++l1_index < q->map.n_l1 &&
	       !(q->map.l1[l1_index] & ~QCOW2_ENTRY_COPIED))
		end = end_of_l1(q, l1_index, limit);
	set_plain(out, at, end, IMG_EXTENT_HOLE);
}

bool qcow2_map_extent(struct qcow2 *q, uint64_t at, uint64_t limit, struct img_extent *out,
		      struct img_err *err)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = lock_for_looking(q);
	const size_t l1_index = (size_t)(at >> qcow2_l1_bits(&q->geo));
	const uint64_t end = end_of_l1(q, l1_index, limit);
	const struct img_finding_kind *why;
	uint64_t host;

	if (l1_index >= q->map.n_l1)
		set_lost(out, at, limit, IMG_E_INCOMPLETE, N_("the file ends inside the L1 table"));
	else if (!qcow2_l1_decode(&q->geo, q->map.l1[l1_index], &host, &why))
		set_lost(out, at, end, IMG_E_CORRUPT, why->text);
	else if (!host)
		hole_extent(q, l1_index, at, limit, out);
	else if (host >= q->map.file_size)
		set_lost(out, at, end, IMG_E_INCOMPLETE,
			 N_("its L2 table lies behind the end of the file"));
	else
		return table_extent(q, host, at, end, out, err);
	return true;
}

/* The compressed clusters at the start of a walk. */
static size_t collect(const struct walk *w, uint64_t at, struct qcow2_cluster *out, size_t max)
{
	size_t index = (size_t)((at - w->base) >> w->q->geo.cluster_bits), n = 0;
	const struct img_finding_kind *why;

	while (n < max && index < w->n_entries &&
	       qcow2_l2_decode(&w->q->geo, entry_at(w, index), bitmap_at(w, index), &out[n], &why) &&
	       out[n].kind == QCOW2_CLUSTER_COMPRESSED) {
		index++;
		n++;
	}
	return n;
}

bool qcow2_map_compressed(struct qcow2 *q, uint64_t at, struct qcow2_cluster *out, size_t max,
			  size_t *n, struct img_err *err)
{
	const size_t l1_index = (size_t)(at >> qcow2_l1_bits(&q->geo));
	const uint64_t end = (uint64_t)(l1_index + 1) << qcow2_l1_bits(&q->geo);
	IMG_AUTO_UNLOCK pthread_mutex_t *held = lock_for_looking(q);
	const struct img_finding_kind *why;
	uint64_t host;
	struct walk w;

	*n = 0;
	if (l1_index < q->map.n_l1 &&
	    qcow2_l1_decode(&q->geo, q->map.l1[l1_index], &host, &why) && host &&
	    host < q->map.file_size) {
		if (!walk_start(&w, q, l1_index, host, end, err))
			return false;
		*n = collect(&w, at, out, max);
		walk_end(&w);
	}
	return true;
}
