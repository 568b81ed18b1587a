/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All clusters of the file that look like tables; and which of them are L1 tables. */
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/bulk.h"
#include "format/qcow2/salvage.h"
#include "format/qcow2/shape.h"

enum {
	FOUND_MAX	= 1 << 22,	/* of a file that is made of them on purpose */
	L1_GOOD		= 8,		/* good entries of an L1 table for each bad one, at least */
};

static bool add_found(struct qcow2_salvage *s, uint64_t host, unsigned shapes, struct img_err *err)
{
	struct qcow2_found *v = img_grow_by_one(s->found, s->n_found, &s->cap_found, sizeof(*v), err);

	if (!v)
		return false;
	s->found = v;
	v[s->n_found++] = (struct qcow2_found){
		.host = host, .l2 = shapes & QCOW2_SHAPE_L2, .l1 = shapes & QCOW2_SHAPE_L1,
	};
	return true;
}

static bool scan(struct qcow2_salvage *s, struct qcow2_shapes *shapes, struct img_err *err)
{
	unsigned seen;
	uint64_t next;

	for (uint64_t at = qcow2_cluster_size(&s->geo); at < s->file_size; at = next) {
		if (!qcow2_shapes_look(shapes, at, &seen, &next, err))
			return false;
		if (!seen)
			continue;
		if (s->n_found == FOUND_MAX)
			return img_fail(err, IMG_E_RANGE, _("more than %d clusters look like tables"),
					FOUND_MAX);
		if (!add_found(s, at, seen, err))
			return false;
	}
	return true;
}

size_t qcow2_salvage_lower(const struct qcow2_salvage *s, uint64_t host)
{
	size_t low = 0, high = s->n_found;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (s->found[middle].host < host)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct qcow2_found *qcow2_salvage_find(const struct qcow2_salvage *s, uint64_t host)
{
	const size_t i = qcow2_salvage_lower(s, host);

	return i < s->n_found && s->found[i].host == host ? &s->found[i] : NULL;
}

/* An L1 table leads to L2 tables alone, of which a few may be overwritten. */
static bool is_l1(const struct qcow2_salvage *s, const uint8_t *raw, size_t len, uint64_t host)
{
	const struct img_finding_kind *why;
	size_t good = 0, bad = 0;
	uint64_t table;

	for (size_t at = 0; at + 8 <= len; at += 8) {
		if (!qcow2_l1_decode(&s->geo, img_get_be64(raw + at), &table, &why))
			return false;
		if (!table)
			continue;
		const struct qcow2_found *to = qcow2_salvage_find(s, table);

		if (table == host)
			return false;
		good += to && to->l2;
		bad += !to || !to->l2;
	}
	return bad * L1_GOOD < good + !bad;
}

static bool visit(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		  struct img_err *err)
{
	struct qcow2_salvage *s = ctx;
	struct qcow2_found *one = qcow2_salvage_find(s, host);

	(void)index;
	(void)err;
	one->l1 = is_l1(s, raw, len, host);
	return true;
}

/* While they are told apart all still count as L2 tables: so are those that L1 tables lead to. */
static bool tell_apart(struct qcow2_salvage *s, struct img_err *err)
{
	struct qcow2_cluster_list list = { .file = s->file, .cluster_bits = s->geo.cluster_bits };
	bool ok = true;

	for (size_t i = 0; ok && i < s->n_found; i++)
		ok = !s->found[i].l1 || qcow2_cluster_list_add(&list, s->found[i].host, err);
	ok = ok && qcow2_bulk_clusters(&list, visit, s, err);
	qcow2_cluster_list_clear(&list);
	for (size_t i = 0; i < s->n_found; i++)
		s->found[i].l2 = s->found[i].l2 && !s->found[i].l1;
	return ok;
}

bool qcow2_salvage_scan(struct qcow2_salvage *s, struct img_err *err)
{
	struct qcow2_shapes shapes;
	const bool ok = qcow2_shapes_start(&shapes, &s->hdr, s->file, err) && scan(s, &shapes, err) &&
			tell_apart(s, err);

	qcow2_shapes_end(&shapes);
	return ok;
}

/* It leads to a block that counts the header and what follows it once, in 16 bits each. */
static bool is_reftable(const struct qcow2_salvage *s, uint64_t at, bool *is, struct img_err *err)
{
	static const uint8_t counts[] = { 0, 1, 0, 1, 0, 1 };
	uint8_t entry[8], block[sizeof(counts)];
	size_t got;

	*is = false;
	if (!img_store_read_some(s->file, at, entry, sizeof(entry), &got, err))
		return false;
	const uint64_t host = img_get_be64(entry);

	if (got < sizeof(entry) || !host || host >= s->file_size ||
	    host & (qcow2_cluster_size(&s->geo) - 1))
		return true;
	if (!img_store_read_some(s->file, host, block, sizeof(block), &got, err))
		return false;
	*is = got == sizeof(block) && !memcmp(block, counts, sizeof(counts));
	return true;
}

bool qcow2_salvage_reftable(struct qcow2_salvage *s, struct img_err *err)
{
	bool is;

	for (size_t i = 0; !s->hdr.reftable_clusters && i < s->n_found; i++) {
		if (!s->found[i].l2)
			continue;
		if (!is_reftable(s, s->found[i].host, &is, err))
			return false;
		if (!is)
			continue;
		s->hdr.reftable_off = s->found[i].host;
		s->hdr.reftable_clusters = 1;
		s->found[i].l2 = false;
	}
	return true;
}
