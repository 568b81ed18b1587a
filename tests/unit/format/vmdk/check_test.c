/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a check finds, and what it leaves alone; one sample of each finding is in testdata/check. */
#include "sample.h"

struct checked {
	struct img_findings found;
	struct img_check_result result;
};

static struct checked check_in(const struct sample *s, uint64_t memory)
{
	const struct img_checking how = { .threads = 1, .memory = memory };
	struct checked out = { .found = { .most = 1000 } };
	struct img_err err = { 0 };
	struct img_layer ly = { .format = &img_format_vmdk };

	cr_assert(ly.store = img_store_mem(s->bytes, s->len, &err));
	cr_assert(ly.format->check->check(&ly, &how, &out.found, &out.result, &err), "%s", err.text);
	cr_assert(ly.stands_alone);
	img_store_close(ly.store);
	return out;
}

static struct checked check(const struct sample *s)
{
	return check_in(s, 1 << 20);
}

/* That kind is found n times in all, and nothing else; NULL: nothing is.  Frees. */
static void expect(struct checked *c, const struct img_finding_kind *kind, uint64_t n)
{
	cr_assert_eq(c->found.n_tallies, n ? 1 : 0, "the first is %s",
		     c->found.n ? c->found.v[0].kind->id : "none");
	if (n)
		cr_assert_eq(img_findings_count(&c->found, kind), n);
	img_findings_clear(&c->found);
}

Test(vmdk_check, a_clean_image)
{
	struct sample s;

	sample_start(&s);
	struct checked c = check(&s);
	cr_assert_eq(c.result.total, 600);
	cr_assert_eq(c.result.allocated, 6);
	cr_assert_eq(c.result.fragmented, 0);
	cr_assert_eq(c.result.image_end, SAMPLE_BYTES);
	expect(&c, NULL, 0);
}

Test(vmdk_check, which_of_two_entries_is_wrong)
{
	struct sample s;

	sample_start(&s);
	sample_put(&s, SAMPLE_GT, 9, 1 << 20);
	struct checked c = check(&s);
	cr_assert_eq(c.found.v[0].host, SAMPLE_GT * 512 + 9 * 4);
	cr_assert_eq(c.found.v[0].guest, 9 * SAMPLE_GRAIN * 512);
	cr_assert_eq(c.found.v[0].expected, SAMPLE_DATA + 3 * SAMPLE_GRAIN);
	cr_assert_eq(c.found.v[0].found, 1 << 20);
	expect(&c, &vmdk_found_grain_outside, 1);

	sample_start(&s);
	sample_put(&s, SAMPLE_RGT, 9, 1 << 20);
	c = check(&s);
	cr_assert_eq(c.found.v[0].host, SAMPLE_RGT * 512 + 9 * 4);
	expect(&c, &vmdk_found_second_outside, 1);

	sample_start(&s);
	sample_put(&s, SAMPLE_GT, 9, 0);
	c = check(&s);
	cr_assert_eq(c.result.allocated, 6);
	expect(&c, &vmdk_found_second_differs, 1);
}

Test(vmdk_check, a_second_table_that_is_behind)
{
	struct sample s;

	sample_start(&s);
	img_put_le32(s.bytes + VMDK_HDR_FLAGS, VMDK_FLAG_REDUNDANT | VMDK_FLAG_ZERO_GRAIN);
	sample_put(&s, SAMPLE_GT, 20, VMDK_ENTRY_ZERO);
	sample_put(&s, SAMPLE_RGT, 1, 0);
	sample_put(&s, SAMPLE_RGT, 2, VMDK_ENTRY_ZERO);
	struct checked c = check(&s);
	cr_assert_eq(c.found.v[0].host, SAMPLE_RGT * 512 + 4);
	cr_assert_eq(c.result.allocated, 6);
	expect(&c, &vmdk_found_second_behind, 3);

	sample_start(&s);
	img_put_le32(s.bytes + VMDK_HDR_FLAGS, VMDK_FLAG_REDUNDANT | VMDK_FLAG_ZERO_GRAIN);
	sample_put(&s, SAMPLE_GT, 2, VMDK_ENTRY_ZERO);
	c = check(&s);
	expect(&c, &vmdk_found_second_differs, 1);
}

