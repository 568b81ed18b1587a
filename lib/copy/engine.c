/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The engine: moves chunks through plan, work, reserve, store, publish with N threads.
 *
 * Parcels live in a ring indexed by their sequence number, which bounds the memory in flight and
 * keeps order at once.  A thread looks for the step that is furthest along and can be taken, takes
 * it, and looks again.  The ordered steps (plan, digest, reserve, publish) are roles: one thread at
 * a time, chunk by chunk.  No lock is held while a step runs.
 *
 * The first failure in the order of the chunks is the one that is given: chunks before a failed
 * one are carried to their end, chunks behind it are dropped.
 */
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include "base/job.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "copy/copy.h"
#include "copy/pace.h"

#define DEFAULT_MEMORY (64 * 1024 * 1024)
#define HELD_MEMORY (32 * 1024 * 1024)	/* of it, for what a target needs when it was stored */
#define MAX_THREADS 256
#define PATIENCE_MS 200	/* between two looks whether the job is cancelled */

enum stage { FREE, PLANNED, WORKED, RESERVED, STORED };

enum role { PLAN, DIGEST, RESERVE, PUBLISH, N_ROLES };

struct parcel {
	struct img_parcel p;
	enum stage stage;
	bool busy;			/* a thread works on or stores it */
	uint64_t cloned;
};

struct engine {
	const struct img_copy *what;
	const struct img_job *job;
	struct img_copy_stats *stats;	/* publish role */
	struct img_work work;		/* constant */
	struct img_layer *dst;
	struct img_plan plan;		/* plan role, as the next one */
	struct img_pace pace;		/* of bytes of work */
	struct img_dedup *dedup;	/* reserve and publish roles; NULL: equal units are not looked for */
	struct img_digest *digest;	/* digest role; NULL: none */
	bool strict_order;		/* store inside the publish role */
	uint64_t total, done;		/* bytes of work for progress; publish role */

	pthread_mutex_t lock;		/* guards all below, and stage and busy of parcels */
	pthread_cond_t changed;
	struct parcel *ring;
	size_t n_ring;
	uint64_t next[N_ROLES];		/* the chunk that a role takes next */
	bool taken[N_ROLES];
	bool planned_all;
	uint64_t fail_seq;		/* UINT64_MAX: none */
	struct img_err fail;
};

static struct parcel *parcel_of(struct engine *e, uint64_t seq)
{
	return &e->ring[seq % e->n_ring];
}

/* ---- The steps; none holds the lock ---------------------------------------------------------- */

/* Reads what has come, so that a writer who stalls does not keep us from being cancelled. */
static bool read_stream(struct engine *e, struct img_parcel *p, uint64_t *len,
			struct img_err *err)
{
	struct img *src = e->work.src;

	while (*len < e->work.window && img_is_stream(src)) {
		const size_t ready = img_store_ready(src->layers[0].store, PATIENCE_MS);
		size_t got;

		if (!img_job_goes_on(e->job, err))
			return false;
		if (!ready)
			continue;
		if (!img_read_stream(src, e->plan.at + *len, p->buf + *len,
				     img_min_u64(ready, e->work.window - *len), &got, err))
			return false;
		*len += got;
	}
	return true;
}

static bool plan_stream(struct engine *e, struct img_parcel *p, struct img_err *err)
{
	p->chunk.at = e->plan.at;
	p->chunk.len = 0;
	p->chunk.kind = IMG_CHUNK_BYTES;
	p->have_bytes = true;
	if (!read_stream(e, p, &p->chunk.len, err))
		return false;
	e->plan.at += p->chunk.len;
	return true;
}

static bool step_plan(struct engine *e, struct img_parcel *p, struct img_err *err)
{
	if (!img_pace_keep(&e->pace, e->job, err))
		return false;
	if (p->have_bytes || img_is_stream(e->work.src)) {
		if (!plan_stream(e, p, err))
			return false;
	} else if (!img_plan_next(&e->plan, &p->chunk, err)) {
		return false;
	}
	if (p->chunk.kind != IMG_CHUNK_ZERO)
		e->pace.done += p->chunk.len;
	return true;
}

/* Hashes what the guest sees; a linear chunk has no bytes in memory yet. */
static bool digest_linear(struct engine *e, struct img_parcel *p, struct img_err *err)
{
	const struct img_chunk *chunk = &p->chunk;
	uint64_t at = chunk->at;

	while (at < chunk->at + chunk->len) {
		const size_t len = img_min_u64(e->work.window, chunk->at + chunk->len - at);

		if (!img_read(e->work.src, at, p->buf, len, err) ||
		    !img_digest_add(e->digest, p->buf, len, err))
			return false;
		at += len;
	}
	return true;
}

