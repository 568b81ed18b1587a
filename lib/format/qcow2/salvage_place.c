/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * L2 tables that nothing leads to.  What the guest's bytes say of their place comes first.  Images
 * give tables to a disk in the order in which it is written, mostly front to back: any other table
 * goes between those whose places are known.
 */
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/bulk.h"
#include "format/qcow2/salvage.h"
#include "format/qcow2/shape.h"

static bool is_candidate(const struct qcow2_found *one)
{
	return one->free && !one->placed;
}

bool qcow2_salvage_is_slot(const struct qcow2_salvage *s, size_t i)
{
	return s->l1_state[i] == QCOW2_L1_BAD || !s->l1[i];
}

bool qcow2_salvage_put(struct qcow2_salvage *s, struct qcow2_found *one, size_t index,
		       struct img_err *err)
{
	one->placed = true;
	s->l1[index] = qcow2_l1_encode(one->host, false);
	s->l1_state[index] = QCOW2_L1_GUESSED;
	return qcow2_salvage_note(s, &qcow2_noted_l2_placed, one->host,
				  (uint64_t)index << qcow2_l1_bits(&s->geo), 0, err);
}

enum slots {
	BAD_SLOTS,			/* whose entry cannot be right */
	USED_SLOTS,			/* where the disk may have something */
	ALL_SLOTS,
};

static bool is_among(const struct qcow2_salvage *s, size_t i, enum slots which)
{
	return qcow2_salvage_is_slot(s, i) &&
	       (which != BAD_SLOTS || s->l1_state[i] == QCOW2_L1_BAD) &&
	       (which == ALL_SLOTS || !qcow2_salvage_is_nothing(s, i));
}

/* Slots of [start, end), where the tables of found[from, to) may belong. */
static bool fill(struct qcow2_salvage *s, size_t start, size_t end, size_t from, size_t to,
		 enum slots which, struct img_err *err)
{
	for (size_t i = start; i < end; i++) {
		if (!is_among(s, i, which))
			continue;
		while (from < to && !is_candidate(&s->found[from]))
			from++;
		if (from == to)
			return true;
		if (!qcow2_salvage_put(s, &s->found[from], i, err))
			return false;
	}
	return true;
}

static size_t count_slots(const struct qcow2_salvage *s, size_t start, size_t end, enum slots which)
{
	size_t n = 0;

	for (size_t i = start; i < end; i++)
		n += is_among(s, i, which);
	return n;
}

static size_t count_candidates(const struct qcow2_salvage *s, size_t from, size_t to)
{
	size_t n = 0;

	for (size_t i = from; i < to; i++)
		n += is_candidate(&s->found[i]);
	return n;
}

/* Slots [start, end) between neighbours whose places are known, and the tables between those. */
struct gap {
	size_t start, end, from, to;
};

/* *gap: the one at or behind gap->start; false: there is none. */
static bool next_gap(const struct qcow2_salvage *s, struct gap *gap)
{
	while (gap->start < s->n_l1 && !qcow2_salvage_is_slot(s, gap->start)) {
		gap->from = qcow2_salvage_lower(s, s->l1[gap->start] & QCOW2_ENTRY_HOST);
		gap->start++;
	}
	if (gap->start == s->n_l1)
		return false;
	gap->end = gap->start;
	while (gap->end < s->n_l1 && qcow2_salvage_is_slot(s, gap->end))
		gap->end++;
	const uint64_t host = gap->end < s->n_l1 ? s->l1[gap->end] & QCOW2_ENTRY_HOST : UINT64_MAX;

	gap->to = img_max_u64(gap->from, qcow2_salvage_lower(s, host));
	return true;
}

typedef bool fill_gap(struct qcow2_salvage *s, const struct gap *gap, enum slots which,
		      struct img_err *err);

static bool fill_gaps(struct qcow2_salvage *s, fill_gap *fills, enum slots which,
		      struct img_err *err)
{
	struct gap gap = { 0 };

	for (; next_gap(s, &gap); gap.start = gap.end)
		if (gap.to > gap.from && !fills(s, &gap, which, err))
			return false;
	return true;
}

/* As long as there are tables. */
static bool fill_in_order(struct qcow2_salvage *s, const struct gap *gap, enum slots which,
			  struct img_err *err)
{
	return fill(s, gap->start, gap->end, gap->from, gap->to, which, err);
}

/* Only if there are as many tables as slots. */
static bool fill_if_exact(struct qcow2_salvage *s, const struct gap *gap, enum slots which,
			  struct img_err *err)
{
	return count_slots(s, gap->start, gap->end, which) !=
		       count_candidates(s, gap->from, gap->to) ||
	       fill_in_order(s, gap, which, err);
}

/* Of a file that has lost its start the first tables are gone with it. */
static bool fill_up_to_end(struct qcow2_salvage *s, const struct gap *gap, enum slots which,
			   struct img_err *err)
{
	const size_t n = count_candidates(s, gap->from, gap->to);

	return gap->start || gap->end == s->n_l1 || !s->header_lost || s->l1_at ||
	       n > gap->end || fill(s, gap->end - n, gap->end, gap->from, gap->to, which, err);
}

