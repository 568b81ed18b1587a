/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is known about an image: of raw ones here, which may be VHD; tests/cmd has the others. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include "imgcheck/facts.h"
#include "unit/fake/files.h"

TestSuite(facts, .init = files_enter, .fini = files_leave);

enum { FOOTER = 512, DISK = 4096 };

/* A VHD footer: what the specification calls cookie, current size, disk type and checksum. */
static void make_footer(uint8_t *footer, uint8_t type)
{
	uint32_t sum = 0;

	memset(footer, 0, FOOTER);
	memcpy(footer, "conectix", 8);
	footer[54] = DISK >> 8;
	footer[63] = type;
	for (size_t i = 0; i < FOOTER; i++)
		sum += footer[i];
	for (size_t i = 0; i < 4; i++)
		footer[64 + i] = ~sum >> (24 - 8 * i);
}

static struct facts facts_of(const char *format)
{
	const struct img_check how = { .path = "disk", .format = format };
	struct facts facts;
	struct img_err err = { 0 };

	cr_assert(facts_collect(&how, NULL, &facts, &err), "%s", err.text);
	facts_clear(&facts);
	return facts;
}

Test(facts, know_a_vhd_by_its_footer)
{
	for (uint8_t type = 2; type <= 4; type++) {
		uint8_t file[DISK + FOOTER] = { 0 };
		struct facts facts;

		make_footer(file + DISK, type);
		files_write("disk", file, sizeof(file));
		facts = facts_of(NULL);
		cr_assert_str_eq(facts.format, "vhd");
		cr_assert(facts.foreign);
		cr_assert_eq(facts.size, DISK);
		cr_assert_eq(facts.vhd.fixed, type == 2);
	}
}

Test(facts, take_a_footer_with_a_wrong_sum_for_data)
{
	uint8_t file[DISK + FOOTER] = { 0 };
	struct facts facts;

	make_footer(file + DISK, 2);
	file[DISK + 300] ^= 1;
	files_write("disk", file, sizeof(file));
	facts = facts_of(NULL);
	cr_assert_str_eq(facts.format, "raw");
	cr_assert_not(facts.foreign);
	cr_assert_eq(facts.size, sizeof(file));
}

Test(facts, know_a_vhdx_by_its_signature)
{
	uint8_t file[DISK] = "vhdxfile";
	struct facts facts;

	files_write("disk", file, sizeof(file));
	facts = facts_of("raw");
	cr_assert_str_eq(facts.format, "vhdx");
	cr_assert_eq(facts.size, IMG_SIZE_UNKNOWN);
}

Test(facts, of_the_shortest_images)
{
	static const size_t lengths[] = { 0, 1, FOOTER - 1, FOOTER };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		const uint8_t file[FOOTER] = { 0 };

		files_write("disk", file, lengths[i]);
		cr_assert_str_eq(facts_of("raw").format, "raw");
	}
}

Test(facts, cannot_be_had_of_a_file_that_is_not_there)
{
	const struct img_check how = { .path = "none" };
	struct facts facts;
	struct img_err err = { 0 };

	cr_assert_not(facts_collect(&how, NULL, &facts, &err));
	facts_clear(&facts);
	cr_assert_eq(err.os_errno, ENOENT);
}

Test(facts, are_few_where_a_check_found_that_nothing_can_be_read)
{
	const struct img_check_result found = { .format = img_format_named("vdi") };
	const struct img_check how = { .path = "disk", .format = "vdi" };
	struct facts facts;
	struct img_err err = { 0 };

	files_write("disk", "no image", 8);
	cr_assert(facts_collect(&how, &found, &facts, &err), "%s", err.text);
	cr_assert_str_eq(facts.format, "vdi");
	cr_assert_neq(facts.unread.code, IMG_OK);
	facts_clear(&facts);
}
