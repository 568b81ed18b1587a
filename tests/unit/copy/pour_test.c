/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each piece is worked on once, and what is reported does not depend on the threads. */
#include <criterion/criterion.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include "base/err.h"
#include "base/num.h"
#include "copy/chain.h"

#define WINDOW IMG_POUR_WINDOW

enum { N_WINDOWS = 40, MAX_THREADS = 4, NONE = -1 };

/*
 * A disk of windows: B bytes, 0 zeros, '.' nothing to do, ! what cannot be worked on, w the same after a
 * while, ? what cannot be seen.
 */
static const char plain[] = "BB00..BB.0.BBBBBBBB..0B0BBBB....BBBB00BB";
static const char broken[] = "BB00..BB.0.BBBBw!BB..0B0B!BB....B?BB00BB";
static const char unseen[] = "BB00..BB.0.BB?Bw!BB..0B0B!BB....B?BB00BB";

struct disk {
	const char *windows;
	atomic_int worked[N_WINDOWS];
	atomic_int looking;
	uint64_t told;			/* progress */
	int cancel_at;			/* window, or NONE */
};

static bool look(void *ctx, uint64_t at, uint64_t limit, struct img_piece *out, struct img_err *err)
{
	struct disk *d = ctx;
	const char *from = d->windows + at / WINDOW;

	cr_assert_eq(atomic_fetch_add(&d->looking, 1), 0, "two threads look");
	*out = (struct img_piece){
		.at = at, .len = limit - at,
		.kind = *from == '.' ? IMG_PIECE_NOTHING : *from == '0' ? IMG_PIECE_ZERO
									: IMG_PIECE_BYTES,
	};
	if (out->kind == IMG_PIECE_BYTES)
		img_piece_cut(out);
	else
		out->len = img_min_u64(out->len, strspn(from, (char[]){ *from, '\0' }) * WINDOW);
	atomic_fetch_sub(&d->looking, 1);
	return *from != '?' || img_fail(err, IMG_E_IO, "look %lu", at / WINDOW);
}

/* However slow the one is that works on the window at which all is cancelled, nobody overtakes it. */
static void stay_behind(struct disk *d, int window)
{
	while (d->cancel_at != NONE && window > d->cancel_at && !atomic_load(&d->worked[d->cancel_at]))
		nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
}

static bool work(void *ctx, const struct img_piece *piece, const struct img_pour_bufs *bufs,
		 struct img_err *err)
{
	struct disk *d = ctx;
	const char window = d->windows[piece->at / WINDOW];

	stay_behind(d, (int)(piece->at / WINDOW));
	memset(bufs->a, 1, WINDOW);
	memset(bufs->b, 1, WINDOW);
	for (uint64_t w = piece->at / WINDOW; w * WINDOW < piece->at + piece->len; w++)
		atomic_fetch_add(&d->worked[w], 1);
	if (window == 'w')
		nanosleep(&(struct timespec){ .tv_nsec = 3000000 }, NULL);
	return (window != '!' && window != 'w') ||
	       img_fail(err, IMG_E_IO, "work %lu", piece->at / WINDOW);
}

static void progress(void *ctx, uint64_t done, uint64_t total)
{
	struct disk *d = ctx;

	cr_assert_leq(d->told, done);
	cr_assert_leq(done, total);
	d->told = done;
}

static bool cancelled(void *ctx)
{
	const struct disk *d = ctx;

	return d->cancel_at != NONE && atomic_load(&d->worked[d->cancel_at]);
}

static uint64_t bytes_of_work(const char *windows)
{
	uint64_t n = 0;

	for (; *windows; windows++)
		n += *windows == '.' ? 0 : WINDOW;
	return n;
}

static bool run(struct disk *d, unsigned threads, struct img_err *err)
{
	const struct img_job job = { .ctx = d, .progress = progress, .cancelled = cancelled };
	struct img_pour pour = {
		.to = N_WINDOWS * WINDOW, .threads = threads, .look = look, .work = work, .ctx = d,
		.job = &job, .total = bytes_of_work(d->windows),
	};
	const bool ok = img_pour_run(&pour, err);

	cr_assert(!ok || pour.done == pour.total);
	return ok;
}

static void expect_failure(const char *windows, const char *text)
{
	for (unsigned n = 1; n <= MAX_THREADS; n++) {
		struct disk d = { .windows = windows, .cancel_at = NONE };
		struct img_err err = { 0 };

		cr_assert(!run(&d, n, &err));
		cr_assert_str_eq(err.text, text, "%u threads", n);
	}
}

Test(pour, works_on_each_piece_once)
{
	for (unsigned n = 1; n <= MAX_THREADS; n++) {
		struct disk d = { .windows = plain, .cancel_at = NONE };
		struct img_err err = { 0 };

		cr_assert(run(&d, n, &err), "%s", err.text);
		for (int w = 0; w < N_WINDOWS; w++)
			cr_assert_eq(d.worked[w], plain[w] != '.', "window %d, %u threads", w, n);
	}
}

Test(pour, reports_the_first_failure_on_the_disk)
{
	expect_failure(broken, "work 15");
	expect_failure(unseen, "look 13");
}

Test(pour, ends_when_it_is_cancelled)
{
	for (unsigned n = 1; n <= MAX_THREADS; n++) {
		struct disk d = { .windows = plain, .cancel_at = 6 };
		struct img_err err = { 0 };

		cr_assert(!run(&d, n, &err));
		cr_assert_eq(err.code, IMG_E_CANCELLED);
		cr_assert_eq(d.worked[N_WINDOWS - 1], 0, "%u threads", n);
	}
}

Test(pour, cuts_pieces_at_windows)
{
	struct img_piece piece = { .at = WINDOW - 10, .len = WINDOW };

	img_piece_cut(&piece);
	cr_assert_eq(piece.len, 10);
	piece = (struct img_piece){ .at = WINDOW, .len = 3 * WINDOW };
	img_piece_cut(&piece);
	cr_assert_eq(piece.len, WINDOW);
	piece = (struct img_piece){ .at = WINDOW + 5, .len = 7 };
	img_piece_cut(&piece);
	cr_assert_eq(piece.len, 7);
}

static bool note(void *ctx, const struct img_piece *piece, struct img_err *err)
{
	(void)err;
	for (uint64_t w = piece->at / WINDOW; w * WINDOW < piece->at + piece->len; w++)
		atomic_fetch_add(&((struct disk *)ctx)->worked[w], 1);
	return true;
}

Test(pour, can_be_looked_at_without_work)
{
	struct disk d = { .windows = plain, .cancel_at = NONE };
	const struct img_pour pour = { .to = N_WINDOWS * WINDOW, .look = look, .ctx = &d };
	struct img_err err = { 0 };

	cr_assert(img_pour_look(&pour, note, &err), "%s", err.text);
	for (int w = 0; w < N_WINDOWS; w++)
		cr_assert_eq(d.worked[w], plain[w] != '.', "window %d", w);
}