bool qcow2_salvage_room(struct qcow2_salvage *s, size_t n, struct img_err *err)
{
	if (n <= s->n_l1)
		return true;
	if (n > QCOW2_L1_BYTES_MAX / sizeof(uint64_t))
		return img_fail(err, IMG_E_RANGE,
				_("there are more L2 tables than an L1 table can hold"));
	uint64_t *l1 = img_grow(s->l1, n, sizeof(*l1), err);

	if (!l1)
		return false;
	s->l1 = l1;
	uint8_t *state = img_grow(s->l1_state, n, 1, err);

	if (!state)
		return false;
	s->l1_state = state;
	for (size_t i = s->n_l1; i < n; i++) {
		l1[i] = 0;
		state[i] = QCOW2_L1_BAD;
	}
	s->n_l1 = n;
	return true;
}

/* The table has to be longer than the header says, or there is none. */
static bool make_room(struct qcow2_salvage *s, struct img_err *err)
{
	return s->hdr.size || qcow2_salvage_room(s, s->n_l1 + count_candidates(s, 0, s->n_found), err);
}

static bool tell_unplaced(struct qcow2_salvage *s, struct img_err *err)
{
	for (size_t i = 0; i < s->n_found; i++)
		if (is_candidate(&s->found[i]) &&
		    !qcow2_salvage_note(s, &qcow2_noted_l2_unplaced, s->found[i].host, IMG_NOWHERE,
					0, err))
			return false;
	return true;
}

/* Whether most of what the table leads to is led to by nothing else: it is no old copy. */
static bool visit(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		  struct img_err *err)
{
	struct qcow2_salvage *s = ctx;
	const struct qcow2_shapes shapes = { .geo = s->geo };
	struct qcow2_cluster cluster;
	size_t mapped = 0, alone = 0;

	(void)index;
	(void)err;
	for (size_t i = 0; i < len / s->geo.l2_entry_len; i++) {
		if (!qcow2_shapes_entry(&shapes, raw, i, &cluster))
			continue;
		mapped++;
		const uint64_t number = cluster.host >> s->geo.cluster_bits;
		alone += !qcow2_refs_get(s->refs, number) || qcow2_salvage_is_missed(s, number);
	}
	/* What a table shares with a snapshot's that took its place is led to as often as is right. */
	qcow2_salvage_find(s, host)->free = alone * 2 > mapped || (s->snapshots.n && alone);
	return true;
}

static bool is_unled(const struct qcow2_salvage *s, const struct qcow2_found *one)
{
	const uint64_t cluster = one->host >> s->geo.cluster_bits;

	return one->l2 && !one->placed && !qcow2_refs_get(s->refs, cluster) &&
	       (!s->counts_known || qcow2_salvage_is_orphan(s, cluster));
}

static bool find_free(struct qcow2_salvage *s, struct img_err *err)
{
	struct qcow2_cluster_list list = { .file = s->file, .cluster_bits = s->geo.cluster_bits };
	bool ok = true;

	for (size_t i = 0; ok && i < s->n_found; i++)
		ok = !is_unled(s, &s->found[i]) ||
		     qcow2_cluster_list_add(&list, s->found[i].host, err);
	ok = ok && qcow2_bulk_clusters(&list, visit, s, err);
	qcow2_cluster_list_clear(&list);
	return ok;
}

/*
 * As many tables as slots where the disk has something: they are those.  A disk gets the tables of
 * its file systems first and those of files later, so that neighbours say nothing then.
 */
static bool fill_exactly(struct qcow2_salvage *s, struct img_err *err)
{
	if (s->l1_whole || !s->nothing.n)
		return true;
	return count_slots(s, 0, s->n_l1, USED_SLOTS) != count_candidates(s, 0, s->n_found) ||
	       fill(s, 0, s->n_l1, 0, s->n_found, USED_SLOTS, err);
}

/*
 * Entries that lead to what does not look like an L2 table and is counted as in use for something
 * else only: nothing is known of them.
 */
static void doubt_entries(struct qcow2_salvage *s)
{
	const struct img_finding_kind *why;
	uint64_t host;

	for (size_t i = 0; i < s->n_l1; i++) {
		if (!qcow2_l1_decode(&s->geo, s->l1[i], &host, &why) || !host ||
		    host >= s->file_size)
			continue;
		const struct qcow2_found *table = qcow2_salvage_find(s, host);
		const uint64_t cluster = host >> s->geo.cluster_bits;

		if ((!table || !table->l2) && s->counts_known &&
		    qcow2_refs_get(s->refs, cluster) > qcow2_refs_stored(s->refs, cluster))
			s->l1_state[i] = QCOW2_L1_BAD;
	}
}

bool qcow2_salvage_place(struct qcow2_salvage *s, struct img_err *err)
{
	doubt_entries(s);
	if (!find_free(s, err) || !qcow2_salvage_twins(s, err) || !qcow2_salvage_match(s, err))
		return false;
	if (!count_candidates(s, 0, s->n_found))
		return true;
	return make_room(s, err) && qcow2_salvage_anchor(s, err) && fill_exactly(s, err) &&
	       fill_gaps(s, fill_if_exact, BAD_SLOTS, err) &&
	       fill_gaps(s, fill_if_exact, USED_SLOTS, err) &&
	       fill_gaps(s, fill_if_exact, ALL_SLOTS, err) &&
	       fill_gaps(s, fill_up_to_end, ALL_SLOTS, err) &&
	       fill_gaps(s, fill_in_order, BAD_SLOTS, err) &&
	       fill_gaps(s, fill_in_order, USED_SLOTS, err) &&
	       fill(s, 0, s->n_l1, 0, s->n_found, USED_SLOTS, err) &&
	       fill(s, 0, s->n_l1, 0, s->n_found, ALL_SLOTS, err) && tell_unplaced(s, err);
}
