/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The L1 table of a salvage: that of the header if it leads to L2 tables, else one found by its
 * shape; and its damaged entries, from a bit of theirs or from other L1 tables.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "extent/extent.h"
#include "format/qcow2/salvage.h"

enum { GAP_MAX = 1 << 20 };

/* An L1 table somewhere in the file, as far as it is believed. */
struct l1_copy {
	uint64_t at;
	uint64_t *v;			/* entries; owned */
	size_t n;			/* those that the file has */
	size_t good, bad;		/* those that lead to L2 tables, and that do not */
	uint64_t last;			/* host offset of the last of these tables */
};

static size_t l1_bytes_at(const struct qcow2_salvage *s, uint64_t at, size_t n)
{
	const uint64_t left = at < s->file_size ? s->file_size - at : 0;

	return img_min_u64((uint64_t)n * sizeof(uint64_t), img_round_down(left, sizeof(uint64_t)));
}

/* Where a good entry leads; 0: it is none. */
static uint64_t good_entry(const struct qcow2_salvage *s, uint64_t entry)
{
	const struct img_finding_kind *why;
	uint64_t host;

	if (!qcow2_l1_decode(&s->geo, entry, &host, &why) || !host)
		return 0;
	const struct qcow2_found *to = qcow2_salvage_find(s, host);

	return to && to->l2 ? host : 0;
}

/* What lies behind the end of a file that was cut off speaks neither for the table nor against it. */
static void judge(const struct qcow2_salvage *s, uint64_t entry, size_t index, struct l1_copy *out)
{
	const struct img_finding_kind *why;
	const uint64_t good = good_entry(s, entry);
	uint64_t host = 0;
	const bool legal = qcow2_l1_decode(&s->geo, entry, &host, &why);

	out->v[index] = entry;
	out->good += good != 0;
	out->bad += entry && !good && !(legal && host >= s->file_size);
	out->last = img_max_u64(out->last, good);
}

static bool read_l1(const struct qcow2_salvage *s, uint64_t at, size_t n, struct l1_copy *out,
		    struct img_err *err)
{
	const size_t bytes = l1_bytes_at(s, at, n);

	*out = (struct l1_copy){ .at = at, .n = bytes / sizeof(uint64_t) };
	out->v = img_calloc(img_max_u64(out->n, 1), sizeof(uint64_t), err);
	if (!out->v || (bytes && !img_store_read(s->file, at, out->v, bytes, err))) {
		free(out->v);
		out->v = NULL;
		return false;
	}
	for (size_t i = 0; i < out->n; i++)
		judge(s, img_get_be64(&out->v[i]), i, out);
	return true;
}

/* ---- The table itself ------------------------------------------------------------------------ */

static bool is_snapshots(const struct qcow2_salvage *s, uint64_t at)
{
	for (size_t i = 0; i < s->snapshots.n; i++)
		if (s->snapshots.v[i].l1_off == at)
			return true;
	return false;
}

/* Whether [from, to) of the file is zeros: a piece of an L1 table may well be. */
static bool is_gap(const struct qcow2_salvage *s, uint64_t from, uint64_t to, bool *gap,
		   struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *raw = NULL;
	size_t got;

	*gap = from == to;
	if (*gap || to - from > GAP_MAX)
		return true;
	raw = img_alloc_aligned(to - from, err);
	if (!raw || !img_store_read_some(s->file, from, raw, to - from, &got, err))
		return false;
	*gap = img_is_zero(raw, got);
	return true;
}

/* How many of the tables from found[i] on may be pieces of one L1 table, and its bytes. */
static bool run_of_l1(const struct qcow2_salvage *s, size_t i, size_t *n, uint64_t *bytes,
		      struct img_err *err)
{
	const uint64_t cluster = qcow2_cluster_size(&s->geo), start = s->found[i].host;
	bool gap = true;

	*n = 1;
	*bytes = cluster;
	while (i + *n < s->n_found && s->found[i + *n].l1 && !is_snapshots(s, s->found[i + *n].host)) {
		const uint64_t next = s->found[i + *n].host;

		if (!is_gap(s, start + *bytes, next, &gap, err))
			return false;
		if (!gap)
			break;
		*bytes = next + cluster - start;
		(*n)++;
	}
	return true;
}

static size_t needed(const struct qcow2_salvage *s)
{
	return qcow2_l1_needed(&s->geo, s->hdr.size);
}

/* How many entries to read of a table of so many bytes: the disk's, or all. */
static size_t wanted(const struct qcow2_salvage *s, uint64_t bytes)
{
	return s->hdr.size ? needed(s) : img_min_u64(bytes, QCOW2_L1_BYTES_MAX) / sizeof(uint64_t);
}

static void take_copy(struct l1_copy *best, struct l1_copy *one)
{
	free(best->v);
	*best = *one;
	one->v = NULL;
}

