/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which grains a sample takes, what becomes of them, and how good it says that it is. */
#include <criterion/criterion.h>
#include <string.h>
#include "base/num.h"
#include "copy/measure.h"
#include "unit/fake/fake.h"

#define BLOCK 4096

Test(measure_sample, counts_grains_of_each_range)
{
	struct img_range v[] = { { 0, BLOCK }, { 3 * BLOCK, 5 * BLOCK - 1 } };
	const struct img_ranges data = { .v = v, .n = 2 };

	cr_assert_eq(img_sample_grains(&data, BLOCK), 6);
	cr_assert_eq(img_sample_grains(&data, 2 * BLOCK), 4);
}

Test(measure_sample, each_grain_has_one_that_stands_for_it)
{
	for (size_t n = 1; n < 20; n++) {
		uint32_t stored[20];
		const struct img_sample sample = { .n = n, .units = 1, .stored = stored };

		for (uint64_t all = n; all < 50; all++) {
			size_t parts = 0, last = SIZE_MAX, len = 0;

			for (uint64_t i = 0; i < all; i++) {
				const size_t part = img_sample_of(&sample, i, all) - stored;

				cr_assert(part < n && (part == last || part == last + 1));
				parts += part != last;
				len = part == last ? len + 1 : 1;
				last = part;
				cr_assert_leq(len, img_div_up(all, n));
			}
			cr_assert_eq(parts, n);
		}
	}
}

/* 40 blocks: pairs that shrink, noise, zeros that were written. */
static void take(uint64_t n, struct img_sample *sample)
{
	struct img *src = fake_disk("aaaaaaaaaaqqqqqqqqqq----------bbbbbbbbbb", BLOCK, 0);
	struct img *dst = fake_target(img_size(src), BLOCK, FAKE_COMPRESS);
	struct img_range whole = { 0, img_size(src) };
	const struct img_ranges data = { .v = &whole, .n = 1 };
	const struct img_copy how = {
		.src = src, .dst = dst, .threads = 2, .zero_grain = BLOCK, .compress = true,
	};
	struct img_err err = { 0 };

	cr_assert(img_sample_take(&how, &data, n, NULL, sample, &err), "%s", err.text);
	cr_assert(sample->n == n && sample->units == 1);
	img_close(dst);
	img_close(src);
}

Test(measure_sample, of_everything_is_certain)
{
	struct img_sample sample;

	take(40, &sample);
	for (size_t i = 0; i < 40; i++) {
		const uint32_t stored = sample.stored[i];

		cr_assert(i / 10 == 1 ? stored == IMG_SAMPLE_PLAIN
			  : i / 10 == 2 ? !stored : stored && stored < BLOCK, "block %zu", i);
	}
	cr_assert_lt(sample.error, 1);
	img_sample_free(&sample);
}

Test(measure_sample, says_how_far_off_it_may_be)
{
	struct img_sample few, many;

	take(4, &few);
	take(20, &many);
	/* One of four is noise: so many blocks are, give or take. */
	cr_assert(few.error > 10 * BLOCK && few.error < 60 * BLOCK, "%f", few.error);
	cr_assert_lt(many.error, few.error / 2);
	for (size_t i = 0; i < 4; i++)
		cr_assert_eq(few.stored[i] == IMG_SAMPLE_PLAIN, i == 1);
	img_sample_free(&few);
	img_sample_free(&many);
}

Test(measure_sample, passes_a_failure_on)
{
	struct img *src = fake_disk("AAAAAAAA", BLOCK, 0);
	struct img *dst = fake_target(img_size(src), BLOCK, FAKE_COMPRESS);
	struct img_range whole = { 0, img_size(src) };
	const struct img_ranges data = { .v = &whole, .n = 1 };
	const struct img_copy how = { .src = src, .dst = dst, .threads = 3, .compress = true };
	struct img_sample sample;
	struct img_err err = { 0 };

	fake_disk_of(src)->fail_decode = 5 * BLOCK;
	cr_assert_not(img_sample_take(&how, &data, 8, NULL, &sample, &err));
	cr_assert_neq(err.code, IMG_OK);
	img_sample_free(&sample);
	img_close(dst);
	img_close(src);
}