static bool step_digest(struct engine *e, struct img_parcel *p, struct img_err *err)
{
	const struct img_chunk *chunk = &p->chunk;
	uint64_t done = chunk->at;

	if (chunk->kind == IMG_CHUNK_LINEAR)
		return digest_linear(e, p, err);
	for (size_t i = 0; i < p->ranges.n; i++) {
		const struct img_range *r = &p->ranges.v[i];

		if (!img_digest_add_zeros(e->digest, r->at - done, err) ||
		    !img_digest_add(e->digest, p->buf + (r->at - chunk->at), r->len, err))
			return false;
		done = r->at + r->len;
	}
	return img_digest_add_zeros(e->digest, chunk->at + chunk->len - done, err);
}

static void count(struct engine *e, const struct parcel *parcel)
{
	const struct img_parcel *p = &parcel->p;
	struct img_copy_stats *stats = e->stats;
	uint64_t stored = 0;

	for (size_t i = 0; i < p->n_slots; i++) {
		stored += p->slots[i].len;
		if (p->slots[i].flags & IMG_SLOT_COMPRESSED) {
			stats->compressed += p->slots[i].len;
			stats->units[p->slots[i].codec]++;
		} else {
			stats->data += p->slots[i].len;
		}
	}
	stats->guest += p->chunk.len;
	stats->zero += p->chunk.len - stored;
	stats->cloned += parcel->cloned;
	stats->taken += p->taken;
	for (size_t i = 0; i < p->lost.n; i++) {
		stats->lost += p->lost.v[i].len;
		if (e->what->lost)
			e->what->lost(e->what->lost_ctx, &p->lost.v[i]);
	}
	if (p->chunk.kind != IMG_CHUNK_ZERO)
		e->done += p->chunk.len;
}

static bool step_publish(struct engine *e, struct parcel *parcel, struct img_err *err)
{
	if (e->dedup && !img_dedup_check(e->dedup, &parcel->p, &e->stats->shared, err))
		return false;
	if (!img_commit_publish(e->dst, &parcel->p, e->strict_order, err))
		return false;
	count(e, parcel);
	if (e->job && e->job->progress)
		e->job->progress(e->job->ctx, e->done, e->total);
	if (e->work.src->passing)
		img_pass_by(e->work.src, parcel->p.chunk.extents.v, parcel->p.chunk.extents.n);
	return true;
}

/* ---- Choosing and taking steps; all with the lock held but inside `run_*` -------------------- */

static void note_failure(struct engine *e, uint64_t seq, const struct img_err *err)
{
	if (seq < e->fail_seq) {
		e->fail_seq = seq;
		e->fail = *err;
	}
}

/* The stage that a chunk must have reached for a role to take it. */
static bool ready(struct engine *e, enum role role)
{
	const uint64_t seq = e->next[role];
	const struct parcel *parcel = parcel_of(e, seq);

	if (e->taken[role] || seq >= e->fail_seq)
		return false;
	switch (role) {
	case PLAN:
		return !e->planned_all && e->fail_seq == UINT64_MAX && parcel->stage == FREE &&
		       !parcel->p.hold.n;
	case DIGEST:
		return e->digest && seq < e->next[PLAN] && parcel->stage >= WORKED &&
		       !parcel->busy;
	case RESERVE:
		return seq < e->next[PLAN] && parcel->stage == WORKED &&
		       (!e->digest || seq < e->next[DIGEST]);
	case PUBLISH:
		return seq < e->next[RESERVE] && parcel->stage == STORED;
	case N_ROLES:
		break;
	}
	return false;
}

static bool run_role(struct engine *e, enum role role, struct parcel *parcel, struct img_err *err)
{
	switch (role) {
	case PLAN:
		return step_plan(e, &parcel->p, err);
	case DIGEST:
		return step_digest(e, &parcel->p, err);
	case RESERVE:
		return img_commit_reserve(e->dst, &parcel->p, e->dedup, err);
	case PUBLISH:
		return step_publish(e, parcel, err);
	case N_ROLES:
		break;
	}
	return true;
}

static void role_done(struct engine *e, enum role role, struct parcel *parcel)
{
	switch (role) {
	case PLAN:
		if (!parcel->p.chunk.len) {
			e->planned_all = true;
			return;
		}
		parcel->stage = PLANNED;
		break;
	case DIGEST:
		break;
	case RESERVE:
		parcel->stage = e->strict_order ? STORED : RESERVED;
		break;
	case PUBLISH:
		parcel->stage = FREE;
		parcel->cloned = 0;
		break;
	case N_ROLES:
		break;
	}
	e->next[role]++;
}