Test(vmdk_check, directories_beside_each_other)
{
	struct sample s;

	sample_start(&s);
	img_put_le32(s.bytes + SAMPLE_GD * 512 + 4, 0);
	struct checked c = check(&s);
	cr_assert_eq(c.found.v[0].host, SAMPLE_GD * 512 + 4);
	cr_assert_eq(c.found.v[0].guest, 512 * SAMPLE_GRAIN * 512);
	cr_assert_eq(c.result.allocated, 6);
	expect(&c, &vmdk_found_second_differs, 1);

	sample_start(&s);
	img_put_le32(s.bytes + SAMPLE_RGD * 512, 1 << 20);
	c = check(&s);
	cr_assert_eq(c.found.v[0].host, SAMPLE_RGD * 512);
	expect(&c, &vmdk_found_second_outside, 1);
}

Test(vmdk_check, one_table_for_two)
{
	struct sample s;

	sample_start(&s);
	img_put_le32(s.bytes + SAMPLE_GD * 512 + 4, SAMPLE_RGT + 4);
	struct checked c = check(&s);
	expect(&c, &vmdk_found_overlap, 1);
}

Test(vmdk_check, a_grain_on_two_others)
{
	struct sample s;

	sample_start(&s);
	sample_put_both(&s, 100, SAMPLE_DATA + SAMPLE_GRAIN / 2);
	struct checked c = check(&s);
	cr_assert_eq(img_findings_count(&c.found, &vmdk_found_grain_doubled), 1);
	cr_assert_eq(img_findings_count(&c.found, &vmdk_found_grain_unaligned), 1);
	img_findings_clear(&c.found);
}

Test(vmdk_check, neighbours_that_leak_are_one_finding)
{
	struct sample s;

	sample_start(&s);
	sample_put_both(&s, 1, 0);
	sample_put_both(&s, 2, 0);
	struct checked c = check(&s);
	cr_assert_eq(c.found.n, 1);
	cr_assert_eq(c.found.v[0].host, (SAMPLE_DATA + SAMPLE_GRAIN) * 512);
	expect(&c, &vmdk_found_grain_leak, 2);
}

Test(vmdk_check, what_may_be_data_is_no_leak)
{
	struct sample s;

	sample_start(&s);
	sample_put_both(&s, 1, 0);
	sample_put_both(&s, 2, 1 << 20);
	struct checked c = check(&s);
	expect(&c, &vmdk_found_grain_outside, 1);
}

Test(vmdk_check, a_part_of_a_grain_is_not_all_of_it)
{
	struct sample s;

	sample_start(&s);
	s.len -= 1;
	struct checked c = check(&s);
	expect(&c, &vmdk_found_grain_outside, 1);
}

/* The last grain of a disk may be shorter, and so the file. */
Test(vmdk_check, the_last_grain_may_end_with_the_disk)
{
	struct sample s;

	sample_start(&s);
	img_put_le64(s.bytes + VMDK_HDR_CAPACITY, SAMPLE_CAPACITY - 3);
	s.len -= 3 * 512;
	struct checked c = check(&s);
	expect(&c, NULL, 0);
	s.len -= 512;
	c = check(&s);
	expect(&c, &vmdk_found_grain_outside, 1);
}

Test(vmdk_check, zeroed_grains_need_their_flag)
{
	struct sample s;

	sample_start(&s);
	sample_put_both(&s, 50, VMDK_ENTRY_ZERO);
	struct checked c = check(&s);
	cr_assert_geq(img_findings_count(&c.found, &vmdk_found_overlap), 1);
	img_findings_clear(&c.found);
	img_put_le32(s.bytes + VMDK_HDR_FLAGS,
		     VMDK_FLAG_LINE_ENDS | VMDK_FLAG_REDUNDANT | VMDK_FLAG_ZERO_GRAIN);
	c = check(&s);
	cr_assert_eq(c.result.allocated, 6);
	expect(&c, NULL, 0);
}