/*
 * An image goes on writing to its own table alone, so that the one which leads to the latest L2
 * table is it; of two that are alike the first, as snapshots copy it.
 */
static bool best_by_shape(const struct qcow2_salvage *s, struct l1_copy *best, size_t *candidates,
			  struct img_err *err)
{
	*best = (struct l1_copy){ 0 };
	*candidates = 0;
	for (size_t i = 0, n; i < s->n_found; i += n) {
		struct l1_copy one;
		uint64_t bytes;

		n = 1;
		if (!s->found[i].l1 || is_snapshots(s, s->found[i].host))
			continue;
		if (!run_of_l1(s, i, &n, &bytes, err) ||
		    !read_l1(s, s->found[i].host, wanted(s, bytes), &one, err))
			return false;
		(*candidates)++;
		if (one.last > best->last)
			take_copy(best, &one);
		free(one.v);
	}
	return true;
}

static bool set_table(struct qcow2_salvage *s, const struct l1_copy *from, size_t n,
		      enum qcow2_l1_state state, struct img_err *err)
{
	s->l1_at = from->at;
	s->l1_room = from->n * sizeof(uint64_t);
	s->n_l1 = n;
	s->l1 = img_calloc(img_max_u64(n, 1), sizeof(*s->l1), err);
	s->l1_state = img_calloc(img_max_u64(n, 1), 1, err);
	if (!s->l1 || !s->l1_state)
		return false;
	for (size_t i = 0; i < n; i++) {
		s->l1[i] = i < from->n ? from->v[i] : 0;
		s->l1_state[i] = i < from->n ? state : QCOW2_L1_BAD;
	}
	return true;
}

static size_t last_entry(const struct l1_copy *copy)
{
	size_t n = copy->n;

	while (n && !copy->v[n - 1])
		n--;
	return n;
}

static bool choose(struct qcow2_salvage *s, struct l1_copy *own, struct l1_copy *other,
		   struct img_err *err)
{
	size_t candidates;

	const size_t named = img_max_u64(needed(s), s->hdr.l1_entries);

	if (s->l1_known && !read_l1(s, s->hdr.l1_off, named, own, err))
		return false;
	/* Without good entries, and without bad ones, it may be that of an empty disk. */
	if (own->good && own->good >= own->bad) {
		s->l1_whole = true;
		return set_table(s, own, img_max_u64(needed(s), s->size_known ? 0 : last_entry(own)),
				 QCOW2_L1_CERTAIN, err);
	}
	if (!best_by_shape(s, other, &candidates, err))
		return false;
	if (other->good > own->good) {
		s->l1_whole = candidates == 1;
		return set_table(s, other, s->hdr.size ? needed(s) : last_entry(other),
				 candidates == 1 ? QCOW2_L1_CERTAIN : QCOW2_L1_GUESSED, err) &&
		       (s->header_lost || qcow2_salvage_note(s, &qcow2_noted_l1, other->at,
							     IMG_NOWHERE, 0, err));
	}
	return set_table(s, own, needed(s), QCOW2_L1_CERTAIN, err);
}

/* ---- Its entries ----------------------------------------------------------------------------- */

static void place(struct qcow2_salvage *s, size_t index, uint64_t host, enum qcow2_l1_state state)
{
	struct qcow2_found *to = qcow2_salvage_find(s, host);

	if (to)
		to->placed = true;
	s->l1[index] = qcow2_l1_encode(host, false);
	s->l1_state[index] = state;
}

static void judge_entries(struct qcow2_salvage *s)
{
	const struct img_finding_kind *why;
	uint64_t host;

	for (size_t i = 0; i < s->n_l1; i++) {
		if (!qcow2_l1_decode(&s->geo, s->l1[i], &host, &why) || host >= s->file_size) {
			s->l1_state[i] = QCOW2_L1_BAD;
			continue;
		}
		struct qcow2_found *to = host ? qcow2_salvage_find(s, host) : NULL;

		if (to && to->l2)
			to->placed = true;
	}
}

/* A table that the disk and a snapshot have in common is not COPIED. */
static bool is_free(const struct qcow2_found *table, uint64_t entry)
{
	return !table->placed && !(table->snapshots && (entry & QCOW2_ENTRY_COPIED));
}

/* The only free L2 table to which the entry leads with one bit changed; 0: none, or several. */
static uint64_t other_bit(const struct qcow2_salvage *s, uint64_t entry)
{
	uint64_t only = 0;

	for (unsigned bit = 0; bit < 64; bit++) {
		const uint64_t host = good_entry(s, entry ^ UINT64_C(1) << bit);

		if (!host || host == only || !is_free(qcow2_salvage_find(s, host), entry))
			continue;
		if (only)
			return 0;
		only = host;
	}
	return only;
}

