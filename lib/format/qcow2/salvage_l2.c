/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The entries of L2 tables in a salvage: what cannot be right is healed where exactly one thing can
 * have been meant, and is lost otherwise.
 */
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "extent/extent.h"
#include "format/qcow2/bulk.h"
#include "format/qcow2/counts.h"
#include "format/qcow2/salvage.h"

enum { TABLE = 2 };			/* counted in this way, whoever refers to it is wrong */

struct healing {
	struct qcow2_salvage *s;
	struct qcow2_counts *uses;	/* of clusters of the file by L2 entries; owned */
	struct qcow2_cluster_list tables;
	size_t *indexes;		/* in L1, of each; owned */
	size_t cap_indexes;
	bool orphans;			/* there are clusters of which nobody knows the place */
	bool shares;			/* an entry of this table leads where another one does */
};

/* ---- Who refers to what ---------------------------------------------------------------------- */

static bool decode(const struct qcow2_salvage *s, const uint8_t *raw, struct qcow2_cluster *out)
{
	const uint64_t bitmap = s->geo.subclusters ? img_get_be64(raw + 8) : 0;
	const struct img_finding_kind *why;

	return qcow2_l2_decode(&s->geo, img_get_be64(raw), bitmap, out, &why);
}

static bool is_standard(const struct qcow2_salvage *s, const struct qcow2_cluster *cluster)
{
	return cluster->allocated && cluster->kind != QCOW2_CLUSTER_COMPRESSED && !s->geo.data_file;
}

static bool count_table(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
			struct img_err *err)
{
	struct healing *h = ctx;
	struct qcow2_cluster cluster;

	(void)index;
	(void)host;
	for (size_t at = 0; at < len; at += h->s->geo.l2_entry_len)
		if (decode(h->s, raw + at, &cluster) && is_standard(h->s, &cluster) &&
		    cluster.host < h->s->file_size &&
		    !qcow2_counts_add(h->uses, cluster.host >> h->s->geo.cluster_bits, 1, err))
			return false;
	return true;
}

static bool add_table(struct healing *h, size_t index, uint64_t host, struct img_err *err)
{
	size_t *v = img_grow_by_one(h->indexes, h->tables.n, &h->cap_indexes, sizeof(*v), err);

	if (!v)
		return false;
	h->indexes = v;
	v[h->tables.n] = index;
	return qcow2_cluster_list_add(&h->tables, host, err) &&
	       qcow2_counts_add(h->uses, host >> h->s->geo.cluster_bits, TABLE, err);
}

static bool list_tables(struct healing *h, struct img_err *err)
{
	const struct qcow2_salvage *s = h->s;
	const struct img_finding_kind *why;
	uint64_t host;

	h->tables = (struct qcow2_cluster_list){
		.file = s->overlay, .cluster_bits = s->geo.cluster_bits,
	};
	if (!qcow2_counts_add(h->uses, 0, TABLE, err))
		return false;
	for (size_t i = 0; i < s->n_l1; i++)
		if (qcow2_l1_decode(&s->geo, s->l1[i], &host, &why) && host &&
		    host < s->file_size && !add_table(h, i, host, err))
			return false;
	return true;
}

/* ---- One entry ------------------------------------------------------------------------------- */

/* Nothing else can have this cluster, and it is there.  Compressed ones have no COPIED flag. */
static bool is_right(const struct healing *h, const struct qcow2_cluster *cluster, uint64_t entry)
{
	if (cluster->kind == QCOW2_CLUSTER_COMPRESSED)
		return !(entry & QCOW2_ENTRY_COPIED) && cluster->host < h->s->file_size;
	if (!is_standard(h->s, cluster))
		return true;
	return cluster->host < h->s->file_size &&
	       qcow2_counts_get(h->uses, cluster->host >> h->s->geo.cluster_bits) <= 1;
}

