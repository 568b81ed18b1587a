/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sizes of images that are never made: by size, by map, with the data read, by a sample. */
#include <criterion/criterion.h>
#include "copy/measure.h"
#include "unit/fake/fake.h"

#define BLOCK 4096

static struct img_measured measure(struct img *src, const struct img_create *target, bool read,
				   uint64_t sample)
{
	const struct img_measure what = {
		.src = src, .target = target, .zero_grain = BLOCK, .read = read,
		.sample = sample, .threads = 2,
	};
	struct img_measured found;
	struct img_err err = { 0 };

	cr_assert(img_measure_run(&what, NULL, &found, &err), "%s", err.text);
	return found;
}

Test(measure, a_size_alone)
{
	const struct img_create raw = { .path = "x", .format = "raw", .size = 10 * BLOCK };
	const struct img_create vdi = { .path = "x", .format = "vdi", .size = 10 << 20 };
	struct img_measured found = measure(NULL, &raw, false, 0);

	cr_assert(found.length == 10 * BLOCK && !found.blocks && found.full == 10 * BLOCK);
	cr_assert(found.exactness == IMG_EXACT && !found.data);
	found = measure(NULL, &vdi, false, 0);
	cr_assert(found.length <= 2 << 20 && found.full == found.length + (10 << 20));
}

Test(measure, data_count_unless_they_are_read)
{
	const struct img_create raw = { .path = "x", .format = "raw" };
	struct img *src = fake_disk("ab--..zz0cd", BLOCK, 0);
	struct img_measured found = measure(src, &raw, false, 0);

	cr_assert(found.length == 11 * BLOCK && found.blocks == 6 * BLOCK);
	cr_assert(found.exactness == IMG_AT_MOST && found.data == 6 * BLOCK);
	found = measure(src, &raw, true, 0);
	cr_assert(found.length == 11 * BLOCK && found.blocks == 4 * BLOCK);
	cr_assert_eq(found.exactness, IMG_EXACT);
	img_close(src);
}

Test(measure, a_sample_is_an_estimate)
{
	const struct img_create qcow2 = {
		.path = "x", .format = "qcow2", .options = "cluster_size=4k", .compressed = true,
	};
	struct img *src = fake_disk("aaaaaaaaaaaaaaaaqqqqqqqqqqqqqqqq", BLOCK, 0);
	struct img_measured some = measure(src, &qcow2, false, 8 * BLOCK);
	const struct img_measured all = measure(src, &qcow2, false, 32 * BLOCK);

	cr_assert(some.exactness == IMG_ESTIMATED && some.sampled == 8 * BLOCK && some.error);
	cr_assert(all.exactness == IMG_EXACT && all.sampled == 32 * BLOCK && !all.error);
	cr_assert(some.length <= all.length + some.error && all.length <= some.length + some.error);
	cr_assert_gt(some.full, all.length);
	img_close(src);
}

Test(measure, what_is_lost_has_no_size)
{
	const struct img_create raw = { .path = "x", .format = "raw" };
	struct img *src = fake_disk("a!", BLOCK, 0);
	const struct img_measure what = { .src = src, .target = &raw, .zero_grain = BLOCK };
	struct img_measured found;
	struct img_err err = { 0 };

	cr_assert_not(img_measure_run(&what, NULL, &found, &err));
	cr_assert_neq(err.code, IMG_OK);
	img_close(src);
}
