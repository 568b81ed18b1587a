/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The refcounts that an image stores, beside the references that it really has: found, and set right
 * in place.
 */
#include "format/qcow2/refs.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/parallel.h"
#include "format/qcow2/disk.h"
#include "format/qcow2/refs_inside.h"

enum {
	PIECE = 1024,			/* clusters that are compared at once */
	MOST_THREADS = 8,
};

struct comparison {
	struct qcow2_refs *refs;
	const struct qcow2_header *hdr;
	struct qcow2_geometry geo;
	unsigned block_bits;		/* a block counts 1 << block_bits clusters */
	struct qcow2_cluster_list blocks;
	uint64_t *numbers;		/* of the blocks in the list; owned */
	size_t numbers_cap;
	uint64_t at, end;		/* clusters that still have to be compared */
	struct img_findings *findings;
	uint64_t *used;
	bool mend;
	enum qcow2_mend which;
	uint8_t *raw;			/* the block that is being compared, or NULL; borrowed */
	struct qcow2_changes changes;	/* of it */
	const struct qcow2_refs *before;	/* shift the counts by what changed; else NULL */
	struct qcow2_stretches *freed;
};

/* Puts the count of n clusters into the block in memory. */
static void put_count(struct comparison *c, uint64_t cluster, size_t n, uint64_t count)
{
	const unsigned order = c->hdr->refcount_order;
	const size_t index = cluster & ((UINT64_C(1) << c->block_bits) - 1);
	const size_t start = (index << order) / 8, end = img_div_up((index + n) << order, 8);

	qcow2_refcounts_put(c->raw, order, index, count, n);
	qcow2_changes_note(&c->changes, start, end - start);
}

/* Whether the count becomes what was counted; if so, it does in the block in memory. */
static bool mend_one(struct comparison *c, uint64_t cluster, uint64_t counted, uint64_t stored)
{
	if (!c->mend || !c->raw || (stored > counted) != (c->which == QCOW2_MEND_LEAKS) ||
	    counted > qcow2_refcount_max(c->hdr->refcount_order))
		return false;
	put_count(c, cluster, 1, counted);
	return true;
}

static bool compare_one(struct comparison *c, uint64_t cluster, uint64_t counted, uint64_t stored,
			struct img_err *err)
{
	const struct img_finding one = {
		.kind = stored > counted ? &qcow2_found_refcount_leak : &qcow2_found_refcount_low,
		.n = 1, .host = cluster << c->geo.cluster_bits, .guest = IMG_NOWHERE,
		.expected = counted, .found = stored,
	};

	if (stored || counted)
		*c->used = img_max_u64(*c->used, cluster + 1);
	return stored == counted || mend_one(c, cluster, counted, stored) ||
	       (qcow2_counts_add(c->refs->otherwise, cluster, img_min_u64(stored, counted + 1) + 1,
				 err) &&
		img_findings_add(c->findings, one, qcow2_cluster_size(&c->geo), err));
}

/* ---- Shifting ------------------------------------------------------------------------------------ */

static bool check_shift(const struct comparison *c, uint64_t cluster, uint64_t before, uint64_t now,
			uint64_t stored, struct img_err *err)
{
	const unsigned order = c->hdr->refcount_order;

	if (!c->raw || stored < before)
		return img_fail(err, IMG_E_CORRUPT, _("cluster %" PRIu64 " is in use more often than "
				"it is counted; the image must be repaired first"), cluster);
	if (now > qcow2_refcount_max(order) - (stored - before))
		return img_fail(err, IMG_E_RANGE, _("cluster %" PRIu64 " would be in use more often "
				"than reference counts of %u bits can say; "
				"\"imgamend -o refcount_bits=%u\" makes them wider"), cluster,
				1u << order, order < QCOW2_REFCOUNT_ORDER_MAX ? 2u << order : 64);
	return true;
}

/* The count of n clusters in the image, where it is not what refers to them. */
static bool note_other(struct comparison *c, uint64_t cluster, size_t n, uint64_t now,
		       uint64_t count, struct img_err *err)
{
	for (size_t i = 0; count != now && i < n; i++)
		if (!qcow2_counts_add(c->refs->otherwise, cluster + i,
				      img_min_u64(count, now + 1) + 1, err))
			return false;
	return true;
}

/* n clusters that were, are and are said to be in use as often as each other. */
static bool shift_run(struct comparison *c, uint64_t cluster, size_t n, uint64_t before,
		      uint64_t now, uint64_t stored, struct img_err *err)
{
	const uint64_t count = stored - before + now;

	if (before == now)
		return note_other(c, cluster, n, now, stored, err);
	if (!check_shift(c, cluster, before, now, stored, err))
		return false;
	put_count(c, cluster, n, count);
	if (!count && !qcow2_stretches_add(c->freed, cluster, n, err))
		return false;
	return note_other(c, cluster, n, now, count, err);
}