/* Whether cluster, to which nothing leads but the damaged entry, is one that it can have meant. */
static bool is_free(const struct healing *h, const struct qcow2_cluster *cluster, bool led)
{
	const struct qcow2_salvage *s = h->s;
	const uint64_t number = cluster->host >> s->geo.cluster_bits;

	if (!is_standard(s, cluster) || cluster->host >= s->file_size ||
	    qcow2_counts_get(h->uses, number))
		return false;
	return led ? qcow2_refs_get(s->refs, number) == 1 : qcow2_salvage_is_orphan(s, number);
}

/* The only entry that differs in one bit and leads to what nothing else does; 0: none, or several. */
static uint64_t other_bit(const struct healing *h, const uint8_t *raw)
{
	const struct qcow2_salvage *s = h->s;
	const uint64_t entry = img_get_be64(raw);
	uint64_t only = 0;

	for (unsigned bit = 0; bit < 64; bit++) {
		uint8_t other[16];
		struct qcow2_cluster cluster;
		/* A compressed cluster that it is not lies in the cluster that it is. */
		const bool led = entry & UINT64_C(1) << bit & QCOW2_ENTRY_COMPRESSED;

		memcpy(other, raw, s->geo.l2_entry_len);
		img_put_be64(other, entry ^ UINT64_C(1) << bit);
		if (!decode(s, other, &cluster) || !is_free(h, &cluster, led))
			continue;
		if (only)
			return 0;
		only = entry ^ UINT64_C(1) << bit;
	}
	return only;
}

/* Subclusters that have data and read as zeros at once: the data are still there. */
static bool heal_maps(const struct qcow2_salvage *s, uint8_t *raw, struct qcow2_cluster *out)
{
	if (!s->geo.subclusters)
		return false;
	const uint64_t bitmap = img_get_be64(raw + 8);

	img_put_be64(raw + 8, bitmap & ~(bitmap << 32));
	if (decode(s, raw, out))
		return true;
	img_put_be64(raw + 8, bitmap);
	return false;
}

static bool write_entry(struct healing *h, uint64_t host, uint64_t guest, const uint8_t *raw,
			struct img_err *err)
{
	const uint64_t cluster = qcow2_cluster_size(&h->s->geo);

	return img_store_write(h->s->overlay, host, raw, h->s->geo.l2_entry_len, err) &&
	       qcow2_salvage_add(&h->s->guessed, guest, cluster, err) &&
	       qcow2_salvage_note(h->s, &qcow2_noted_l2_entry, host, guest, 0, err);
}

/* Whether the entry goes on where the one before it ends, or ends where the next one goes on. */
static bool is_in_sequence(const struct qcow2_salvage *s, const uint8_t *raw, uint64_t entry,
			   bool first, bool last)
{
	const uint64_t size = qcow2_cluster_size(&s->geo), host = entry & QCOW2_ENTRY_HOST;
	const size_t step = s->geo.l2_entry_len;

	return (!first && (img_get_be64(raw - step) & QCOW2_ENTRY_HOST) + size == host) ||
	       (!last && (img_get_be64(raw + step) & QCOW2_ENTRY_HOST) == host + size);
}

/* raw: the entry at host, which is for guest.  What cannot be decoded is lost as it is. */
static bool heal_entry(struct healing *h, uint64_t host, uint64_t guest, uint8_t *raw,
		       bool first, bool last, struct img_err *err)
{
	const struct qcow2_salvage *s = h->s;
	const uint64_t size = qcow2_cluster_size(&s->geo);
	struct qcow2_cluster cluster;
	const bool legal = decode(s, raw, &cluster);

	if (legal && is_right(h, &cluster, img_get_be64(raw)))
		return true;
	if (!legal && heal_maps(s, raw, &cluster))
		return write_entry(h, host, guest, raw, err);
	/* Of two entries for one cluster each may be the other with one bit changed. */
	const bool fits = legal && cluster.kind != QCOW2_CLUSTER_COMPRESSED &&
			  is_in_sequence(s, raw, img_get_be64(raw), first, last);
	const uint64_t other = fits ? 0 : other_bit(h, raw);

	if (other) {
		img_put_be64(raw, other);
		return qcow2_counts_add(h->uses, (other & QCOW2_ENTRY_HOST) >> s->geo.cluster_bits,
					1, err) &&
		       write_entry(h, host, guest, raw, err);
	}
	if (!legal || cluster.host >= s->file_size || cluster.kind == QCOW2_CLUSTER_ZERO ||
	    cluster.kind == QCOW2_CLUSTER_COMPRESSED)
		return true;
	/* Of tables nothing is data; of two who claim a cluster one is right. */
	if (qcow2_salvage_find(s, cluster.host) && qcow2_salvage_find(s, cluster.host)->placed)
		return qcow2_salvage_add(&h->s->lost, guest, size, err);
	h->shares = true;
	return qcow2_salvage_add(&h->s->guessed, guest, size, err);
}

