/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * L2 tables that lie over what others have.  One of many clusters looks like a table from the middle
 * of it on, too, so that a damaged entry of the L1 table may lead beside it.  Where it begins is
 * known all the same: the first data that needed the table lie right behind it.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow1/salvage.h"

enum {
	TRIES_MOST = 4,			/* places of which one may be the beginning */
	BAD_MANY = 8,			/* entries: a table has something else in it */
};

struct settling {
	struct qcow1_salvage *s;
	struct qcow1_uses uses;		/* of tables, and of what they lead to */
	uint8_t *settled;		/* a bit for each entry of the L1 table; owned */
	uint8_t *raw;			/* one table, or the bytes around it; owned */
	uint32_t len;			/* of a table */
	uint32_t span;			/* of the clusters that it takes */
};

/* ---- Who lies over whom ---------------------------------------------------------------------- */

static bool count_uses(struct settling *t, uint32_t i, struct img_err *err)
{
	if (!qcow1_read_table(t->s, qcow1_l1_at(t->s, i), t->raw, err))
		return false;
	qcow1_uses_add(&t->uses, qcow1_l1_at(t->s, i), t->len);
	qcow1_uses_add_entries(&t->uses, t->raw, qcow1_l2_entries(&t->s->hdr));
	return true;
}

/* ---- Where a table begins -------------------------------------------------------------------- */

static uint64_t host_at(const struct settling *t, const uint8_t *raw)
{
	const struct qcow1_header *hdr = &t->s->hdr;
	const uint64_t entry = img_get_be64(raw);

	return qcow1_is_sane(hdr, entry, t->s->file_size) ? qcow1_entry_decode(hdr, entry).host : 0;
}

/* raw: a table at host; some of its data begin right behind it, and none before that. */
static bool is_table(const struct settling *t, uint64_t host, const uint8_t *raw)
{
	const struct qcow1_header *hdr = &t->s->hdr;
	const struct qcow1_shape shape = qcow1_measure_shape(hdr, raw, qcow1_l2_entries(hdr),
							     t->s->file_size);
	bool first = false;

	if (shape.good <= 8 * shape.bad)
		return false;
	for (uint32_t i = 0; i < t->len; i += QCOW1_ENTRY_LEN) {
		const uint64_t to = host_at(t, raw + i);

		if (to >= host && to < host + t->len)
			return false;
		first |= to == host + t->len || to == host + t->span;
	}
	return first;
}

static bool is_listed(const uint64_t *v, size_t n, uint64_t host)
{
	while (n && v[n - 1] != host)
		n--;
	return n;
}

/*
 * Where tables may begin that have a part of the len bytes at start: those behind which the data of
 * one of their entries lie.  At most TRIES_MOST.
 */
static size_t list_starts(const struct settling *t, uint64_t start, size_t len, uint64_t *v)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n < TRIES_MOST; i += QCOW1_ENTRY_LEN) {
		const uint64_t to = host_at(t, t->raw + i), at = start + i;
		const uint64_t from = to > t->span ? to - t->span : 0;

		if (from >= start && from <= at && at - from < t->len &&
		    from - start + t->len <= len && from % qcow1_cluster_size(&t->s->hdr) == 0 &&
		    !is_listed(v, n, from))
			v[n++] = from;
	}
	return n;
}

/* The only table of which some may be at host and that nobody has; 0: there is none, or several. */
static bool find_start(struct settling *t, uint64_t host, uint64_t *found, struct img_err *err)
{
	const uint32_t back = t->span - qcow1_cluster_size(&t->s->hdr);
	const uint64_t start = host > back ? host - back : 0;
	const size_t most = host - start + t->span - qcow1_cluster_size(&t->s->hdr) + t->len;
	uint64_t v[TRIES_MOST];
	size_t len;

	*found = 0;
	if (!img_store_read_some(t->s->file, start, t->raw, most, &len, err))
		return false;
	const size_t n = list_starts(t, start, len - len % QCOW1_ENTRY_LEN, v);

	for (size_t i = 0; i < n; i++) {
		if (!is_table(t, v[i], t->raw + (v[i] - start)) ||
		    !qcow1_is_free(t->s, v[i], t->span))
			continue;
		if (*found) {
			*found = 0;
			return true;
		}
		*found = v[i];
	}
	return true;
}

