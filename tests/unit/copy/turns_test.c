/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Windows are told of in their order, whatever the threads do. */
#include <criterion/criterion.h>
#include <stdatomic.h>
#include <time.h>
#include "base/err.h"
#include "copy/turns.h"

enum { N_WINDOWS = 60, N_THREADS = 4, NONE = -1 };

struct plan {
	int bad_take, bad_work, bad_tell, enough;	/* windows, or NONE */
	atomic_int inside_take, inside_tell;
	int next, told;
};

static const struct plan all_well = {
	.bad_take = NONE, .bad_work = NONE, .bad_tell = NONE, .enough = NONE,
};

static bool ends_well(int bad, int window, const char *where, struct img_err *err)
{
	return bad != window || img_fail(err, IMG_E_IO, "%s %d", where, window);
}

static bool take(void *ctx, void *window, bool *more, struct img_err *err)
{
	struct plan *p = ctx;

	cr_assert_eq(atomic_fetch_add(&p->inside_take, 1), 0, "two threads take");
	*more = p->next < N_WINDOWS;
	*(int *)window = p->next++;
	atomic_fetch_sub(&p->inside_take, 1);
	return ends_well(p->bad_take, *(int *)window, "take", err);
}

/* The earlier of two neighbours is the slower one. */
static bool work(void *ctx, void *window, struct img_err *err)
{
	const struct plan *p = ctx;
	const int number = *(int *)window;

	if (number % 2 == 0)
		nanosleep(&(struct timespec){ .tv_nsec = 300000 }, NULL);
	return ends_well(p->bad_work, number, "work", err);
}

static bool tell(void *ctx, const void *window, bool *over, struct img_err *err)
{
	struct plan *p = ctx;
	const int number = *(const int *)window;

	cr_assert_eq(atomic_fetch_add(&p->inside_tell, 1), 0, "two threads tell");
	cr_assert_eq(number, p->told, "%d is told after %d windows", number, p->told);
	atomic_fetch_sub(&p->inside_tell, 1);
	if (!ends_well(p->bad_tell, number, "tell", err))
		return false;
	p->told++;
	*over = number == p->enough;
	return true;
}

static bool run(struct plan *p, unsigned threads, struct img_err *err)
{
	const struct img_turns what = { .take = take, .work = work, .tell = tell, .ctx = p };
	int numbers[N_THREADS];
	void *windows[N_THREADS];

	for (int i = 0; i < N_THREADS; i++)
		windows[i] = &numbers[i];
	return img_turns_run(&what, windows, threads, err);
}

static void expect_failure(struct plan plan, int told, const char *text)
{
	for (unsigned n = 1; n <= N_THREADS; n++) {
		struct plan p = plan;
		struct img_err err = { 0 };

		cr_assert(!run(&p, n, &err));
		cr_assert_str_eq(err.text, text, "%u threads", n);
		cr_assert_eq(p.told, told, "%u threads: %d told", n, p.told);
	}
}

Test(turns, all_are_told_in_order)
{
	for (unsigned n = 1; n <= N_THREADS; n++) {
		struct plan p = all_well;
		struct img_err err = { 0 };

		cr_assert(run(&p, n, &err), "%s", err.text);
		cr_assert_eq(p.told, N_WINDOWS, "%u threads", n);
	}
}

Test(turns, behind_a_failure_nothing_is_told)
{
	struct plan p = all_well;

	p.bad_work = 20;
	expect_failure(p, 20, "work 20");
	p.bad_tell = 10;
	expect_failure(p, 10, "tell 10");
	p.bad_take = 5;
	expect_failure(p, 5, "take 5");
}

/* Window 31 fails at once, while 30 is still worked on. */
Test(turns, the_first_failure_in_order_is_reported)
{
	struct plan p = all_well;

	p.bad_tell = 30;
	p.bad_work = 31;
	expect_failure(p, 30, "tell 30");
}

Test(turns, no_more_is_taken_than_wanted)
{
	for (unsigned n = 1; n <= N_THREADS; n++) {
		struct plan p = all_well;
		struct img_err err = { 0 };

		p.enough = 12;
		p.bad_work = 13;	/* nobody hears of that */
		cr_assert(run(&p, n, &err), "%s", err.text);
		cr_assert_eq(p.told, 13, "%u threads: %d told", n, p.told);
		cr_assert_leq(p.next, 13 + (int)n, "%u threads: %d taken", n, p.next);
	}
}
