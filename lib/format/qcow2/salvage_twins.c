/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two neighbours in the L1 table that lead to one L2 table, while another table has no place.  Either
 * one of them was overwritten with the other, or all entries behind them were moved one place up and
 * the last one fell off the end.  The guest's own bytes tell, or else the order of tables in the
 * file.
 */
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/salvage.h"

/* What the entries may have been before. */
enum before {
	SECOND,				/* the second of the twins led to the table without a place */
	FIRST,				/* the first one did */
	MOVED,				/* the last entry did, and those behind the twins one less */
	WAYS,
};

struct twins {
	const struct qcow2_salvage *s;
	size_t first;			/* index of the first of the two */
	uint64_t lost;			/* host of the table that has no place */
	size_t n;			/* entries of the L1 table */
};

static uint64_t host_of(const struct qcow2_salvage *s, size_t i)
{
	return s->l1[i] & QCOW2_ENTRY_HOST;
}

/* Where entry i leads in one of the ways. */
static uint64_t lead(const struct twins *t, enum before way, size_t i)
{
	if (way == MOVED) {
		if (i == t->n - 1)
			return t->lost;
		return host_of(t->s, i > t->first ? i + 1 : i);
	}
	return i == t->first + (way == SECOND) ? t->lost : host_of(t->s, i);
}

/* ---- Which ways there are ------------------------------------------------------------------------ */

/* The refcount of a table that two entries share rightly says so. */
static bool is_twin(const struct qcow2_salvage *s, size_t i)
{
	const uint64_t host = host_of(s, i), cluster = host >> s->geo.cluster_bits;

	return host && host_of(s, i + 1) == host &&
	       (!s->counts_known ||
		qcow2_refs_get(s->refs, cluster) > qcow2_refs_stored(s->refs, cluster));
}

/* False: there are none, or several. */
static bool find_twins(const struct qcow2_salvage *s, size_t *first)
{
	size_t n = 0;

	for (size_t i = 0; i + 1 < s->n_l1; i++) {
		if (!is_twin(s, i))
			continue;
		*first = i;
		n++;
	}
	return n == 1;
}

static bool find_lost(const struct qcow2_salvage *s, uint64_t *host)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_found; i++) {
		if (!s->found[i].free || s->found[i].placed)
			continue;
		*host = s->found[i].host;
		n++;
	}
	return n == 1;
}

static bool is_possible(const struct twins *t, enum before way)
{
	return way != MOVED || (t->first + 1 < t->n && host_of(t->s, t->n - 1));
}

/* ---- Which one it was ---------------------------------------------------------------------------- */

static bool is_in_order(const struct twins *t, enum before way)
{
	uint64_t last = 0;

	for (size_t i = 0; i < t->n; i++) {
		const uint64_t host = lead(t, way, i);

		if (host && host <= last)
			return false;
		last = host ? host : last;
	}
	return true;
}

/* How many of the tables have the place that the guest's bytes claim; hosts as in claims. */
static size_t count_right(const struct twins *t, enum before way, const uint64_t *hosts,
			  const size_t *claims)
{
	size_t right = 0;

	for (size_t i = 0; i <= t->n; i++)
		right += claims[i] < t->n && lead(t, way, claims[i]) == hosts[i];
	return right;
}

/* Without a sign the second one: tables are copied front to back. */
static enum before choose(const struct twins *t, const uint64_t *hosts, const size_t *claims)
{
	enum before found = WAYS;
	size_t best = 0;

	for (enum before way = 0; way < WAYS; way++) {
		/* What the guest says counts for more than the order of the file. */
		const size_t weight = is_possible(t, way) ? 1 + is_in_order(t, way) +
				      2 * count_right(t, way, hosts, claims) : 0;

		if (weight <= best)
			continue;
		best = weight;
		found = way;
	}
	return found;
}

static bool find_way(const struct twins *t, struct qcow2_salvage *s, enum before *way,
		      struct img_err *err)
{
	IMG_AUTO_FREE uint64_t *hosts = img_calloc(t->n + 1, sizeof(*hosts), err);
	IMG_AUTO_FREE size_t *claims = hosts ? img_calloc(t->n + 1, sizeof(*claims), err) : NULL;
	size_t n = 0;

	if (!claims)
		return false;
	for (size_t i = 0; i < t->n; i++)
		if (i != t->first && host_of(s, i) && qcow2_salvage_find(s, host_of(s, i)))
			hosts[n++] = host_of(s, i);
	hosts[n++] = t->lost;
	if (!qcow2_salvage_claims(s, hosts, n, claims, err))
		return false;
	for (size_t i = n; i <= t->n; i++)
		claims[i] = QCOW2_NO_SLOT;
	*way = choose(t, hosts, claims);
	return true;
}

/* ---- Doing it ------------------------------------------------------------------------------------ */

static bool go_back(const struct twins *t, struct qcow2_salvage *s, enum before way,
		    struct img_err *err)
{
	const size_t slot = way == MOVED ? t->n - 1 : t->first + (way == SECOND);

	if (way == MOVED)
		for (size_t i = t->first + 1; i + 1 < t->n; i++) {
			s->l1[i] = s->l1[i + 1];
			s->l1_state[i] = QCOW2_L1_GUESSED;
		}
	return qcow2_salvage_put(s, qcow2_salvage_find(s, t->lost), slot, err);
}

bool qcow2_salvage_twins(struct qcow2_salvage *s, struct img_err *err)
{
	struct twins t = { .s = s, .n = s->n_l1 };
	enum before way;

	if (!find_twins(s, &t.first) || !find_lost(s, &t.lost))
		return true;
	return find_way(&t, s, &way, err) && go_back(&t, s, way, err);
}
