/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * L2 tables that nothing leads to: found by what they lead to, and given to lost entries of the L1
 * table in the order of the file, which is that in which a disk that was converted had them.
 */
#include <stdlib.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow1/salvage.h"

struct placing {
	struct qcow1_salvage *s;
	uint8_t *table;			/* owned */
	uint64_t *lone;			/* tables that nothing leads to, rising; owned */
	size_t n_lone, cap_lone;
	uint32_t n_junk;		/* entries of the L1 table that lead to something else */
};

/* ---- Tables that nothing leads to ------------------------------------------------------------ */

/* The table that was read last has nothing that can be believed. */
static bool is_junk(const struct placing *p)
{
	const struct qcow1_header *hdr = &p->s->hdr;
	const struct qcow1_shape shape = qcow1_measure_shape(hdr, p->table, qcow1_l2_entries(hdr),
							     p->s->file_size);

	return shape.bad > shape.good;
}

static bool take_placed(struct placing *p, struct img_err *err)
{
	struct qcow1_salvage *s = p->s;

	for (uint32_t i = 0; i < s->n_l1; i++) {
		if (qcow1_l1_at(s, i) <= QCOW1_L1_LOST)
			continue;
		if (!qcow1_read_table(s, qcow1_l1_at(s, i), p->table, err))
			return false;
		qcow1_take_entries(s, p->table);
		p->n_junk += is_junk(p);
	}
	return true;
}

/* What leads to no table has lost its own, if one is left over. */
static bool lose_junk(struct placing *p, struct img_err *err)
{
	struct qcow1_salvage *s = p->s;

	for (uint32_t i = 0; p->n_junk && p->n_lone && i < s->n_l1; i++) {
		if (qcow1_l1_at(s, i) <= QCOW1_L1_LOST)
			continue;
		if (!qcow1_read_table(s, qcow1_l1_at(s, i), p->table, err))
			return false;
		if (is_junk(p))
			qcow1_l1_put(s, i, QCOW1_L1_LOST);
	}
	return true;
}

static bool add_lone(struct placing *p, uint64_t host, struct img_err *err)
{
	uint64_t *v = img_grow_by_one(p->lone, p->n_lone, &p->cap_lone, sizeof(*v), err);

	if (!v)
		return false;
	p->lone = v;
	v[p->n_lone++] = host;
	qcow1_take_entries(p->s, p->table);
	return true;
}

/* A table at host is taken for one when all of it is, and nothing else has it. */
static bool try_table(struct placing *p, uint64_t host, bool *is, struct img_err *err)
{
	struct qcow1_salvage *s = p->s;
	struct qcow1_shape shape;

	*is = false;
	if (!host || qcow1_l1_damage(&s->hdr, host, s->file_size))
		return true;
	if (!qcow1_read_table(s, host, p->table, err))
		return false;
	shape = qcow1_measure_shape(&s->hdr, p->table, qcow1_l2_entries(&s->hdr), s->file_size);
	*is = shape.good && shape.good > 8 * shape.bad &&
	      qcow1_take(s, host, qcow1_l2_bytes(&s->hdr));
	return !*is || add_lone(p, host, err);
}

/*
 * A table lies in front of the first data that need it: the one with this sector may end where the
 * lowest cluster behind it begins.  One try for each sector: tables are long.
 */
static bool try_anchor(struct placing *p, uint64_t sector, bool *is, struct img_err *err)
{
	struct qcow1_salvage *s = p->s;
	const uint32_t len = qcow1_l2_bytes(&s->hdr), cluster = qcow1_cluster_size(&s->hdr);
	uint64_t lowest = UINT64_MAX;
	uint8_t raw[QCOW1_SECTOR] = { 0 };
	size_t got;

	*is = false;
	if (!img_store_read_some(s->file, sector, raw, sizeof(raw), &got, err))
		return false;
	for (size_t i = 0; i < sizeof(raw); i += QCOW1_ENTRY_LEN) {
		const uint64_t entry = img_get_be64(raw + i);
		const uint64_t host = qcow1_entry_decode(&s->hdr, entry).host;

		if (qcow1_is_sane(&s->hdr, entry, s->file_size) && host > sector)
			lowest = img_min_u64(lowest, host);
	}
	const uint64_t start = lowest > len ? img_round_down(lowest - len, cluster) : 0;

	return start > sector || sector - start >= len || try_table(p, start, is, err);
}

