/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the readers of file systems share: spans that grow, bytes that are not there, force. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "memory_disk.h"

Test(free, joins_spans_that_touch)
{
	uint8_t bytes[16] = { 0 };
	struct img_err err = { 0 };
	struct free_space space;
	struct img *im = memory_disk(bytes, sizeof(bytes));
	struct free_place place = memory_place(im, &space, &err);

	place.start = 100;
	cr_assert(free_place_put(&place, 0, 5) && free_place_put(&place, 5, 2));
	cr_assert(free_place_add(&place, 8, 1, &err));
	cr_assert_eq(space.n, 2);
	cr_assert(space.spans[0].start == 100 && space.spans[0].len == 7);
	cr_assert(space.spans[1].start == 108 && space.spans[1].len == 1);
	free(space.spans);
	img_close(im);
}

Test(free, reads_nothing_behind_the_end)
{
	uint8_t bytes[16] = { [3] = 7 }, buf[4];
	struct img_err err = { 0 };
	struct free_space space;
	struct img *im = memory_disk(bytes, sizeof(bytes));
	struct free_place place = memory_place(im, &space, &err);

	place.start = 2;
	place.len = 10;
	cr_assert(free_place_get(&place, 1, buf, 4) && buf[0] == 7);
	cr_assert_not(free_place_get(&place, 7, buf, 4));
	cr_assert(place.why && !place.failed && !buf[0]);
	place.why = NULL;
	cr_assert_not(free_place_get(&place, UINT64_MAX, buf, 4));
	cr_assert(place.why);
	img_close(im);
}

Test(free, force_is_noted_where_it_matters)
{
	struct free_place place = { .force = false };

	cr_assert_not(free_place_forced(&place, "open"));
	cr_assert(!strcmp(place.why, "open") && !place.forced);
	place = (struct free_place){ .force = true };
	cr_assert(free_place_forced(&place, "open"));
	cr_assert(!place.why && place.forced);
}

Test(free, swap_is_free_behind_its_header)
{
	uint8_t *bytes = calloc(1, 1 << 20);
	struct img_err err = { 0 };
	struct free_space space;
	struct img *im = memory_disk(bytes, 1 << 20);
	struct free_place place = memory_place(im, &space, &err);

	cr_assert(free_read_swap(&place, &err));
	cr_assert(space.n == 1 && space.spans[0].start == 65536 &&
		  space.spans[0].len == (1 << 20) - 65536);
	place.len = 65536;
	space.n = 0;
	cr_assert(free_read_swap(&place, &err) && !space.n);
	free(space.spans);
	free(bytes);
	img_close(im);
}
