/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deadlines lie as far ahead as was said, whatever the clock's nanoseconds are. */
#include <criterion/criterion.h>
#include "base/deadline.h"

static long long nanoseconds(struct timespec t)
{
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

Test(deadline, lies_ahead)
{
	static const unsigned ahead[] = { 0, 1, 250, 999, 1000, 1001, 61999 };

	for (size_t i = 0; i < sizeof(ahead) / sizeof(*ahead); i++) {
		const long long ms = ahead[i], from = nanoseconds(img_deadline_in(0));
		const struct timespec until = img_deadline_in_ms(ahead[i]);

		cr_assert_lt(until.tv_nsec, 1000000000);
		cr_assert_geq(nanoseconds(until), from + ms * 1000000);
		cr_assert_leq(nanoseconds(until), nanoseconds(img_deadline_in(0)) + ms * 1000000);
	}
}

Test(deadline, is_over_when_it_has_come)
{
	cr_assert(img_deadline_is_over(img_deadline_in(0)));
	cr_assert_not(img_deadline_is_over(img_deadline_in(3600)));
	cr_assert_not(img_deadline_is_over(img_deadline_in_ms(3600000)));
}
