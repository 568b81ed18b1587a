/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The same function in several threads. */
#include <criterion/criterion.h>
#include <stdatomic.h>
#include "base/parallel.h"

static void count(void *ctx, unsigned i)
{
	atomic_fetch_add(&((_Atomic unsigned *)ctx)[i], 1);
}

Test(parallel, each_number_once)
{
	_Atomic unsigned calls[20] = { 0 };

	img_parallel(20, count, calls);
	for (int i = 0; i < 20; i++)
		cr_assert_eq(calls[i], 1, "%d", i);
	img_parallel(1, count, calls);
	cr_assert_eq(calls[0], 2);
}

Test(parallel, as_many_as_wanted_but_not_more_than_allowed)
{
	cr_assert_eq(img_thread_count(3, 8), 3);
	cr_assert_eq(img_thread_count(9, 8), 8);
	cr_assert_geq(img_thread_count(0, 8), 1);
	cr_assert_leq(img_thread_count(0, 8), 8);
}