static bool is_in_l1(const struct qcow1_salvage *s, uint64_t host)
{
	return host + QCOW1_SECTOR > s->hdr.l1_off &&
	       host < s->hdr.l1_off + (uint64_t)s->n_l1 * QCOW1_ENTRY_LEN;
}

/* In the order of the file: what a table leads to is no table, whatever it looks like. */
static bool find_lone(struct placing *p, struct img_err *err)
{
	struct qcow1_salvage *s = p->s;
	const uint32_t cluster = qcow1_cluster_size(&s->hdr);
	bool is;

	for (size_t i = 0; i < s->n_sectors; i++) {
		const uint64_t sector = qcow1_sector(s, i);

		if (qcow1_is_taken(s, sector) || is_in_l1(s, sector))
			continue;
		if (!try_anchor(p, sector, &is, err) ||
		    (!is && !try_table(p, img_round_down(sector, cluster), &is, err)))
			return false;
	}
	return true;
}

static int by_host(const void *x, const void *y)
{
	const uint64_t *a = x, *b = y;

	return (*a > *b) - (*a < *b);
}

/* ---- By the order of the file ---------------------------------------------------------------- */

/* Slots [first, end) between two that lead to tables, and the bytes of the file between these. */
struct gap {
	uint32_t first, end;
	uint64_t from, to;
	uint32_t n_lost, n_free;
};

static bool put(struct placing *p, uint32_t slot, size_t lone, struct img_err *err)
{
	struct qcow1_salvage *s = p->s;
	const unsigned bits = qcow1_l1_bits(&s->hdr);

	const uint64_t host = p->lone[lone];

	qcow1_l1_put(s, slot, host);
	p->lone[lone] = 0;
	return img_rangeset_include(&s->guessed, (uint64_t)slot << bits, UINT64_C(1) << bits,
				    err) &&
	       qcow1_salvage_note(s, &qcow1_noted_l2_placed, host, (uint64_t)slot << bits, 0,
				  err);
}

/* Of the lone tables those that lie in the gap; *first: the first of them. */
static size_t count_lone(const struct placing *p, const struct gap *gap, size_t *first)
{
	size_t n = 0;

	*first = 0;
	while (*first < p->n_lone && p->lone[*first] < gap->from)
		++*first;
	while (*first + n < p->n_lone && p->lone[*first + n] < gap->to)
		n++;
	return n;
}

/* As many as are lost, or as have nothing; where no table has a place, as many as there are. */
static bool fill(struct placing *p, const struct gap *gap, struct img_err *err)
{
	const struct qcow1_salvage *s = p->s;
	const bool whole = gap->first == 0 && gap->end == s->n_l1;
	size_t next;
	const size_t n = count_lone(p, gap, &next), end = next + n;
	const bool with_free = n != gap->n_lost;

	if (!n || (n != gap->n_lost && n != gap->n_lost + gap->n_free && !whole))
		return true;
	for (uint32_t i = gap->first; i < gap->end && next < end; i++)
		if ((qcow1_l1_at(s, i) == QCOW1_L1_LOST || with_free) && !put(p, i, next++, err))
			return false;
	return true;
}