static bool replace(struct qcow2_salvage *s, size_t index, uint64_t host, struct img_err *err)
{
	place(s, index, host, QCOW2_L1_GUESSED);
	return qcow2_salvage_note(s, &qcow2_noted_l1_entry, s->hdr.l1_off + index * sizeof(uint64_t),
				  (uint64_t)index << qcow2_l1_bits(&s->geo), 0, err);
}

static bool heal_bits(struct qcow2_salvage *s, struct img_err *err)
{
	for (size_t i = 0; i < s->n_l1; i++) {
		if (!s->l1[i] || good_entry(s, s->l1[i]))
			continue;
		const uint64_t host = other_bit(s, s->l1[i]);

		if (host && !replace(s, i, host, err))
			return false;
	}
	return true;
}

/* An entry that cannot be right, or that was zeroed with the whole table. */
static bool needs_donor(const struct qcow2_salvage *s, size_t i)
{
	return s->l1_state[i] == QCOW2_L1_BAD || (!s->l1[i] && !s->l1_whole);
}

static bool take_from(struct qcow2_salvage *s, const struct l1_copy *donor, struct img_err *err)
{
	for (size_t i = 0; i < s->n_l1 && i < donor->n; i++) {
		const uint64_t host = needs_donor(s, i) ? good_entry(s, donor->v[i]) : 0;

		if (host && !qcow2_salvage_find(s, host)->placed && !replace(s, i, host, err))
			return false;
	}
	return true;
}

/* Tables left behind after growth know what the active one knew; those of snapshots are older. */
static bool take_from_all(struct qcow2_salvage *s, bool snapshots, struct img_err *err)
{
	for (size_t i = 0, n; i < s->n_found; i += n) {
		struct l1_copy one;
		uint64_t bytes;

		n = 1;
		if (!s->found[i].l1 || is_snapshots(s, s->found[i].host) != snapshots)
			continue;
		if (!run_of_l1(s, i, &n, &bytes, err) ||
		    !read_l1(s, s->found[i].host, wanted(s, bytes), &one, err))
			return false;
		const bool ok = take_from(s, &one, err);

		free(one.v);
		if (!ok)
			return false;
	}
	return true;
}

/* Together their L1 tables are no longer than the file, if they are what they seem. */
static bool mark_snapshots(struct qcow2_salvage *s, struct img_err *err)
{
	size_t left = s->file_size / sizeof(uint64_t);

	for (size_t i = 0; i < s->snapshots.n; i++) {
		const struct qcow2_snapshot *snap = &s->snapshots.v[i];
		struct l1_copy one;

		if (!read_l1(s, snap->l1_off, img_min_u64(left, snap->l1_entries), &one, err))
			return false;
		left -= one.n;
		for (size_t j = 0; j < one.n; j++) {
			const uint64_t host = good_entry(s, one.v[j]);

			if (host)
				qcow2_salvage_find(s, host)->snapshots = true;
		}
		free(one.v);
	}
	return true;
}

bool qcow2_salvage_l1(struct qcow2_salvage *s, struct img_err *err)
{
	struct l1_copy own = { 0 }, other = { 0 };
	const bool ok = mark_snapshots(s, err) && choose(s, &own, &other, err);

	free(own.v);
	free(other.v);
	if (!ok)
		return false;
	judge_entries(s);
	return heal_bits(s, err) && take_from_all(s, false, err) && take_from_all(s, true, err);
}

/* ---- For others ------------------------------------------------------------------------------ */

/* *host: where entry index of the L1 table at `at` leads, if that is another good table than not. */
static bool other_table(const struct qcow2_salvage *s, uint64_t at, size_t index, uint64_t not,
			uint64_t *host, struct img_err *err)
{
	uint8_t raw[8];
	size_t got;

	*host = 0;
	if (!img_store_read_some(s->file, at + index * sizeof(raw), raw, sizeof(raw), &got, err))
		return false;
	if (got == sizeof(raw))
		*host = good_entry(s, img_get_be64(raw));
	if (*host == not)
		*host = 0;
	return true;
}

bool qcow2_salvage_donor(const struct qcow2_salvage *s, size_t index, uint64_t not, uint64_t *host,
			 struct img_err *err)
{
	*host = 0;
	for (size_t i = s->snapshots.n; i-- > 0 && !*host;) {
		const struct qcow2_snapshot *snap = &s->snapshots.v[i];

		if (index < snap->l1_entries && snap->l1_off < s->file_size &&
		    !other_table(s, snap->l1_off, index, not, host, err))
			return false;
	}
	/* Of L1 tables that nobody knows the latest first. */
	for (size_t i = s->n_found; i-- > 0 && !*host;)
		if (s->found[i].l1 && index < (size_t)1 << (s->geo.cluster_bits - 3) &&
		    s->found[i].host != s->l1_at &&
		    !other_table(s, s->found[i].host, index, not, host, err))
			return false;
	return true;
}
