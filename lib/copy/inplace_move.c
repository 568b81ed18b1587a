/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Moving the units of a disk inside its file to where a raw file has them.  After each step the file
 * is an image with the same disk, so there is nothing to keep of a plan: who starts again sees what
 * is left to do.
 */
#include "base/job.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/zero.h"
#include "copy/inplace.h"

enum { PIECE_BYTES = 1 << 20, ZERO_GRAIN = 4096 };
enum { WINDOW_MIN = 1 << 20, WINDOW_MAX = 64 << 20, WINDOWS = 16 };

struct moving {
	struct img_in_place_run *run;
	struct img_store *st;		/* of this step */
	struct img_rangeset guests, hosts;	/* units that were changed in it */
	uint8_t *here, *there;		/* a piece each; owned */
	uint64_t left;			/* bytes of this step */
};

/* Units of the disk that follow each other, there as well where they lie and where they are to be. */
struct piece {
	uint64_t guest, host, to, n;
	bool taken;			/* other units lie at `to`, all along */
};

uint64_t img_in_place_window(uint64_t astray)
{
	return img_min_u64(img_max_u64(astray / WINDOWS, WINDOW_MIN), WINDOW_MAX);
}

/* ---- What to move -------------------------------------------------------------------------------- */

static bool is_astray(const struct img_placement *p, uint64_t guest)
{
	return p->host_of[guest] && p->host_of[guest] != img_placement_target(p, guest);
}

static struct piece find_piece(const struct moving *m, uint64_t guest)
{
	const struct img_placement *p = &m->run->where;
	struct piece piece = {
		.guest = guest, .host = p->host_of[guest], .to = img_placement_target(p, guest),
	};
	const uint64_t apart = piece.host > piece.to ? piece.host - piece.to
						     : piece.to - piece.host;
	const uint64_t room = img_max_u64(img_min_u64(m->left, PIECE_BYTES) / p->unit, 1);
	const uint64_t most = guest ? img_min_u64(img_min_u64(apart, room), p->units - guest) : 1;

	piece.taken = p->guest_at[piece.to];
	do
		piece.n++;
	while (piece.n < most && p->host_of[guest + piece.n] == piece.host + piece.n &&
	       !p->guest_at[piece.to + piece.n] == !piece.taken);
	return piece;
}

/* ---- One piece ----------------------------------------------------------------------------------- */

static bool note(struct img_rangeset *set, uint64_t first, uint64_t n, struct img_err *err)
{
	return img_rangeset_include(set, first, n, err);
}

static void place(struct img_placement *p, uint64_t guest, uint64_t host)
{
	const bool free = img_placement_put(p, guest, host);

	assert(free);
	(void)free;
}

/* What lay at `to` is where the piece was, from now on. */
static bool replace(struct moving *m, const struct piece *piece, struct img_err *err)
{
	struct img_placement *p = &m->run->where;

	if (!note(&m->guests, piece->guest, piece->n, err) ||
	    !note(&m->hosts, piece->host, piece->n, err) ||
	    !note(&m->hosts, piece->to, piece->n, err))
		return false;
	for (uint64_t i = 0; i < piece->n; i++) {
		uint64_t other;
		const bool swap = img_placement_guest(p, piece->to + i, &other);

		if (swap && !note(&m->guests, other, 1, err))
			return false;
		if (swap)
			img_placement_take(p, other);
		img_placement_take(p, piece->guest + i);
		place(p, piece->guest + i, piece->to + i);
		if (swap)
			place(p, other, piece->host + i);
	}
	return true;
}

/* Zeros become holes. */
static bool put(struct moving *m, uint64_t at, const uint8_t *bytes, size_t len, struct img_err *err)
{
	bool zero;

	for (size_t done = 0, n; done < len; done += n) {
		n = img_zero_run(bytes + done, len - done, ZERO_GRAIN, &zero);
		if (!(zero ? img_store_zero(m->st, at + done, n, false, err)
			   : img_store_write(m->st, at + done, bytes + done, n, err)))
			return false;
	}
	return true;
}

static bool move_piece(struct moving *m, const struct piece *piece, struct img_err *err)
{
	const uint64_t unit = m->run->where.unit;
	const size_t len = piece->n * unit;

	if (!img_store_read(m->st, piece->host * unit, m->here, len, err) ||
	    (piece->taken && !img_store_read(m->st, piece->to * unit, m->there, len, err)))
		return false;
	return put(m, piece->to * unit, m->here, len, err) &&
	       (!piece->taken || put(m, piece->host * unit, m->there, len, err)) &&
	       replace(m, piece, err);
}

/* ---- One step ------------------------------------------------------------------------------------ */

/* The space of units that are in use no more. */
static bool give_back(struct moving *m, struct img_err *err)
{
	const struct img_placement *p = &m->run->where;

	for (size_t i = 0; i < m->hosts.n; i++) {
		const struct img_stretch *s = &m->hosts.v[i];

		for (uint64_t h = s->start, end; h < s->end; h = end) {
			end = h + 1;
			while (end < s->end && !p->guest_at[end] == !p->guest_at[h])
				end++;
			if (!p->guest_at[h] &&
			    !img_store_zero(m->st, h * p->unit, (end - h) * p->unit, false, err))
				return false;
		}
	}
	return true;
}

static bool move_window(struct moving *m, struct img_err *err)
{
	const struct img_placement *p = &m->run->where;
	uint64_t *next = &m->run->next;

	/* What is in place never moves again. */
	while (p->astray && m->left) {
		struct piece piece;

		if (!is_astray(p, *next)) {
			++*next;
			continue;
		}
		piece = find_piece(m, *next);
		if (!move_piece(m, &piece, err))
			return false;
		*next += piece.n;
		m->left -= img_min_u64(piece.n * p->unit, m->left);
	}
	return give_back(m, err) &&
	       m->run->image->adopt->moved(m->run->laid, m->st, p, &m->guests, &m->hosts,
					     err);
}

static bool step(struct img_in_place_run *run, struct img_store *st, struct img_err *err)
{
	const size_t room = img_max_u64(PIECE_BYTES, run->where.unit);
	struct moving m = {
		.run = run, .st = st, .left = img_in_place_window(run->stats->moved),
		.here = img_alloc_aligned(room, err), .there = img_alloc_aligned(room, err),
	};
	const bool ok = m.here && m.there && move_window(&m, err);

	img_rangeset_clear(&m.guests);
	img_rangeset_clear(&m.hosts);
	free(m.here);
	free(m.there);
	return ok;
}

bool img_in_place_move_all(struct img_in_place_run *run, struct img_err *err)
{
	const struct img_job *job = run->job;
	const uint64_t all = run->where.astray;

	while (run->where.astray) {
		if (!img_job_goes_on(job, err))
			return false;
		if (!img_in_place_do(run, step, err))
			return false;
		if (job->progress)
			job->progress(job->ctx, (all - run->where.astray) * run->where.unit,
				      all * run->where.unit);
	}
	return true;
}