/* ---- One table ------------------------------------------------------------------------------- */

static bool is_wiped(const struct qcow2_salvage *s, const uint8_t *raw, size_t len)
{
	struct qcow2_cluster cluster;
	size_t bad = 0, good = 0;

	for (size_t at = 0; at < len; at += s->geo.l2_entry_len) {
		const bool legal = decode(s, raw + at, &cluster);

		/* Half of all random entries look like compressed clusters, somewhere far away. */
		const bool sane = legal && (cluster.kind != QCOW2_CLUSTER_COMPRESSED ||
					    cluster.host < s->file_size);

		bad += !sane;
		good += sane && (cluster.kind != QCOW2_CLUSTER_HOLE || cluster.allocated);
	}
	return !good || bad > good;
}

/*
 * Nothing in it can be believed.  Zeros are legal, and what nobody misses was never there: of a
 * disk all of whose clusters have a place they are a hole.
 */
static bool remake_table(struct healing *h, size_t index, uint64_t host, bool zeros,
			 struct img_err *err)
{
	struct qcow2_salvage *s = h->s;
	const unsigned bits = qcow2_l1_bits(&s->geo);
	const uint64_t guest = (uint64_t)index << bits;
	bool made;

	if (zeros && s->counts_known && !h->orphans)
		return true;
	if (!qcow2_salvage_note(s, &qcow2_noted_l2_wiped, host, guest, 0, err) ||
	    !qcow2_salvage_remake(s, index, host, &made, err))
		return false;
	return qcow2_salvage_add(made || (zeros && !s->counts_known) ? &s->guessed : &s->lost, guest,
				 UINT64_C(1) << bits, err);
}

static bool heal_table(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		       struct img_err *err)
{
	struct healing *h = ctx;
	const struct qcow2_geometry *geo = &h->s->geo;
	const uint64_t guest = (uint64_t)h->indexes[index] << qcow2_l1_bits(geo);

	if (is_wiped(h->s, raw, len))
		return remake_table(h, h->indexes[index], host, img_is_zero(raw, len), err);
	const size_t n = len / geo->l2_entry_len;

	h->shares = false;
	for (size_t i = 0; i < n; i++)
		if (!heal_entry(h, host + i * geo->l2_entry_len,
				guest + ((uint64_t)i << geo->cluster_bits),
				raw + i * geo->l2_entry_len, i == 0, i == n - 1, err))
			return false;
	/* One cluster twice and another one not at all: entries may have been moved. */
	return !h->shares || !h->orphans ||
	       qcow2_salvage_add(&h->s->guessed, guest, UINT64_C(1) << qcow2_l1_bits(geo), err);
}

bool qcow2_salvage_l2(struct qcow2_salvage *s, struct img_err *err)
{
	struct healing h = { .s = s, .uses = qcow2_counts_new(err), .orphans = s->told->unplaced };
	const bool ok = h.uses && list_tables(&h, err) &&
			qcow2_bulk_clusters(&h.tables, count_table, &h, err) &&
			qcow2_bulk_clusters(&h.tables, heal_table, &h, err);

	qcow2_counts_free(h.uses);
	qcow2_cluster_list_clear(&h.tables);
	free(h.indexes);
	return ok;
}