/* How many of n > 0 counts are equal to the first, at least 1. */
static size_t equal_counts(const uint64_t *counts, size_t n)
{
	size_t run = 1;

	while (run < n && counts[run] == counts[0])
		run++;
	return run;
}

static bool shift_piece(struct comparison *c, const uint64_t *stored, const uint64_t *now, size_t n,
			struct img_err *err)
{
	uint64_t before[PIECE];
	size_t run;

	qcow2_refs_get_many(c->before, c->at, before, n);
	for (size_t i = 0; i < n; i += run) {
		run = equal_counts(before + i, n - i);
		run = equal_counts(now + i, run);
		run = equal_counts(stored + i, run);
		if (!shift_run(c, c->at + i, run, before[i], now[i], stored[i], err))
			return false;
	}
	for (size_t i = n; i > 0; i--)
		if (stored[i - 1] - before[i - 1] + now[i - 1]) {
			*c->used = c->at + i;
			break;
		}
	c->at += n;
	return true;
}

/* ---- Comparing ----------------------------------------------------------------------------------- */

/* Clusters from c->at on; stored NULL: no block is for them, so that their count is 0. */
static bool compare_piece(struct comparison *c, const uint64_t *stored, size_t n,
			  struct img_err *err)
{
	static const uint64_t zeros[PIECE];
	uint64_t counted[PIECE];
	const uint64_t *both = stored ? stored : zeros;

	qcow2_refs_get_many(c->refs, c->at, counted, n);
	if (c->before)
		return shift_piece(c, both, counted, n, err);
	if (!memcmp(both, counted, n * sizeof(*both))) {
		for (size_t i = n; i > 0; i--)
			if (counted[i - 1]) {
				*c->used = img_max_u64(*c->used, c->at + i);
				break;
			}
	} else {
		for (size_t i = 0; i < n; i++)
			if (!compare_one(c, c->at + i, counted[i], both[i], err))
				return false;
	}
	c->at += n;
	return true;
}

/* Up to end, or where all that is left was not counted anyway. */
static bool compare_uncounted(struct comparison *c, uint64_t end, struct img_err *err)
{
	uint64_t n;

	end = img_min_u64(end, c->end);
	while (c->at < end) {
		uint64_t next = c->at;

		if (!qcow2_refs_next(c->refs, &next, &n) || next >= end)
			break;
		c->at = next;
		if (!compare_piece(c, NULL, img_min_u64(PIECE, end - next), err))
			return false;
	}
	c->at = img_max_u64(c->at, end);
	return true;
}

static bool visit_block(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
			struct img_err *err)
{
	struct comparison *c = ctx;
	const uint64_t first = c->numbers[index] << c->block_bits;
	const uint64_t end = img_min_u64(first + (UINT64_C(1) << c->block_bits), c->end);
	uint64_t stored[PIECE];

	(void)len;
	if (!compare_uncounted(c, first, err))
		return false;
	c->raw = raw;
	c->changes = (struct qcow2_changes){ 0 };
	while (c->at < end) {
		const size_t n = img_min_u64(PIECE, end - c->at);

		qcow2_refcounts_get(raw, c->hdr->refcount_order, c->at - first, stored, n);
		if (!compare_piece(c, stored, n, err))
			return false;
	}
	c->raw = NULL;
	return qcow2_changes_write(&c->changes, c->refs->tables.file, host, raw, err);
}

/* Whether some of the clusters that the block counts are to be compared. */
static bool is_wanted(const struct comparison *c, uint64_t number)
{
	return number << c->block_bits < c->end && (number + 1) << c->block_bits > c->at;
}

static bool add_block(struct comparison *c, uint64_t host, uint64_t number, struct img_err *err)
{
	uint64_t *numbers = img_grow_by_one(c->numbers, c->blocks.n, &c->numbers_cap,
					    sizeof(*numbers), err);

	if (!numbers)
		return false;
	c->numbers = numbers;
	c->numbers[c->blocks.n] = number;
	return qcow2_cluster_list_add(&c->blocks, host, err);
}

static bool visit_table(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
			struct img_err *err)
{
	struct comparison *c = ctx;
	const uint64_t end = qcow2_refs_clusters(c->refs) << c->geo.cluster_bits;
	uint64_t number = index * (QCOW2_BULK_BYTES / 8), block;
	const struct img_finding_kind *why;

	(void)host;
	for (size_t i = 0; i + 8 <= len; i += 8, number++) {
		/* Entries that cannot be used were found when references were collected. */
		if (qcow2_reftable_decode(&c->geo, img_get_be64(raw + i), &block, &why) && block &&
		    block < end && is_wanted(c, number) && !add_block(c, block, number, err))
			return false;
	}
	return true;
}

