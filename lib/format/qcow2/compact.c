/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A shorter file for the same image: what lies last moves down.  The counts move while the disk is
 * in use; then references and bytes, in bulk and past all caches, and the disk starts anew.
 *
 * Refcount blocks that count nothing any more go with each round, which makes room for another.
 */
#include "base/job.h"
#include "base/mem.h"
#include "base/num.h"
#include "extent/extent.h"
#include "format/moves.h"
#include "format/qcow2/bulk.h"
#include "format/qcow2/move.h"
#include "format/qcow2/resize.h"

/* No more rounds than that; the second one moves what the first made room for, and most end there. */
enum { ROUNDS = 8 };

/* Counts that are looked at together. */
enum { COUNTS = 1024 };

/* Tables that change when a cluster moves: what leads to it, and the counts of both places. */
enum { TABLES_EACH = 3 };

/* ---- The picture ---------------------------------------------------------------------------------- */

/* Lock held.  What the block of that index says of the clusters of the file. */
static bool draw_block(struct qcow2 *q, uint64_t index, struct img_picture *pic,
		       struct img_err *err)
{
	const uint64_t base = index << qcow2_count_bits(q);
	const uint64_t n = img_min_u64(UINT64_C(1) << qcow2_count_bits(q), pic->n - base);
	uint64_t counts[COUNTS], some;
	struct qcow2_table *block;

	if (!qcow2_count_block(q, index, &block, err))
		return false;
	if (!block)
		return true;
	for (uint64_t i = 0; i < n; i += some) {
		some = img_min_u64(COUNTS, n - i);
		qcow2_refcounts_get(block->raw, q->header.refcount_order, i, counts, some);
		for (uint64_t k = 0; k < some; k++)
			img_picture_set(counts[k] ? pic->used : pic->open, base + i + k, true);
	}
	qcow2_cache_put(q->map.cache, block);
	return true;
}

bool qcow2_draw_counts(struct qcow2 *q, struct img_picture *pic, struct img_err *err)
{
	bool ok = true;

	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	for (uint64_t i = 0; ok && i << qcow2_count_bits(q) < pic->n; i++)
		ok = draw_block(q, i, pic, err);
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	return ok;
}

/* ---- One round ------------------------------------------------------------------------------------ */

struct round {
	struct qcow2 *q;
	const struct img_job *job;
	struct qcow2_refs *refs;	/* owned */
	struct img_picture pic;
	/* A bit for each cluster whose place its encryption depends on; NULL: there are none; owned. */
	uint8_t *sealed;
	struct img_moves moves;
	uint64_t left;			/* those that could, too */
	uint64_t end;			/* of the file in clusters, when all have */
};

static uint64_t tie(void *ctx, uint64_t host, uint64_t len, bool data)
{
	const struct round *r = ctx;
	const unsigned bits = r->q->geo.cluster_bits;

	if (data && r->sealed)
		img_picture_set(r->sealed, host >> bits, true);
	for (uint64_t c = host >> bits; c < (host + len - 1) >> bits; c++)
		img_picture_set(r->pic.tied, c, true);
	return host;
}

static uint64_t go(void *ctx, uint64_t host, uint64_t len, bool data)
{
	const struct round *r = ctx;
	const unsigned bits = r->q->geo.cluster_bits;
	const uint64_t inside = host & (qcow2_cluster_size(&r->q->geo) - 1);

	(void)len;
	(void)data;
	return (img_moves_find(&r->moves, host >> bits) << bits) + inside;
}

static bool visit(struct round *r, qcow2_refer *refer, struct img_err *err)
{
	const struct qcow2_referring how = { .refer = refer, .ctx = r };

	return qcow2_references_visit(&r->q->header, r->q->map.file, r->refs, &how, err);
}

static bool start_picture(struct round *r, struct img_err *err)
{
	if (!img_picture_start(&r->pic, qcow2_refs_clusters(r->refs), err))
		return false;
	if (r->q->header.crypt == QCOW2_CRYPT_LUKS)
		r->sealed = img_calloc(r->pic.n / 8 + 1, 1, err);
	return r->q->header.crypt != QCOW2_CRYPT_LUKS || r->sealed;
}

static bool plan(struct round *r, struct img_err *err)
{
	return start_picture(r, err) && qcow2_draw_counts(r->q, &r->pic, err) && visit(r, tie, err) &&
	       img_moves_plan(&r->pic, &r->moves, err);
}

/* The end is told of the whole plan. */
static bool plan_some(struct round *r, uint64_t most, struct img_err *err)
{
	if (!plan(r, err))
		return false;
	r->end = img_moves_end(&r->moves, &r->pic);
	return img_moves_limit(&r->moves, &r->pic, most, &r->left, err);
}