static bool take_role(struct engine *e, enum role role)
{
	const uint64_t seq = e->next[role];
	struct parcel *parcel = parcel_of(e, seq);
	struct img_err err = { 0 };
	bool ok;

	if (!ready(e, role))
		return false;
	e->taken[role] = true;
	pthread_mutex_unlock(&e->lock);
	ok = run_role(e, role, parcel, &err);
	pthread_mutex_lock(&e->lock);
	e->taken[role] = false;
	if (ok)
		role_done(e, role, parcel);
	else
		note_failure(e, seq, &err);
	pthread_cond_broadcast(&e->changed);
	return true;
}

static bool run_parallel(struct engine *e, enum stage from, struct parcel *parcel,
			 struct img_err *err)
{
	if (from == PLANNED)
		return img_work_run(&e->work, &parcel->p, err);
	return img_commit_store(e->work.src, e->dst, &parcel->p, &parcel->cloned, err);
}

/* Takes the earliest chunk in stage `from` one stage further. */
static bool take_parallel(struct engine *e, enum stage from)
{
	uint64_t seq = e->next[PUBLISH];
	struct img_err err = { 0 };
	struct parcel *parcel;
	bool ok;

	for (;; seq++) {
		if (seq >= e->next[PLAN] || seq >= e->fail_seq)
			return false;
		parcel = parcel_of(e, seq);
		if (parcel->stage == from && !parcel->busy)
			break;
	}
	parcel->busy = true;
	pthread_mutex_unlock(&e->lock);
	ok = run_parallel(e, from, parcel, &err);
	pthread_mutex_lock(&e->lock);
	parcel->busy = false;
	if (ok)
		parcel->stage = from + 1;
	else
		note_failure(e, seq, &err);
	pthread_cond_broadcast(&e->changed);
	return true;
}

static bool all_done(const struct engine *e)
{
	if (e->fail_seq != UINT64_MAX)
		return e->next[PUBLISH] >= e->fail_seq;
	return e->planned_all && e->next[PUBLISH] == e->next[PLAN];
}

static void *thread_main(void *arg)
{
	struct engine *e = arg;
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&e->lock);

	while (!all_done(e))
		if (!take_role(e, PUBLISH) && !take_role(e, RESERVE) &&
		    !take_parallel(e, RESERVED) && !take_role(e, DIGEST) &&
		    !take_parallel(e, PLANNED) && !take_role(e, PLAN))
			pthread_cond_wait(&e->changed, &e->lock);
	return NULL;
}

/* ---- Setting up ------------------------------------------------------------------------------ */

/* Bytes that progress counts: all but the zeros that the plan knows of. */
static bool measure(struct engine *e, struct img_err *err)
{
	struct img_plan plan = e->plan;
	struct img_chunk chunk = { 0 };
	bool ok;

	while ((ok = img_plan_next(&plan, &chunk, err)) && chunk.len)
		if (chunk.kind != IMG_CHUNK_ZERO)
			e->total += chunk.len;
	img_chunk_free(&chunk);
	return ok;
}

/* Clones need a target with plain bytes at block boundaries, in a store that shares blocks. */
static bool can_clone(const struct engine *e)
{
	const struct img *src = e->work.src;

	return !e->what->compress && !e->work.below && !img_is_stream(src) &&
	       !e->strict_order && e->dst->takes_plain && src->n_layers == 1 &&
	       img_store_clones(e->dst->store, src->layers[0].store);
}

/* Whether compressed units of the source may go to the target as they are. */
static bool can_take(const struct engine *e)
{
	const struct img_work *work = &e->work;
	const struct img *src = work->src;

	return work->encoder && !e->what->recode && !e->what->salvage && !work->below &&
	       work->grain == work->unit && !img_is_stream(src) && !src->passing;
}

static bool init_ring(struct engine *e, unsigned threads, struct img_err *err)
{
	const uint64_t each = e->work.window *
			      (1 + (e->work.below != NULL) + (e->work.codec != NULL));
	const uint64_t memory = e->what->memory ? e->what->memory : DEFAULT_MEMORY;
	const uint64_t held = e->dst->store->ops->write_held ? HELD_MEMORY / each : 0;
	const uint64_t wanted = img_min_u64(4 * (uint64_t)threads + held, memory / each);

	e->n_ring = img_max_u64(wanted, 2);
	e->ring = img_calloc(e->n_ring, sizeof(*e->ring), err);
	if (!e->ring)
		return false;
	for (size_t i = 0; i < e->n_ring; i++) {
		if (!img_parcel_init(&e->ring[i].p, &e->work, err))
			return false;
		e->ring[i].p.hold = (struct img_hold){ .lock = &e->lock, .changed = &e->changed };
	}
	return true;
}

