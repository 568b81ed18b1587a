/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The entries of all L2 tables of a salvage.  Clusters that are written one after the other lie so:
 * entries that are not right, between two that are, get the clusters between theirs if these are as
 * many and nobody has them.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "extent/extent.h"
#include "format/qcow1/salvage.h"

struct healing {
	struct qcow1_salvage *s;
	uint8_t *raw;			/* the table that is looked at; owned */
	uint64_t host, guest;		/* of it */
	uint32_t n;			/* of its entries are for the disk */
	struct qcow1_uses uses;		/* of all tables */
};

static uint64_t entry_at(const struct healing *h, uint32_t i)
{
	return img_get_be64(h->raw + i * QCOW1_ENTRY_LEN);
}

/* Where a cluster lies that is not packed; 0: the entry is another one. */
static uint64_t plain_host(const struct healing *h, uint32_t i)
{
	const struct qcow1_salvage *s = h->s;
	const struct qcow1_cluster cluster = qcow1_entry_decode(&s->hdr, entry_at(h, i));

	return cluster.kind == QCOW1_PLAIN && qcow1_is_sane(&s->hdr, entry_at(h, i), s->file_size)
		? cluster.host : 0;
}

static bool is_sane(const struct healing *h, uint32_t i)
{
	return qcow1_is_sane(&h->s->hdr, entry_at(h, i), h->s->file_size);
}

static bool doubt(struct healing *h, struct img_rangeset *set, uint32_t first, uint32_t end,
		  struct img_err *err)
{
	const unsigned bits = h->s->hdr.cluster_bits;

	return img_rangeset_include(set, h->guest + ((uint64_t)first << bits),
				    (uint64_t)(end - first) << bits, err);
}

static bool note(struct healing *h, const struct img_finding_kind *kind, uint32_t i,
		 struct img_err *err)
{
	return qcow1_salvage_note(h->s, kind, h->host + i * QCOW1_ENTRY_LEN,
				  h->guest + ((uint64_t)i << h->s->hdr.cluster_bits), 0, err);
}

/* ---- What fits ------------------------------------------------------------------------------- */

/* Clusters from host on that nobody has, at most that many. */
static uint32_t count_orphans(const struct healing *h, uint64_t host, uint32_t most)
{
	const uint32_t cluster = qcow1_cluster_size(&h->s->hdr);
	uint32_t n = 0;

	while (n < most && qcow1_is_orphan(h->s, host + (uint64_t)n * cluster))
		n++;
	return n;
}

/* Entries [first, end) go on from the one before, or from the table, exactly up to the next one. */
static bool fits(const struct healing *h, uint32_t first, uint32_t end, uint64_t *host)
{
	const uint32_t cluster = qcow1_cluster_size(&h->s->hdr), n = end - first;
	const uint64_t before = first ? plain_host(h, first - 1) : 0;

	if (first && !before)
		return false;
	*host = first ? before + cluster
		      : img_round_up(h->host + qcow1_l2_bytes(&h->s->hdr), cluster);
	if (end < h->n)
		return plain_host(h, end) == *host + (uint64_t)n * cluster &&
		       count_orphans(h, *host, n) == n;
	return count_orphans(h, *host, n + 1) == n;
}

static bool heal(struct healing *h, uint32_t first, uint32_t end, uint64_t host,
		 struct img_err *err)
{
	struct qcow1_salvage *s = h->s;
	const uint32_t cluster = qcow1_cluster_size(&s->hdr);

	for (uint32_t i = first; i < end; i++, host += cluster) {
		img_put_be64(h->raw + i * QCOW1_ENTRY_LEN, host);
		(void)qcow1_take(s, host, cluster);	/* nobody has it */
		if (!note(h, &qcow1_noted_l2_entry, i, err))
			return false;
	}
	return img_store_write(s->overlay, h->host + first * QCOW1_ENTRY_LEN,
			       h->raw + first * QCOW1_ENTRY_LEN, (end - first) * QCOW1_ENTRY_LEN,
			       err) &&
	       doubt(h, &s->guessed, first, end, err);
}

/* ---- Tables ---------------------------------------------------------------------------------- */

/* Nothing in it can be believed; no table is made without an entry. */
static bool is_wiped(const struct healing *h)
{
	const struct qcow1_shape shape = qcow1_measure_shape(&h->s->hdr, h->raw, h->n,
							     h->s->file_size);

	return h->n && (shape.bad > shape.good || !shape.good);
}

/*
 * Zeros are legal: they have lost something if what they were made for is left over.  Entries that
 * lead into the file may be right, as all are when the file was cut.
 */
static bool lose(struct healing *h, struct img_err *err)
{
	struct qcow1_salvage *s = h->s;
	const uint64_t end = h->host + qcow1_l2_bytes(&s->hdr);
	const bool zeros = img_is_zero(h->raw, qcow1_l2_bytes(&s->hdr));
	const bool left = qcow1_is_orphan(s, img_round_up(end, qcow1_cluster_size(&s->hdr)));
	struct img_rangeset *rest = zeros && !left ? &s->guessed : &s->lost;

	for (uint32_t i = 0; i < h->n; i++)
		if (!doubt(h, is_sane(h, i) ? &s->guessed : rest, i, i + 1, err))
			return false;
	return true;
}