static bool collect(struct round *r, struct img_err *err)
{
	return qcow2_refs_collect_sound(&r->q->header, r->q->map.file, r->job, &r->refs, err);
}

static bool move_counts(struct round *r, struct img_err *err)
{
	bool ok = true;

	pthread_mutex_lock(qcow2_cache_lock(r->q->map.cache));
	for (size_t i = 0; ok && i < r->moves.n; i++) {
		const struct img_shift one = r->moves.v[i];

		for (uint64_t k = 0; ok && k < one.n; k++)
			ok = qcow2_count_move(r->q, one.from + k, one.to + k, err);
	}
	pthread_mutex_unlock(qcow2_cache_lock(r->q->map.cache));
	return ok && qcow2_flush(r->q, err);
}

/* L2 tables and refcount blocks, and which of them change when n clusters move. */
static void count_tables(const struct round *r, uint64_t n, struct img_layer_compacted *out)
{
	const uint64_t len = img_max_u64(qcow2_cluster_size(&r->q->geo), IMG_FS_BLOCK);
	const uint64_t all = qcow2_refs_tables(r->refs) + (r->pic.n >> qcow2_count_bits(r->q)) + 1;
	uint64_t cluster, some = n * TABLES_EACH;

	/* What is referred to often may be so by all tables. */
	if (n && qcow2_refs_most(r->refs, &cluster) > 1)
		some = all;
	out->tables = all * len;
	out->follow = img_min_u64(some, all) * len;
}

/* ---- Bytes ---------------------------------------------------------------------------------------- */

struct copying {
	const struct round *r;
	uint64_t down;			/* bytes that it all goes down */
};

/* Enciphers for their new place those of the clusters of a piece, or the part of one, that need it. */
static bool reseal(const struct copying *copy, uint64_t host, uint8_t *raw, size_t len,
		   struct img_err *err)
{
	const struct round *r = copy->r;
	const size_t step = img_min_u64(len, qcow2_cluster_size(&r->q->geo));

	for (size_t i = 0; i < len; i += step)
		if (img_picture_get(r->sealed, (host + i) >> r->q->geo.cluster_bits) &&
		    !qcow2_reseal(r->q, host + i, host + i - copy->down, raw + i, step, err))
			return false;
	return true;
}

/* Rising, so that what slides over itself is read before it is written over. */
static bool copy_piece(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		       struct img_err *err)
{
	const struct copying *copy = ctx;
	const struct img_job *job = copy->r->job;
	struct img_store *file = copy->r->q->map.file;

	(void)index;
	if (!img_job_goes_on(job, err))
		return false;
	if (!reseal(copy, host, raw, len, err))
		return false;
	if (img_is_zero(raw, len))
		return img_store_zero(file, host - copy->down, len, false, err);
	return img_store_write(file, host - copy->down, raw, len, err);
}

/* Holes stay holes, but for those that are to be enciphered. */
static bool copy_shift(const struct round *r, struct img_shift one, struct img_err *err)
{
	const unsigned bits = r->q->geo.cluster_bits;
	struct copying copy = { .r = r, .down = (one.from - one.to) << bits };
	struct img_store *file = r->q->map.file;

	return r->sealed
		? qcow2_bulk_range(file, one.from << bits, one.n << bits, copy_piece, &copy, err)
		: img_move(file, one.to << bits, one.from << bits, one.n << bits, r->job, err);
}

/* What is left where it was goes back to the file system, or with the end of the file. */
static bool copy_run(const struct round *r, struct img_shift one, struct img_err *err)
{
	const unsigned bits = r->q->geo.cluster_bits;
	const uint64_t left = img_max_u64(one.from, one.to + one.n);

	if (!copy_shift(r, one, err))
		return false;
	return !(r->q->map.file->caps & IMG_STORE_ZERO) ||
	       img_store_zero(r->q->map.file, left << bits, (one.from + one.n - left) << bits,
			      false, err);
}

static bool move_bytes(const struct round *r, struct img_err *err)
{
	for (size_t i = 0; i < r->moves.n; i++)
		if (!copy_run(r, r->moves.v[i], err))
			return false;
	return true;
}

/* ---- All of it ------------------------------------------------------------------------------------ */

static bool carry_out(struct img_layer *ly, struct round *r, struct img_err *err)
{
	struct qcow2 *q = r->q;

	if (!move_counts(r, err))
		return false;
	qcow2_bitmaps_free(q);
	qcow2_disk_free(q);
	return visit(r, go, err) && move_bytes(r, err) && qcow2_header_rewrite(q, err) &&
	       qcow2_restart(ly, err) && qcow2_trim(q, err);
}

