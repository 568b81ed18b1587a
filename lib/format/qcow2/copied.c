/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The COPIED flags of the active tables beside the reference map: found, and set right in place.
 * Each entry is right before and after, whatever part of a write a loss of power leaves.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/parallel.h"
#include "format/qcow2/refs_inside.h"

enum { NEAR_MAX = 1024 };

/* Counts that are at hand; entries mostly lead to neighbours. */
struct near_counts {
	uint64_t first, n;
	uint64_t counts[NEAR_MAX];
};

struct check {
	const struct qcow2_refs *refs;
	struct near_counts near;
	struct img_store *file;
	struct qcow2_geometry geo;
	bool repair;
	struct img_findings *findings;
};

/* How many references to the cluster at host were counted.  Who asks for the next one asks for more. */
static uint64_t references_to(struct check *c, uint64_t host)
{
	const uint64_t cluster = host >> c->geo.cluster_bits;
	struct near_counts *near = &c->near;

	if (cluster - near->first >= near->n) {
		near->n = cluster == near->first + near->n ? img_min_u64(2 * near->n + 1, NEAR_MAX) : 1;
		near->first = cluster;
		qcow2_refs_get_many(c->refs, cluster, near->counts, near->n);
	}
	return near->counts[cluster - near->first];
}

static bool is_used_once(struct check *c, uint64_t host)
{
	return (c->refs->otherwise ? qcow2_refs_stored(c->refs, host >> c->geo.cluster_bits)
				   : references_to(c, host)) == 1;
}

/* An entry at host + i whose flag must be `right`. */
static bool settle(struct check *c, const struct img_finding_kind *kind, uint8_t *entry_at,
		   uint64_t host, size_t i, uint64_t guest, bool right, struct qcow2_changes *changes,
		   struct img_err *err)
{
	const uint64_t entry = img_get_be64(entry_at);
	const struct img_finding one = {
		.kind = kind, .n = 1, .host = host + i, .guest = guest,
		.expected = entry ^ QCOW2_ENTRY_COPIED, .found = entry,
	};

	if (!(entry & QCOW2_ENTRY_COPIED) == !right)
		return true;
	img_put_be64(entry_at, entry ^ QCOW2_ENTRY_COPIED);
	qcow2_changes_note(changes, i, 8);
	return !c->findings || img_findings_add(c->findings, one, 0, err);
}

static bool check_l1(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		     struct img_err *err)
{
	struct check *c = ctx;
	const uint64_t first = index * (QCOW2_BULK_BYTES / 8);
	struct qcow2_changes changes = { 0 };
	const struct img_finding_kind *why;
	uint64_t table;

	for (size_t i = 0; i + 8 <= len; i += 8) {
		if (!qcow2_l1_decode(&c->geo, img_get_be64(raw + i), &table, &why) || !table ||
		    !references_to(c, table))
			continue;
		if (!settle(c, &qcow2_found_l1_copied, raw + i, host, i,
			    (first + i / 8) << qcow2_l1_bits(&c->geo), is_used_once(c, table),
			    &changes, err))
			return false;
	}
	return !c->repair || qcow2_changes_write(&changes, c->file, host, raw, err);
}

/* The kind of damage that a wrong flag of the entry is; NULL: it has none that means something. */
static const struct img_finding_kind *flag_of(struct check *c, const uint8_t *raw,
					      bool *right)
{
	const uint64_t entry = img_get_be64(raw);
	const uint64_t bitmap = c->geo.subclusters ? img_get_be64(raw + 8) : 0;
	const struct img_finding_kind *why;
	struct qcow2_cluster cluster;

	if (!entry || !qcow2_l2_decode(&c->geo, entry, bitmap, &cluster, &why) ||
	    !cluster.allocated)
		return NULL;
	*right = false;
	if (cluster.kind == QCOW2_CLUSTER_COMPRESSED)
		return references_to(c, cluster.host) ? &qcow2_found_compressed_copied : NULL;
	*right = c->geo.data_file || is_used_once(c, cluster.host);
	return *right || references_to(c, cluster.host) ? &qcow2_found_l2_copied : NULL;
}

static bool check_l2(struct check *c, size_t index, uint64_t host, uint8_t *raw, size_t len,
		     struct img_err *err)
{
	const uint64_t first = (uint64_t)c->refs->l1_indexes[index] << qcow2_l1_bits(&c->geo);
	struct qcow2_changes changes = { 0 };
	bool right;

	for (size_t i = 0; i < len; i += c->geo.l2_entry_len) {
		const struct img_finding_kind *kind = flag_of(c, raw + i, &right);
		const uint64_t guest = first + (i / c->geo.l2_entry_len << c->geo.cluster_bits);

		if (kind && !settle(c, kind, raw + i, host, i, guest, right, &changes, err))
			return false;
	}
	return !c->repair || qcow2_changes_write(&changes, c->file, host, raw, err);
}

/* ---- Tables in parts ------------------------------------------------------------------------------ */

enum { PARTS_MAX = 8, PART_MIN = 8 };

/* A thread's own: some of the tables, which follow each other. */
struct part {
	struct check check;
	struct qcow2_cluster_list tables;	/* borrowed */
	size_t first;
	struct img_err err;
	bool ok;
};

static bool visit_l2(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		     struct img_err *err)
{
	struct part *part = ctx;

	return check_l2(&part->check, part->first + index, host, raw, len, err);
}

static void work_part(void *ctx, unsigned i)
{
	struct part *part = (struct part *)ctx + i;

	part->ok = qcow2_bulk_clusters(&part->tables, visit_l2, part, &part->err);
}

static void cut_parts(struct part *parts, unsigned n, const struct check *c)
{
	const size_t n_tables = c->refs->n_active;

	for (unsigned i = 0; i < n; i++) {
		const size_t first = n_tables * i / n, end = n_tables * (i + 1) / n;

		parts[i].check = *c;
		parts[i].first = first;
		parts[i].tables = c->refs->tables;
		parts[i].tables.v = n_tables ? &c->refs->tables.v[first] : NULL;
		parts[i].tables.n = end - first;
	}
}

static bool check_tables(const struct check *c, struct img_err *err)
{
	/* What is found is listed in the order of the tables. */
	const bool alone = c->findings || !(c->file->caps & IMG_STORE_PARALLEL) ||
			   c->refs->n_active < PART_MIN;
	const unsigned n = alone ? 1 : img_thread_count(0, PARTS_MAX);
	IMG_AUTO_FREE struct part *parts = img_calloc(n, sizeof(*parts), err);

	if (!parts)
		return false;
	cut_parts(parts, n, c);
	img_parallel(n, work_part, parts);
	for (unsigned i = 0; i < n; i++)
		if (!parts[i].ok) {
			if (err)
				*err = parts[i].err;
			return false;
		}
	return true;
}

bool qcow2_copied_check(const struct qcow2_refs *refs, const struct qcow2_header *hdr,
			struct img_store *file, bool repair, struct img_findings *found,
			struct img_err *err)
{
	struct check c = { .refs = refs, .file = file, .repair = repair, .findings = found };

	qcow2_geometry_init(&c.geo, hdr);
	return qcow2_bulk_range(file, hdr->l1_off, (uint64_t)hdr->l1_entries * 8, check_l1, &c,
				err) &&
	       check_tables(&c, err);
}
