/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Findings as a check makes them: neighbours joined, all counted, so many of each kind kept. */
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/format.h"

/* How many of one kind there were. */
struct img_finding_tally {
	const struct img_finding_kind *kind;
	uint64_t n;			/* entries and clusters */
	size_t listed;			/* findings in the list */
	size_t last;			/* index of the last one there */
	uint64_t step;			/* that it was added with */
};

static struct img_finding_tally *find_tally(struct img_findings *findings,
					    const struct img_finding_kind *kind,
					    struct img_err *err)
{
	struct img_finding_tally *v;

	for (size_t i = 0; i < findings->n_tallies; i++)
		if (findings->tallies[i].kind == kind)
			return &findings->tallies[i];
	v = img_grow_by_one(findings->tallies, findings->n_tallies, &findings->cap_tallies,
			    sizeof(*v), err);
	if (!v)
		return NULL;
	findings->tallies = v;
	v[findings->n_tallies] = (struct img_finding_tally){ .kind = kind };
	return &v[findings->n_tallies++];
}

/* Whether next stands right behind first, or behind the n - 1 that are in it already. */
static bool continues(const struct img_finding *first, const struct img_finding *next,
		      uint64_t step)
{
	const uint64_t len = first->n * step;

	if (!step || first->detail || next->detail || first->expected != next->expected ||
	    first->found != next->found)
		return false;
	if (first->host == IMG_NOWHERE)
		return next->host == IMG_NOWHERE && next->guest == first->guest + len;
	return next->host == first->host + len;
}

static bool list(struct img_findings *to, struct img_finding_tally *tally,
		 const struct img_finding *one, uint64_t step, struct img_err *err)
{
	struct img_finding *v = img_grow_by_one(to->v, to->n, &to->cap, sizeof(*v), err);

	if (!v)
		return false;
	to->v = v;
	v[to->n] = *one;
	tally->last = to->n++;
	tally->listed++;
	tally->step = step;
	return true;
}

bool img_findings_add(struct img_findings *to, struct img_finding one, uint64_t step,
		      struct img_err *err)
{
	struct img_finding_tally *tally = find_tally(to, one.kind, err);

	if (!tally) {
		free(one.detail);
		return false;
	}
	tally->n += one.n;
	if (tally->listed && tally->step == step && continues(&to->v[tally->last], &one, step)) {
		to->v[tally->last].n += one.n;
		return true;
	}
	if (tally->listed < to->most && list(to, tally, &one, step, err))
		return true;
	free(one.detail);
	return tally->listed >= to->most;
}

/* What `from` found and did not list. */
static bool append_unlisted(struct img_findings *to, const struct img_findings *from,
			    struct img_err *err)
{
	for (size_t i = 0; i < from->n_tallies; i++) {
		const struct img_finding_tally *theirs = &from->tallies[i];
		struct img_finding_tally *ours = find_tally(to, theirs->kind, err);

		if (!ours)
			return false;
		ours->n += theirs->n;
	}
	for (size_t i = 0; i < from->n; i++)
		find_tally(to, from->v[i].kind, err)->n -= from->v[i].n;
	return true;
}

static uint64_t step_of(const struct img_findings *findings, const struct img_finding_kind *kind)
{
	for (size_t i = 0; i < findings->n_tallies; i++)
		if (findings->tallies[i].kind == kind)
			return findings->tallies[i].step;
	return 0;
}

bool img_findings_append(struct img_findings *to, struct img_findings *from, struct img_err *err)
{
	bool ok = append_unlisted(to, from, err);

	for (size_t i = 0; ok && i < from->n; i++) {
		struct img_finding one = from->v[i];

		from->v[i].detail = NULL;
		ok = img_findings_add(to, one, step_of(from, one.kind), err);
	}
	img_findings_clear(from);
	return ok;
}

static size_t rank(const struct img_finding_kind *const *kinds, const struct img_finding_kind *kind)
{
	size_t i = 0;

	while (kinds[i] && kinds[i] != kind)
		i++;
	return i;
}

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_findings(const void *a, const void *b, void *kinds)
{
	const struct img_finding *x = a, *y = b;
	const int by_kind = compare(rank(kinds, x->kind), rank(kinds, y->kind));
	const int by_host = compare(x->host, y->host);

	if (by_kind)
		return by_kind;
	return by_host ? by_host : compare(x->guest, y->guest);
}

void img_findings_sort(struct img_findings *findings, const struct img_finding_kind *const *kinds)
{
	if (findings->n)
		qsort_r(findings->v, findings->n, sizeof(*findings->v), compare_findings,
			(void *)(uintptr_t)kinds);
	/* No finding is the last one of its kind any more that another could be joined to. */
	for (size_t i = 0; i < findings->n_tallies; i++)
		findings->tallies[i].step = 0;
}

uint64_t img_findings_total(const struct img_findings *findings, enum img_severity severity)
{
	uint64_t n = 0;

	for (size_t i = 0; i < findings->n_tallies; i++)
		if (findings->tallies[i].kind->severity == severity)
			n += findings->tallies[i].n;
	return n;
}

uint64_t img_findings_count(const struct img_findings *findings,
			    const struct img_finding_kind *kind)
{
	for (size_t i = 0; i < findings->n_tallies; i++)
		if (findings->tallies[i].kind == kind)
			return findings->tallies[i].n;
	return 0;
}

bool img_findings_counts(const struct img_findings *findings, struct img_finding_count **counts,
			 struct img_err *err)
{
	*counts = img_calloc(findings->n_tallies + 1, sizeof(**counts), err);
	for (size_t i = 0; *counts && i < findings->n_tallies; i++)
		(*counts)[i] = (struct img_finding_count){
			.kind = findings->tallies[i].kind, .n = findings->tallies[i].n,
		};
	return *counts;
}

void img_findings_clear(struct img_findings *findings)
{
	for (size_t i = 0; i < findings->n; i++)
		free(findings->v[i].detail);
	free(findings->v);
	free(findings->tallies);
	*findings = (struct img_findings){ .most = findings->most };
}

bool img_salvaged_note(struct img_salvaged *told, const struct img_finding_kind *kind, uint64_t host,
		       uint64_t guest, uint64_t step, struct img_err *err)
{
	const struct img_finding one = {
		.kind = kind, .n = 1, .host = host, .guest = guest,
		.expected = IMG_NOWHERE, .found = IMG_NOWHERE,
	};

	return img_findings_add(&told->notes, one, step, err);
}
