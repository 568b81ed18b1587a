/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The COPIED flags of the active tables beside the reference map: found, and set right in place.
 * Each entry is right before and after, whatever part of a write a loss of power leaves.
 */
#include "base/bytes.h"
#include "base/num.h"
#include "format/qcow2/bulk.h"
#include "format/qcow2/counts.h"
#include "format/qcow2/refs.h"

struct check {
	const struct qcow2_refs *refs;
	struct img_store *file;
	struct qcow2_geometry geo;
	struct qcow2_counts *tables;	/* L2 tables that the active L1 points to */
	bool repair;
	struct qcow2_copied *found;
};

/* Entries that were changed in a piece, from the first to the last. */
struct changes {
	size_t start, end;
};

static uint64_t count_of(const struct check *c, uint64_t host)
{
	return qcow2_refs_get(c->refs, host >> c->geo.cluster_bits);
}

/* An entry whose flag must be `right`. */
static void settle(struct check *c, uint8_t *entry_at, uint64_t host, size_t i, bool right,
		   struct changes *changes)
{
	const uint64_t entry = img_get_be64(entry_at);

	if (!(entry & QCOW2_ENTRY_COPIED) == !right)
		return;
	if (!c->found->n++)
		c->found->first = host + i;
	img_put_be64(entry_at, entry ^ QCOW2_ENTRY_COPIED);
	if (!changes->end)
		changes->start = i;
	changes->end = i + 8;
}

/* In whole sectors: raw is what the file has. */
static bool write_back(const struct check *c, uint64_t host, const uint8_t *raw,
		       const struct changes *changes, struct img_err *err)
{
	const size_t start = img_round_down(changes->start, QCOW2_SECTOR);

	if (!c->repair || !changes->end)
		return true;
	return img_store_write(c->file, host + start, raw + start, changes->end - start, err);
}

static bool check_l1(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		     struct img_err *err)
{
	struct check *c = ctx;
	struct changes changes = { 0 };
	const char *why;
	uint64_t table;

	(void)index;
	for (size_t i = 0; i + 8 <= len; i += 8) {
		if (!qcow2_l1_decode(&c->geo, img_get_be64(raw + i), &table, &why) || !table ||
		    !count_of(c, table))
			continue;
		settle(c, raw + i, host, i, count_of(c, table) == 1, &changes);
		if (!qcow2_counts_add(c->tables, table >> c->geo.cluster_bits, 1, err))
			return false;
	}
	return write_back(c, host, raw, &changes, err);
}

/* Whether the flag of an entry means something, and what it must be. */
static bool flag_of(const struct check *c, const uint8_t *raw, bool *right)
{
	const uint64_t entry = img_get_be64(raw);
	const uint64_t bitmap = c->geo.subclusters ? img_get_be64(raw + 8) : 0;
	struct qcow2_cluster cluster;
	const char *why;

	if (!entry || !qcow2_l2_decode(&c->geo, entry, bitmap, &cluster, &why) ||
	    !cluster.allocated)
		return false;
	if (cluster.kind == QCOW2_CLUSTER_COMPRESSED)
		*right = false;
	else
		*right = c->geo.data_file || count_of(c, cluster.host) == 1;
	return true;
}

static bool check_l2(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		     struct img_err *err)
{
	struct check *c = ctx;
	struct changes changes = { 0 };
	bool right;

	(void)index;
	for (size_t i = 0; i < len; i += c->geo.l2_entry_len)
		if (flag_of(c, raw + i, &right))
			settle(c, raw + i, host, i, right, &changes);
	return write_back(c, host, raw, &changes, err);
}

static bool check_tables(struct check *c, struct img_err *err)
{
	struct qcow2_cluster_list list = { .file = c->file, .cluster_bits = c->geo.cluster_bits };
	uint64_t cluster = 0, n;
	bool ok = qcow2_counts_sort(c->tables, err);

	for (; ok && qcow2_counts_next(c->tables, &cluster, &n); cluster++)
		ok = qcow2_cluster_list_add(&list, cluster << c->geo.cluster_bits, err);
	ok = ok && qcow2_bulk_clusters(&list, check_l2, c, err);
	qcow2_cluster_list_clear(&list);
	return ok;
}

bool qcow2_copied_check(const struct qcow2_refs *refs, const struct qcow2_header *hdr,
			struct img_store *file, bool repair, struct qcow2_copied *found,
			struct img_err *err)
{
	struct check c = { .refs = refs, .file = file, .repair = repair, .found = found };

	*found = (struct qcow2_copied){ 0 };
	qcow2_geometry_init(&c.geo, hdr);
	c.tables = qcow2_counts_new(err);
	const bool ok = c.tables &&
			qcow2_bulk_range(file, hdr->l1_off, (uint64_t)hdr->l1_entries * 8, check_l1,
					 &c, err) &&
			check_tables(&c, err);
	qcow2_counts_free(c.tables);
	return ok;
}
