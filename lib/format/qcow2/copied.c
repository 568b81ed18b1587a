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

/*
 * How many references to n clusters from host on were counted, n <= NEAR_MAX.  Who asks for the next
 * ones asks for more.
 */
static const uint64_t *references_to_run(struct check *c, uint64_t host, size_t n)
{
	const uint64_t cluster = host >> c->geo.cluster_bits;
	struct near_counts *near = &c->near;

	if (cluster - near->first >= near->n || near->n - (cluster - near->first) < n) {
		const uint64_t more = cluster == near->first + near->n ? 2 * near->n + 1 : 1;

		near->n = img_max_u64(n, img_min_u64(more, NEAR_MAX));
		near->first = cluster;
		qcow2_refs_get_many(c->refs, cluster, near->counts, near->n);
	}
	return &near->counts[cluster - near->first];
}

static uint64_t references_to(struct check *c, uint64_t host)
{
	return *references_to_run(c, host, 1);
}

static bool is_used_once(struct check *c, uint64_t host)
{
	return (c->refs->otherwise ? qcow2_refs_stored(c->refs, host >> c->geo.cluster_bits)
				   : references_to(c, host)) == 1;
}

/* What is true of the flags of some entries of a table, which are alike. */
struct flags {
	const struct img_finding_kind *kind;	/* of damage, when they are wrong; NULL: they mean nothing */
	bool right;
	size_t n;				/* entries, which lie behind each other */
};

/* n entries of raw, which lies at host, from raw + i on have a wrong flag. */
static bool tell(struct check *c, const struct flags *flags, const uint8_t *raw, uint64_t host,
		 size_t i, uint64_t guest, struct img_err *err)
{
	for (size_t done = 0; c->findings && done < flags->n; done++, i += c->geo.l2_entry_len) {
		const uint64_t entry = img_get_be64(raw + i);
		const struct img_finding one = {
			.kind = flags->kind, .n = 1, .host = host + i,
			.guest = guest + ((uint64_t)done << c->geo.cluster_bits),
			.expected = entry ^ QCOW2_ENTRY_COPIED, .found = entry,
		};

		if (!img_findings_add(c->findings, one, 0, err))
			return false;
	}
	return true;
}

/* Sets the flags of entries from raw + i on right. */
static bool settle(struct check *c, const struct flags *flags, uint8_t *raw, uint64_t host, size_t i,
		   uint64_t guest, struct qcow2_changes *changes, struct img_err *err)
{
	const size_t entry_len = c->geo.l2_entry_len;
	const size_t len = (flags->n - 1) * entry_len + sizeof(uint64_t);

	if (!(img_get_be64(raw + i) & QCOW2_ENTRY_COPIED) == !flags->right)
		return true;
	if (!tell(c, flags, raw, host, i, guest, err))
		return false;
	for (size_t at = i; at < i + len; at += entry_len)
		raw[at] ^= (uint8_t)(QCOW2_ENTRY_COPIED >> 56);
	qcow2_changes_note(changes, i, len);
	return true;
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
		const struct flags flags = {
			.kind = &qcow2_found_l1_copied, .right = is_used_once(c, table), .n = 1,
		};
		if (!settle(c, &flags, raw, host, i, (first + i / 8) << qcow2_l1_bits(&c->geo),
			    &changes, err))
			return false;
	}
	return !c->repair || qcow2_changes_write(&changes, c->file, host, raw, err);
}

/* Of n clusters from host on, how many are used once, or more than once, as `once` says; at least 1. */
static size_t used_alike(struct check *c, uint64_t host, bool once, size_t n)
{
	/* What the image counts otherwise is looked up one by one. */
	const size_t end = c->refs->otherwise ? 1 : img_min_u64(n, NEAR_MAX);
	const uint64_t *counts = references_to_run(c, host, end);
	size_t run = 1;

	while (run < end && counts[run] && (counts[run] == 1) == once)
		run++;
	return run;
}

/* Of the first of n entries from raw on, and of those that follow it and are like it. */
static struct flags flags_of(struct check *c, const uint8_t *raw, size_t n)
{
	const uint64_t entry = img_get_be64(raw);
	const uint64_t bitmap = c->geo.subclusters ? img_get_be64(raw + 8) : 0;
	const struct img_finding_kind *why;
	struct flags flags = { .n = 1 };
	struct qcow2_cluster cluster;

	if (!entry || !qcow2_l2_decode(&c->geo, entry, bitmap, &cluster, &why) ||
	    !cluster.allocated)
		return flags;
	if (cluster.kind == QCOW2_CLUSTER_COMPRESSED) {
		flags.kind = references_to(c, cluster.host) ? &qcow2_found_compressed_copied : NULL;
		return flags;
	}
	flags.right = c->geo.data_file || is_used_once(c, cluster.host);
	if (!flags.right && !references_to(c, cluster.host))
		return flags;
	flags.kind = &qcow2_found_l2_copied;
	if (!c->geo.data_file)
		flags.n = used_alike(c, cluster.host, flags.right, qcow2_l2_run(&c->geo, raw, n));
	return flags;
}

static bool check_l2(struct check *c, size_t index, uint64_t host, uint8_t *raw, size_t len,
		     struct img_err *err)
{
	const uint64_t first = (uint64_t)c->refs->l1_indexes[index] << qcow2_l1_bits(&c->geo);
	const size_t entry_len = c->geo.l2_entry_len;
	struct qcow2_changes changes = { 0 };
	struct flags flags;

	for (size_t i = 0; i < len; i += flags.n * entry_len) {
		const uint64_t guest = first + (i / entry_len << c->geo.cluster_bits);

		flags = flags_of(c, raw + i, (len - i) / entry_len);
		if (flags.kind && !settle(c, &flags, raw, host, i, guest, &changes, err))
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