static bool place_in_order(struct placing *p, struct img_err *err)
{
	const struct qcow1_salvage *s = p->s;
	struct gap gap = { 0 };

	for (uint32_t i = 0; i < s->n_l1; i++) {
		const uint64_t entry = qcow1_l1_at(s, i);

		gap.n_lost += entry == QCOW1_L1_LOST;
		gap.n_free += !entry;
		if (entry <= QCOW1_L1_LOST)
			continue;
		gap.end = i;
		gap.to = entry;
		if (gap.from < gap.to && !fill(p, &gap, err))
			return false;
		gap = (struct gap){ .first = i + 1, .from = entry };
	}
	gap.end = s->n_l1;
	gap.to = UINT64_MAX;
	return fill(p, &gap, err);
}

/* ---- Entries that were moved ----------------------------------------------------------------- */

static uint32_t count_lost(const struct qcow1_salvage *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n_l1; i++)
		n += qcow1_l1_at(s, i) == QCOW1_L1_LOST;
	return n;
}

/*
 * An entry twice in a row and a table left over that lies behind all others: the entries behind the
 * first one were moved, and the last one fell out.
 */
static bool move_back(struct placing *p, struct img_err *err)
{
	struct qcow1_salvage *s = p->s;
	const uint32_t twin = s->l1_twin, last = s->n_l1 - 1;
	const unsigned bits = qcow1_l1_bits(&s->hdr);

	if (!twin || twin == last || count_lost(s) != 1 || p->n_lone != 1 ||
	    p->lone[0] < qcow1_l1_at(s, last))
		return true;
	for (uint32_t i = twin; i < last; i++)
		qcow1_l1_put(s, i, qcow1_l1_at(s, i + 1));
	qcow1_l1_put(s, last, QCOW1_L1_LOST);
	return img_rangeset_include(&s->guessed, (uint64_t)twin << bits,
				    (uint64_t)(last - twin) << bits, err) &&
	       qcow1_salvage_note(s, &qcow1_noted_l1_moved, s->hdr.l1_off, (uint64_t)twin << bits,
				  0, err);
}

/* ---- All of it ------------------------------------------------------------------------------- */

/* Where the size is not known there is a slot for each table. */
static bool make_room(struct placing *p, struct img_err *err)
{
	struct qcow1_salvage *s = p->s;
	const size_t n = s->n_l1 + p->n_lone;

	if (s->size_known || !p->n_lone)
		return true;
	if (n >= QCOW1_L1_MAX)
		return img_fail(err, IMG_E_RANGE, _("the disk is too large for its tables"));
	while (s->n_l1 < n)
		qcow1_l1_put(s, s->n_l1++, QCOW1_L1_LOST);
	return true;
}

/* Where entries were lost those that say "nothing" may be wrong, too. */
static bool tell_rest(struct placing *p, struct img_err *err)
{
	struct qcow1_salvage *s = p->s;
	const unsigned bits = qcow1_l1_bits(&s->hdr);

	for (size_t i = 0; i < p->n_lone; i++)
		if (p->lone[i] && !qcow1_salvage_note(s, &qcow1_noted_l2_unplaced, p->lone[i],
						      IMG_NOWHERE, 0, err))
			return false;
	for (uint32_t i = 0; p->n_lone && i < s->n_l1; i++)
		if (!qcow1_l1_at(s, i) && !img_rangeset_include(&s->guessed, (uint64_t)i << bits,
						       UINT64_C(1) << bits, err))
			return false;
	return true;
}

bool qcow1_salvage_place(struct qcow1_salvage *s, struct img_err *err)
{
	struct placing p = { .s = s };
	bool ok;

	p.table = img_alloc_aligned(qcow1_l2_bytes(&s->hdr), err);
	ok = p.table && take_placed(&p, err) && find_lone(&p, err);
	if (ok && p.n_lone)
		qsort(p.lone, p.n_lone, sizeof(*p.lone), by_host);
	ok = ok && make_room(&p, err) && lose_junk(&p, err) && move_back(&p, err) &&
	     place_in_order(&p, err) && tell_rest(&p, err);
	free(p.table);
	free(p.lone);
	return ok;
}
