/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Windows of a disk that are taken in order, worked on by N threads, and told of in order again: a
 * thread that is done waits for its turn.  What is told never depends on the number of threads.
 */
#ifndef IMG_COPY_TURNS_H
#define IMG_COPY_TURNS_H

#include "image/image.h"

/* ctx: of the work; window: of the thread. */
struct img_turns {
	/* The next window; *more false: there is none.  In order, one thread at a time. */
	bool (*take)(void *ctx, void *window, bool *more, struct img_err *err);
	/* What can be done in any order, by any number of threads. */
	bool (*work)(void *ctx, void *window, struct img_err *err);
	/* *over true: no more are wanted.  In the order of take, one thread at a time. */
	bool (*tell)(void *ctx, const void *window, bool *over, struct img_err *err);
	void *ctx;
};

/*
 * Works with n threads, each of which has one of the windows; fewer than wanted is no failure.
 * Behind one that failed nothing is told: the error is the first in order.
 */
bool img_turns_run(const struct img_turns *what, void *const *windows, unsigned n,
		   struct img_err *err) IMG_MUST_CHECK;

#endif