/* ---- One after the other --------------------------------------------------------------------- */

static bool doubt(struct settling *t, uint32_t i, struct img_err *err)
{
	struct qcow1_salvage *s = t->s;
	const unsigned bits = qcow1_l1_bits(&s->hdr);

	return img_rangeset_include(&s->guessed, (uint64_t)i << bits, UINT64_C(1) << bits, err) &&
	       qcow1_salvage_note(s, &qcow1_noted_l1_over, s->hdr.l1_off + i * UINT64_C(8),
				  (uint64_t)i << bits, 0, err);
}

static void take_or_lose(struct settling *t, uint32_t i)
{
	struct qcow1_salvage *s = t->s;

	t->settled[i / 8] |= (uint8_t)(1 << i % 8);
	if (qcow1_take(s, qcow1_l1_at(s, i), t->len))
		return;
	if (i && qcow1_l1_at(s, i) == qcow1_l1_at(s, i - 1) && !s->l1_twin)
		s->l1_twin = i;
	qcow1_l1_put(s, i, QCOW1_L1_LOST);
}

/* What is right beyond doubt comes first. */
static bool take_right(struct settling *t, uint32_t i, struct img_err *err)
{
	const uint64_t host = qcow1_l1_at(t->s, i);

	if (!qcow1_read_table(t->s, host, t->raw, err))
		return false;
	if (is_table(t, host, t->raw))
		take_or_lose(t, i);
	return true;
}

static bool measure(struct settling *t, uint64_t host, struct qcow1_shape *shape,
		    struct img_err *err)
{
	const struct qcow1_header *hdr = &t->s->hdr;

	if (!qcow1_read_table(t->s, host, t->raw, err))
		return false;
	*shape = qcow1_measure_shape(hdr, t->raw, qcow1_l2_entries(hdr), t->s->file_size);
	return true;
}

/*
 * Of the others those that lead beside the beginning of a table get it.  Where there is none to be
 * found what lies over others is no table, or a guess, and so is one that is partly something else.
 */
static bool settle(struct settling *t, uint32_t i, struct img_err *err)
{
	struct qcow1_salvage *s = t->s;
	uint64_t host = qcow1_l1_at(s, i);
	const bool over = qcow1_uses_is_twice(&t->uses, host, t->len);
	struct qcow1_shape shape = { 0 };
	uint64_t start;

	if (t->settled[i / 8] & 1 << i % 8)
		return true;
	if (!find_start(t, host, &start, err) ||
	    (!start && !measure(t, host, &shape, err)))
		return false;
	if (start)
		host = start;
	else if (over && shape.good <= shape.bad)
		host = QCOW1_L1_LOST;
	qcow1_l1_put(s, i, host);
	if (host != QCOW1_L1_LOST)
		take_or_lose(t, i);
	return qcow1_l1_at(s, i) == QCOW1_L1_LOST || (!start && !over && shape.bad < BAD_MANY) ||
	       doubt(t, i, err);
}

static bool for_placed(struct settling *t,
		       bool (*step)(struct settling *, uint32_t, struct img_err *),
		       struct img_err *err)
{
	const struct qcow1_salvage *s = t->s;

	for (uint32_t i = 0; i < s->n_l1; i++)
		if (qcow1_l1_at(s, i) > QCOW1_L1_LOST && !step(t, i, err))
			return false;
	return true;
}

bool qcow1_salvage_settle(struct qcow1_salvage *s, struct img_err *err)
{
	const uint32_t len = qcow1_l2_bytes(&s->hdr);
	struct settling t = {
		.s = s, .len = len, .span = img_round_up(len, qcow1_cluster_size(&s->hdr)),
	};
	bool ok;

	t.settled = img_calloc(s->n_l1 / 8 + 1, 1, err);
	t.raw = img_alloc_aligned(3 * (size_t)t.span, err);
	ok = t.settled && t.raw && qcow1_untake(s, err) && qcow1_uses_start(&t.uses, s, err) &&
	     for_placed(&t, count_uses, err) && for_placed(&t, take_right, err) &&
	     for_placed(&t, settle, err) && qcow1_uses_knows(&t.uses, err);
	qcow1_uses_clear(&t.uses);
	free(t.settled);
	free(t.raw);
	return ok;
}