static void clear(struct round *r)
{
	qcow2_refs_free(r->refs);
	img_picture_clear(&r->pic);
	free(r->sealed);
	img_moves_clear(&r->moves);
}

/* *moved: something did. */
static bool compact_once(struct img_layer *ly, const struct img_job *job, bool *moved,
			 struct img_err *err)
{
	struct round r = { .q = ly->priv, .job = job };
	const bool ok = collect(&r, err) && plan(&r, err) &&
			(!r.moves.n || carry_out(ly, &r, err));

	*moved = r.moves.n;
	clear(&r);
	return ok;
}

bool qcow2_compact(struct img_layer *ly, const struct img_job *job, struct img_err *err)
{
	bool moved = true;

	for (unsigned i = 0; moved && i < ROUNDS; i++)
		if (!compact_once(ly, job, &moved, err))
			return false;
	return true;
}

/* ---- One round of bounded size ------------------------------------------------------------------ */

/* Where there may be tables without a place among what nothing refers to, all of that is kept. */
static bool give_back_leaks(struct img_layer *ly, struct qcow2_refs *refs, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	struct img_findings orphans = { .most = 0 };
	const bool ok = qcow2_find_orphans(refs, &q->header, q->map.file, false, &orphans, err) &&
			qcow2_find_lent(refs, &q->header, q->map.file, UINT64_MAX, &orphans, err);
	const bool any = img_findings_count(&orphans, &qcow2_found_l1_missing) ||
			 img_findings_count(&orphans, &qcow2_found_l2_orphan) ||
			 img_findings_count(&orphans, &qcow2_found_l1_empty);

	img_findings_clear(&orphans);
	if (!ok || any)
		return ok;
	qcow2_bitmaps_free(q);
	qcow2_disk_free(q);
	return qcow2_refs_mend(refs, &q->header, q->map.file, QCOW2_MEND_LEAKS, err) &&
	       qcow2_restart(ly, err) && qcow2_trim(q, err);
}

/* Whether clusters are counted more often than something refers to them. */
static bool leaks(const struct qcow2_refs *refs)
{
	for (uint64_t i = 0; i < qcow2_refs_clusters(refs); i++)
		if (qcow2_refs_stored(refs, i) > qcow2_refs_get(refs, i))
			return true;
	return false;
}

/* What the last blocks counted may be gone with them, so that all is found out again. */
bool qcow2_refs_without_leaks(struct img_layer *ly, const struct img_job *job,
			      struct qcow2_refs **out, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	struct qcow2_refs *refs;

	if (!qcow2_refs_collect_sound(&q->header, q->map.file, job, &refs, err))
		return false;
	if (!leaks(refs)) {
		*out = refs;
		return true;
	}
	const bool ok = give_back_leaks(ly, refs, err);

	qcow2_refs_free(refs);
	return ok && qcow2_refs_collect_sound(&q->header, q->map.file, job, out, err);
}

static bool run_round(struct img_layer *ly, struct round *r, uint64_t room,
		      struct img_layer_compacted *out, struct img_err *err)
{
	const unsigned bits = r->q->geo.cluster_bits;
	const uint64_t most = room ? img_max_u64(room >> bits, 1) : UINT64_MAX;

	if (!plan_some(r, most, err))
		return false;
	const uint64_t n = img_moves_count(&r->moves);

	/* What was moved may let refcount blocks go, which makes room for others. */
	*out = (struct img_layer_compacted){
		.moved = room ? n << bits : 0,
		.left = (room ? r->left + (n > 0) : n) << bits,
		.end = r->end << bits,
		.seals = r->sealed,
	};
	if (!room)
		count_tables(r, n, out);
	return !room || !n || carry_out(ly, r, err);
}

bool qcow2_compact_round(struct img_layer *ly, const struct img_layer_compact *how,
			 struct img_layer_compacted *out, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	struct round r = { .q = q, .job = how->job };
	bool ok;

	/* The header tells of what is trimmed even if nothing moves. */
	ok = qcow2_consistent(q, err) && qcow2_l1_take_whole(q, err) &&
	     qcow2_hollow(ly, how, err) && qcow2_disk_finish(ly, err) &&
	     qcow2_trim(q, err) && qcow2_refs_without_leaks(ly, r.job, &r.refs, err) &&
	     run_round(ly, &r, how->room, out, err) && qcow2_header_patch(q, err);
	if (ok && q->data_file)
		out->end += q->map.data_size;
	clear(&r);
	return ok;
}