static bool compare(struct comparison *c, struct img_store *file, struct img_err *err)
{
	struct qcow2_refs *refs = c->refs;
	const struct qcow2_header *hdr = c->hdr;
	const uint64_t table_len = (uint64_t)hdr->reftable_clusters << hdr->cluster_bits;
	bool ok;

	c->block_bits = hdr->cluster_bits + 3 - hdr->refcount_order;
	c->blocks = (struct qcow2_cluster_list){ .file = file, .cluster_bits = hdr->cluster_bits };
	c->at = qcow2_refs_start(refs);
	c->end = img_min_u64(qcow2_refs_end(refs), qcow2_refs_clusters(refs));
	qcow2_geometry_init(&c->geo, hdr);
	qcow2_counts_free(refs->otherwise);
	refs->otherwise = qcow2_counts_new(err);
	ok = refs->otherwise &&
	     qcow2_bulk_range(file, hdr->reftable_off, table_len, visit_table, c, err) &&
	     qcow2_bulk_clusters(&c->blocks, visit_block, c, err) &&
	     compare_uncounted(c, c->end, err);
	qcow2_cluster_list_clear(&c->blocks);
	free(c->numbers);
	return ok;
}

bool qcow2_refs_compare(struct qcow2_refs *refs, const struct qcow2_header *hdr,
			struct img_store *file, struct img_findings *found, uint64_t *used,
			struct img_err *err)
{
	struct comparison c = { .refs = refs, .hdr = hdr, .findings = found, .used = used };

	return compare(&c, file, err);
}

bool qcow2_refs_mend(struct qcow2_refs *refs, const struct qcow2_header *hdr,
		     struct img_store *file, enum qcow2_mend which, struct img_err *err)
{
	struct img_findings left = { .most = 0 };
	uint64_t used = 0;
	struct comparison c = {
		.refs = refs, .hdr = hdr, .findings = &left, .used = &used,
		.mend = true, .which = which,
	};
	const bool ok = compare(&c, file, err);

	img_findings_clear(&left);
	return ok;
}

bool qcow2_refs_shift(const struct qcow2_refs *before, struct qcow2_refs *now,
		      const struct qcow2_header *hdr, struct img_store *file,
		      struct qcow2_stretches *freed, uint64_t *used, struct img_err *err)
{
	struct comparison c = {
		.refs = now, .hdr = hdr, .used = used, .before = before, .freed = freed,
	};

	uint64_t cluster;

	*used = 0;
	if (!compare(&c, file, err))
		return false;
	/* Nearly always all counts are right now, and nobody has to look here for each of them. */
	if (!qcow2_counts_most(now->otherwise, &cluster)) {
		qcow2_counts_free(now->otherwise);
		now->otherwise = NULL;
	}
	return true;
}

uint64_t qcow2_refs_stored(const struct qcow2_refs *refs, uint64_t cluster)
{
	const uint64_t other = refs->otherwise ? qcow2_counts_get(refs->otherwise, cluster) : 0;

	return other ? other - 1 : qcow2_refs_get(refs, cluster);
}

/* ---- Whether all is known -------------------------------------------------------------------- */

bool qcow2_refs_collect_sound(const struct qcow2_header *hdr, struct img_store *file,
			      const struct img_job *job, struct qcow2_refs **out,
			      struct img_err *err)
{
	struct img_findings damage = { .most = 1 };
	const struct qcow2_refs_how how = {
		.hdr = hdr, .file = file, .with_refcounts = true, .damage = &damage, .job = job,
	};
	uint64_t used = 0;
	struct qcow2_refs *refs = qcow2_refs_collect(&how, err);
	bool ok = refs && qcow2_refs_certain(&damage, err) &&
		  qcow2_refs_compare(refs, hdr, file, &damage, &used, err);

	if (ok && img_findings_total(&damage, IMG_CORRUPT))
		ok = qcow2_refs_certain(&damage, err);
	img_findings_clear(&damage);
	if (ok)
		*out = refs;
	else
		qcow2_refs_free(refs);
	return ok;
}

struct qcow2_refs *qcow2_refs_collect_certain(const struct qcow2_header *hdr, struct img_store *file,
					      struct img_err *err)
{
	struct img_findings damage = { .most = 1 };
	const struct qcow2_refs_how how = {
		.hdr = hdr, .file = file, .with_refcounts = true, .damage = &damage,
		.threads = img_thread_count(0, MOST_THREADS),
	};
	struct qcow2_refs *refs = qcow2_refs_collect(&how, err);

	if (refs && !qcow2_refs_certain(&damage, err)) {
		qcow2_refs_free(refs);
		refs = NULL;
	}
	img_findings_clear(&damage);
	return refs;
}