/* How much of a source that comes through a pipe this copy can take as it comes. */
static enum img_pass pass_for(const struct engine *e)
{
	if (e->strict_order && e->dst->format->write->announce)
		return IMG_PASS_NONE;
	/* What comes late is written over zeros that a digest would have seen. */
	return e->what->digest || !img_target_can_rewrite(e->what->dst) ? IMG_PASS_ORDERED
									 : IMG_PASS_TOLD;
}

static bool init(struct engine *e, unsigned threads, struct img_err *err)
{
	e->strict_order = !(e->dst->store->caps & IMG_STORE_SEEK);
	if (!img_work_init(&e->work, e->what, e->strict_order, err) ||
	    !img_begin_pass(e->work.src, pass_for(e), err) || !init_ring(e, threads, err))
		return false;
	if (e->what->dedup) {
		e->dedup = img_dedup_new(e->dst->unit, img_size(e->work.src), err);
		if (!e->dedup)
			return false;
	}
	e->work.take = can_take(e);
	e->work.unpack = e->what->verify || e->what->digest;
	if (e->what->digest) {
		e->digest = img_digest_open(e->what->digest, err);
		if (!e->digest)
			return false;
	}
	e->plan = (struct img_plan){
		.src = e->work.src, .at = e->what->range_at,
		.end = e->what->range_at + e->what->range_len,
		.grain = e->work.grain, .window = e->work.window,
		.linear = can_clone(e), .stores_zeros = e->work.stores_zeros,
	};
	if (e->strict_order && e->dst->format->write->announce &&
	    !img_commit_announce(e->dst, &e->work, err))
		return false;
	if (e->job && e->job->progress && !img_is_stream(e->work.src) && !e->work.src->passing &&
	    !measure(e, err))
		return false;
	e->pace = img_pace_start(e->what->rate);
	return true;
}

/* Waits until the target needs no parcel any more. */
static void let_go(struct engine *e)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&e->lock);

	for (size_t i = 0; e->ring && i < e->n_ring; i++)
		while (e->ring[i].p.hold.n)
			pthread_cond_wait(&e->changed, &e->lock);
}

static void fini(struct engine *e)
{
	let_go(e);
	for (size_t i = 0; e->ring && i < e->n_ring; i++)
		if (!e->ring[i].p.hold.is_lost)
			img_parcel_free(&e->ring[i].p);
	free(e->ring);
	img_work_fini(&e->work);
	img_digest_close(e->digest);
	img_dedup_free(e->dedup);
	pthread_cond_destroy(&e->changed);
	pthread_mutex_destroy(&e->lock);
}

/* Fewer threads than wanted is no failure: this one does all the work if it must. */
static void run(struct engine *e, unsigned threads)
{
	pthread_t others[MAX_THREADS];
	unsigned n = 0;

	while (n + 1 < threads && !pthread_create(&others[n], NULL, thread_main, e))
		n++;
	thread_main(e);
	while (n)
		pthread_join(others[--n], NULL);
}

static bool end_pass(struct engine *e, struct img_err *err)
{
	if (!img_end_pass(e->work.src, e->what->salvage, err))
		return false;
	return e->work.src->layers[0].pass != IMG_PASS_TOLD ||
	       img_copy_late(e->what, e->stats, err);
}

static bool conclude(struct engine *e, struct img_err *err)
{
	if (e->fail_seq != UINT64_MAX) {
		if (err)
			*err = e->fail;
		return false;
	}
	if (e->dst->size == IMG_SIZE_UNKNOWN)
		e->dst->size = e->plan.at;
	if ((e->work.src->passing && !end_pass(e, err)) || !img_confirm(e->work.src, err))
		return false;
	return !e->digest || img_digest_finish(e->digest, e->stats->digest, err);
}

bool img_copy_run(const struct img_copy *what, const struct img_job *job,
		  struct img_copy_stats *stats, struct img_err *err)
{
	const unsigned threads = img_reading_threads(what->src, what->threads, MAX_THREADS);
	struct engine e = {
		.what = what, .job = job, .stats = stats, .dst = &what->dst->layers[0],
		.fail_seq = UINT64_MAX, .lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
	};
	bool ok;

	memset(stats, 0, sizeof(*stats));
	ok = img_copy_check(what, err) && init(&e, threads, err);
	if (ok) {
		run(&e, threads);
		ok = conclude(&e, err);
	}
	fini(&e);
	return ok;
}
