/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clusters of tables to which somebody refers as something else, and as what. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/refs_inside.h"

/* So many are told apart; the others are only told. */
enum { WATCH_MAX = 64 };

/* In the order of enum qcow2_use. */
static const char *const names[QCOW2_USES] = {
	N_("header"), N_("refcount table"), N_("refcount block"), N_("L1 table"), N_("L2 table"),
	N_("data"), N_("compressed data"), N_("snapshot table"), N_("L1 table of a snapshot"),
	N_("bitmap directory"), N_("table of a bitmap"), N_("bits of a bitmap"),
	N_("encryption header"),
};

/* "L2 table, data"; NULL: memory is out. */
static char *name_uses(uint32_t uses, struct img_err *err)
{
	char *text = NULL;

	for (size_t i = 0; i < QCOW2_USES; i++) {
		if (!(uses >> i & 1))
			continue;
		char *longer = img_format_text(err, "%s%s%s", text ? text : "", text ? ", " : "",
					       _(names[i]));

		free(text);
		if (!longer)
			return NULL;
		text = longer;
	}
	return text ? text : img_strdup("", err);
}

/* The first clusters that overlap; the rest is told at once. */
struct overlaps {
	struct collection *c;
	struct qcow2_watched first[WATCH_MAX];
	size_t n;
};

static bool tell(struct collection *c, const struct qcow2_watched *watched, struct img_err *err)
{
	struct img_finding one = {
		.kind = &qcow2_found_overlap, .n = 1, .guest = IMG_NOWHERE,
		.host = watched->cluster << c->geo.cluster_bits, .expected = 1,
		.found = qcow2_counts_get(c->total, watched->cluster),
	};

	if (watched->uses && !(one.detail = name_uses(watched->uses, err)))
		return false;
	return img_findings_add(c->damage, one, qcow2_cluster_size(&c->geo), err);
}

static bool add(struct overlaps *o, uint64_t cluster, struct img_err *err)
{
	const struct qcow2_watched one = { .cluster = cluster };

	if (cluster < o->c->refs->start || cluster >= qcow2_counts_end(o->c->total))
		return true;
	if (o->n == WATCH_MAX)
		return tell(o->c, &one, err);
	o->first[o->n++] = one;
	return true;
}

static bool find(struct overlaps *o, struct img_err *err)
{
	struct collection *c = o->c;
	uint64_t cluster, n;

	if (!qcow2_counts_sort(c->fixed, err) || !qcow2_counts_sort(c->tables, err))
		return false;
	for (cluster = 0; qcow2_counts_next(c->fixed, &cluster, &n); cluster++)
		if (qcow2_counts_get(c->total, cluster) != n && !add(o, cluster, err))
			return false;
	for (cluster = 0; qcow2_counts_next(c->tables, &cluster, &n); cluster++)
		if (!qcow2_counts_get(c->fixed, cluster) &&
		    qcow2_counts_get(c->total, cluster) != n && !add(o, cluster, err))
			return false;
	return true;
}

bool qcow2_refs_find_overlaps(struct collection *c, struct img_err *err)
{
	struct overlaps o = { .c = c };

	if (!find(&o, err) || (o.n && !qcow2_refs_watch(c, o.first, o.n, err)))
		return false;
	for (size_t i = 0; i < o.n; i++)
		if (!tell(c, &o.first[i], err))
			return false;
	return true;
}
