/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a repair makes of two tables that differ, and what it leaves alone. */
#include "sample.h"
#include "disk/random.h"

static struct img_store *open_file(const struct sample *s)
{
	struct img_err err = { 0 };
	struct img_store *file = img_store_mem(s->bytes, s->len, &err);

	cr_assert_not_null(file, "%s", err.text);
	return file;
}

/* Repairs s in place, its length stays; returns the errors that are left. */
static uint64_t repair_in(struct sample *s, uint64_t memory)
{
	const struct img_checking how = { .threads = 1, .memory = memory };
	struct img_layer ly = { .format = &img_format_vmdk, .store = open_file(s) };
	struct img_findings found = { .most = 10 };
	struct img_check_result result;
	struct img_err err = { 0 };

	cr_assert(ly.format->check->repair(&ly, &how, IMG_REPAIR_ALL, &err), "%s", err.text);
	cr_assert(ly.format->check->check(&ly, &how, &found, &result, &err), "%s", err.text);
	cr_assert(img_store_read(ly.store, 0, s->bytes, s->len, &err));
	img_store_close(ly.store);
	const uint64_t left = img_findings_total(&found, IMG_CORRUPT) +
			      img_findings_total(&found, IMG_FATAL);
	img_findings_clear(&found);
	return left;
}

static uint64_t repair(struct sample *s)
{
	return repair_in(s, 1 << 20);
}

static void expect_whole(const struct sample *s, const char *what)
{
	struct sample whole;

	sample_start(&whole);
	for (size_t i = 0; i < whole.len; i++)
		cr_assert_eq(s->bytes[i], whole.bytes[i], "%s: byte 0x%zx", what, i);
}

/* Each table and directory: zeros, ones, noise, one bit. */
Test(vmdk_repair, either_side_is_rebuilt_from_the_other)
{
	static const struct { const char *name; size_t at, len; } places[] = {
		{ "first directory", SAMPLE_GD * 512, 8 },
		{ "second directory", SAMPLE_RGD * 512, 8 },
		{ "one entry of the first directory", SAMPLE_GD * 512 + 4, 4 },
		{ "first table", SAMPLE_GT * 512, 2048 },
		{ "second table", SAMPLE_RGT * 512, 2048 },
		{ "all first tables", SAMPLE_GD * 512, (1 + 8) * 512 },
		{ "some entries", SAMPLE_GT * 512 + 4, 36 },
	};
	struct random random = random_from(1);

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		for (int kind = 0; kind < 3; kind++) {
			struct sample s;
			/* What is behind the entries in use does not come back, and need not. */
			const size_t len = places[i].len;

			sample_start(&s);
			if (kind < 2)
				memset(s.bytes + places[i].at, kind ? 0xff : 0, len);
			for (size_t j = 0; kind == 2 && j < len; j += 4)
				img_put_le32(s.bytes + places[i].at + j,
					     (uint32_t)random_below(&random, UINT32_MAX) | 1 << 20);
			cr_assert_eq(repair(&s), 0, "%s, kind %d", places[i].name, kind);
			/* Entries behind the last one of a short table are nobody's. */
			memset(s.bytes + (SAMPLE_GT + 4) * 512 + 88 * 4, 0, 2048 - 88 * 4);
			memset(s.bytes + SAMPLE_GD * 512 + 8, 0, 512 - 8);
			expect_whole(&s, places[i].name);
		}
	}
}

Test(vmdk_repair, two_that_can_be_right_are_not_touched)
{
	struct sample s, before;

	sample_start(&s);
	sample_put(&s, SAMPLE_RGT, 1, SAMPLE_DATA + 2 * SAMPLE_GRAIN);
	sample_put_both(&s, 2, 0);
	before = s;
	cr_assert_eq(repair(&s), 1);
	cr_assert_arr_eq(s.bytes, before.bytes, s.len);
}

Test(vmdk_repair, a_second_table_catches_up)
{
	struct sample s, ahead;

	sample_start(&s);
	img_put_le32(s.bytes + VMDK_HDR_FLAGS, VMDK_FLAG_REDUNDANT | VMDK_FLAG_ZERO_GRAIN);
	sample_put(&s, SAMPLE_GT, 20, VMDK_ENTRY_ZERO);
	sample_put(&s, SAMPLE_RGT, 1, 0);
	sample_put(&s, SAMPLE_RGT, 2, VMDK_ENTRY_ZERO);
	ahead = s;
	cr_assert_eq(repair(&s), 0);
	cr_assert_arr_eq(s.bytes + SAMPLE_RGT * 512, ahead.bytes + SAMPLE_GT * 512, 2048);
	cr_assert_arr_eq(s.bytes + SAMPLE_GT * 512, ahead.bytes + SAMPLE_GT * 512, 2048);
}

Test(vmdk_repair, a_place_in_use_cannot_be_right)
{
	struct sample s;

	sample_start(&s);
	sample_put(&s, SAMPLE_GT, 1, SAMPLE_DATA);
	cr_assert_eq(repair(&s), 0);
	expect_whole(&s, "doubled");
	sample_put(&s, SAMPLE_GT, 1, SAMPLE_GT);
	cr_assert_eq(repair(&s), 0);
	expect_whole(&s, "on a table");
	sample_put(&s, SAMPLE_GT, 1, SAMPLE_DATA + SAMPLE_GRAIN + 1);
	cr_assert_eq(repair(&s), 0);
	expect_whole(&s, "unaligned");
}

/* Two grains of which only one side knows the place, and it is the same: nobody gets it. */
Test(vmdk_repair, one_place_is_not_given_twice)
{
	struct sample s;

	sample_start(&s);
	sample_put_both(&s, 2, 0);
	sample_put(&s, SAMPLE_GT, 3, SAMPLE_DATA + 2 * SAMPLE_GRAIN);
	sample_put(&s, SAMPLE_RGT, 4, SAMPLE_DATA + 2 * SAMPLE_GRAIN);
	cr_assert_neq(repair(&s), 0);
	cr_assert_eq(img_get_le32(sample_entry(&s, SAMPLE_GT, 4)), 0);
}

Test(vmdk_repair, a_table_that_knows_more_is_kept)
{
	struct sample s, before;

	sample_start(&s);
	sample_put(&s, SAMPLE_RGT, 1, 0);
	img_put_le32(s.bytes + SAMPLE_GD * 512, 0);
	before = s;
	cr_assert_neq(repair(&s), 0);
	cr_assert_arr_eq(s.bytes, before.bytes, s.len);
}

Test(vmdk_repair, what_cannot_be_told_stays_lost)
{
	struct sample s, before;

	sample_start(&s);
	sample_put_both(&s, 9, 1 << 20);
	sample_put(&s, SAMPLE_GT, 100, 1 << 20);
	before = s;
	cr_assert_eq(repair(&s), 2);
	cr_assert_arr_eq(s.bytes, before.bytes, s.len);
}

Test(vmdk_repair, only_a_right_image_counts_as_closed)
{
	struct sample s;

	sample_start(&s);
	s.bytes[VMDK_HDR_UNCLEAN] = 1;
	sample_put(&s, SAMPLE_GT, 1, 0);
	cr_assert_eq(repair(&s), 0);
	expect_whole(&s, "unclean");
	s.bytes[VMDK_HDR_UNCLEAN] = 1;
	sample_put_both(&s, 1, 1 << 20);
	cr_assert_eq(repair(&s), 1);
	cr_assert_eq(s.bytes[VMDK_HDR_UNCLEAN], 1);
}