static bool heal_runs(struct healing *h, struct img_err *err)
{
	uint64_t host;
	uint32_t end;

	for (uint32_t i = 0; i < h->n; i = end + 1) {
		for (end = i; end < h->n && !is_sane(h, end);)
			end++;
		if (end > i && fits(h, i, end, &host) && !heal(h, i, end, host, err))
			return false;
	}
	return true;
}

/*
 * Two who have one cluster: which of them is right nobody knows.  Where they are neighbours all that
 * is behind them may have been moved.
 */
static bool doubt_twins(struct healing *h, struct img_err *err)
{
	for (uint32_t i = 0; i < h->n; i++) {
		const uint64_t host = plain_host(h, i);
		const bool moved = host && i && host == plain_host(h, i - 1);

		if (host && qcow1_uses_is_twice(&h->uses, host, 1) &&
		    (!doubt(h, &h->s->guessed, i, moved ? h->n : i + 1, err) ||
		     !note(h, &qcow1_noted_doubled, i, err)))
			return false;
	}
	return true;
}

static bool heal_table(struct healing *h, struct img_err *err)
{
	const bool wiped = is_wiped(h);

	if (wiped && !note(h, &qcow1_noted_l2_wiped, 0, err))
		return false;
	if (!doubt_twins(h, err) || !heal_runs(h, err))
		return false;
	return !wiped || !is_wiped(h) || lose(h, err);
}

/* Tables, too: an entry that leads into one is damaged. */
static bool count_table(struct healing *h, struct img_err *err)
{
	(void)err;
	qcow1_uses_add(&h->uses, h->host, qcow1_l2_bytes(&h->s->hdr));
	qcow1_uses_add_entries(&h->uses, h->raw, h->n);
	return true;
}

static bool for_tables(struct healing *h, bool (*look)(struct healing *, struct img_err *),
		       struct img_err *err)
{
	const struct qcow1_salvage *s = h->s;
	const unsigned bits = s->hdr.cluster_bits;

	for (uint32_t i = 0; i < s->n_l1; i++) {
		h->host = qcow1_l1_at(s, i);
		if (h->host <= QCOW1_L1_LOST)
			continue;
		h->guest = (uint64_t)i << qcow1_l1_bits(&s->hdr);
		h->n = h->guest < s->hdr.size
			? (uint32_t)img_min_u64(qcow1_l2_entries(&s->hdr),
						((s->hdr.size - h->guest - 1) >> bits) + 1) : 0;
		if (!qcow1_read_table(h->s, h->host, h->raw, err) || !look(h, err))
			return false;
	}
	return true;
}

/* ---- The end --------------------------------------------------------------------------------- */

static bool is_zero_cluster(struct healing *h, uint64_t host, uint8_t *raw, bool *zero,
			    struct img_err *err)
{
	size_t got;

	if (!img_store_read_some(h->s->file, host, raw, qcow1_cluster_size(&h->s->hdr), &got, err))
		return false;
	*zero = img_is_zero(raw, got);
	return true;
}

static bool tell_unplaced(struct healing *h, uint8_t *raw, struct img_err *err)
{
	struct qcow1_salvage *s = h->s;
	const uint32_t cluster = qcow1_cluster_size(&s->hdr);
	struct img_extent ex;
	uint64_t next;
	bool zero;

	for (uint64_t at = 0; at < s->file_size; at = next) {
		if (!img_store_extent(s->file, at, s->file_size, &ex, err))
			return false;
		next = at + img_max_u64(img_round_down(ex.len, cluster), cluster);
		if (ex.kind == IMG_EXTENT_ZERO && ex.len >= cluster)
			continue;
		for (; at < next; at += cluster) {
			zero = true;
			if (qcow1_is_orphan(s, at) && !is_zero_cluster(h, at, raw, &zero, err))
				return false;
			s->told->unplaced += zero ? 0 : cluster;
			if (!zero && !qcow1_salvage_note(s, &qcow1_noted_unplaced, at, IMG_NOWHERE,
							 cluster, err))
				return false;
		}
	}
	return true;
}

bool qcow1_salvage_l2(struct qcow1_salvage *s, struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *cluster = img_alloc_aligned(qcow1_cluster_size(&s->hdr), err);
	struct healing h = { .s = s };
	bool ok;

	h.raw = img_alloc_aligned(qcow1_l2_bytes(&s->hdr), err);
	ok = cluster && h.raw && qcow1_uses_start(&h.uses, s, err) && for_tables(&h, count_table, err) &&
	     for_tables(&h, heal_table, err) && tell_unplaced(&h, cluster, err) &&
	     qcow1_uses_knows(&h.uses, err);
	free(h.raw);
	qcow1_uses_clear(&h.uses);
	return ok;
}
