/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pieces of a disk, found in guest order and worked on by several threads in any.  What a piece needs
 * its user knows.
 */
#include <pthread.h>
#include "base/job.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/parallel.h"
#include "copy/chain.h"

enum { MAX_THREADS = 64 };

/* So much may become zeros between two questions whether to go on. */
#define ZEROS_MAX (UINT64_C(1) << 30)

struct pouring {
	struct img_pour *pour;
	pthread_mutex_t lock;		/* guards all below, and orders who looks: held across I/O */
	uint64_t at;			/* what lies before has been taken */
	bool failed;
	uint64_t failed_at;
	struct img_err err;
};

void img_piece_cut(struct img_piece *piece)
{
	const uint64_t end = img_round_down(piece->at, IMG_POUR_WINDOW) + IMG_POUR_WINDOW;

	piece->len = img_min_u64(piece->len, end - piece->at);
}

bool img_pour_look(const struct img_pour *pour,
		   bool (*call)(void *ctx, const struct img_piece *piece, struct img_err *err),
		   struct img_err *err)
{
	const struct img_job *job = pour->job;
	struct img_piece piece;

	for (uint64_t at = pour->from; at < pour->to; at += piece.len) {
		if (!img_job_goes_on(job, err))
			return false;
		if (!pour->look(pour->ctx, at, pour->to, &piece, err) ||
		    (piece.kind != IMG_PIECE_NOTHING && !call(pour->ctx, &piece, err)))
			return false;
	}
	return true;
}

/* ---- Failures ---------------------------------------------------------------------------------- */

/* Lock held. */
static void note_failure(struct pouring *p, uint64_t at, const struct img_err *why)
{
	if (p->failed && p->failed_at <= at)
		return;
	p->failed = true;
	p->failed_at = at;
	p->err = *why;
}

/* ---- The next piece ------------------------------------------------------------------------------ */

/* Lock held.  Whether the work is to go on. */
static bool talk(struct pouring *p)
{
	const struct img_job *job = p->pour->job;
	struct img_err why = { 0 };

	if (job && job->progress)
		job->progress(job->ctx, p->pour->done, p->pour->total);
	if (img_job_goes_on(job, &why))
		return true;
	note_failure(p, p->at, &why);
	return false;
}

static bool take(struct pouring *p, struct img_piece *piece)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&p->lock);
	const struct img_pour *pour = p->pour;
	struct img_err why = { 0 };

	if (p->failed || !talk(p))
		return false;
	while (p->at < pour->to) {
		const uint64_t limit = pour->to - p->at > ZEROS_MAX ? p->at + ZEROS_MAX : pour->to;

		if (!pour->look(pour->ctx, p->at, limit, piece, &why)) {
			note_failure(p, p->at, &why);
			return false;
		}
		p->at += piece->len;
		if (piece->kind != IMG_PIECE_NOTHING)
			return true;
	}
	return false;
}

static void settle(struct pouring *p, const struct img_piece *piece, bool ok,
		   const struct img_err *why)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&p->lock);

	p->pour->done += piece->len;
	if (!ok)
		note_failure(p, piece->at, why);
}

/* ---- Threads ------------------------------------------------------------------------------------- */

static void work(void *ctx, unsigned i)
{
	struct pouring *p = ctx;
	struct img_err why = { 0 };
	IMG_AUTO_FREE uint8_t *a = img_alloc_aligned(IMG_POUR_WINDOW, &why);
	IMG_AUTO_FREE uint8_t *b = a ? img_alloc_aligned(IMG_POUR_WINDOW, &why) : NULL;
	const struct img_pour_bufs bufs = { a, b };
	struct img_piece piece = { 0 };

	(void)i;
	if (!b) {
		settle(p, &piece, false, &why);
		return;
	}
	while (take(p, &piece)) {
		const bool ok = p->pour->work(p->pour->ctx, &piece, &bufs, &why);

		settle(p, &piece, ok, &why);
	}
}

bool img_pour_run(struct img_pour *pour, struct img_err *err)
{
	struct pouring p = { .pour = pour, .at = pour->from };

	pthread_mutex_init(&p.lock, NULL);
	img_parallel(img_thread_count(pour->threads, MAX_THREADS), work, &p);
	pthread_mutex_destroy(&p.lock);
	if (p.failed && err)
		*err = p.err;
	return !p.failed;
}
