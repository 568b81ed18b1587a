/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a check finds, and what it leaves alone; one sample of each finding is in testdata/check. */
#include <string.h>
#include "sample.h"

enum { B = SAMPLE_BLOCK };

struct checked {
	struct img_findings found;
	struct img_check_result result;
};

/* Five blocks of the file are in use by a disk of eight; they end with the file. */
static void start(struct sample *s, struct vdi_header hdr)
{
	static const uint32_t entries[] = { 4, 0, VDI_ENTRY_FREE, 1, VDI_ENTRY_ZERO, 2, 3 };

	hdr.n_allocated = 5;
	sample_start(s, hdr);
	for (uint32_t i = 0; i < 7; i++)
		sample_put(s, i, entries[i]);
}

static uint64_t file_end(const struct sample *s)
{
	return vdi_host(&s->hdr, 5) - s->hdr.block_extra;
}

static struct checked check(struct sample *s, size_t len)
{
	const struct img_checking how = { .threads = 1, .memory = 1 << 20 };
	struct checked out = { .found = { .most = 1000 } };
	struct img_err err = { 0 };
	struct img_layer ly = { .format = &img_format_vdi };

	cr_assert(ly.store = img_store_mem(s->bytes, len, &err));
	cr_assert(ly.format->check->check(&ly, &how, &out.found, &out.result, &err), "%s", err.text);
	img_store_close(ly.store);
	return out;
}

/* That kind is found n times in all, and nothing else; NULL: nothing is.  Frees. */
static void expect(struct checked *c, const struct img_finding_kind *kind, uint64_t n)
{
	cr_assert_eq(c->found.n, n ? 1 : 0, "%zu findings, the first is %s", c->found.n,
		     c->found.n ? c->found.v[0].kind->id : "none");
	if (n) {
		cr_assert_str_eq(c->found.v[0].kind->id, kind->id);
		cr_assert_eq(c->found.v[0].n, n);
	}
	img_findings_clear(&c->found);
}

Test(vdi_check, a_clean_image)
{
	struct sample s;

	start(&s, sample_header(8));
	struct checked c = check(&s, file_end(&s));
	cr_assert_eq(c.result.total, 8);
	cr_assert_eq(c.result.allocated, 5);
	cr_assert_eq(c.result.fragmented, 1);
	cr_assert_eq(c.result.image_end, file_end(&s));
	expect(&c, NULL, 0);
	free(s.bytes);
}

Test(vdi_check, bytes_in_front_of_blocks_belong_to_them)
{
	struct vdi_header hdr = sample_header(8);
	struct sample s;

	hdr.block_extra = 512;
	start(&s, hdr);
	struct checked c = check(&s, file_end(&s));
	expect(&c, NULL, 0);
	c = check(&s, file_end(&s) - 1);
	expect(&c, &vdi_found_map_outside, 1);
	free(s.bytes);
}

Test(vdi_check, neighbours_that_leak_are_one_finding)
{
	struct sample s;

	start(&s, sample_header(8));
	sample_put(&s, 1, VDI_ENTRY_FREE);
	sample_put(&s, 3, VDI_ENTRY_FREE);
	struct checked c = check(&s, file_end(&s));
	cr_assert_eq(c.found.v[0].host, s.hdr.data_off);
	expect(&c, &vdi_found_block_leak, 2);
	free(s.bytes);
}

Test(vdi_check, the_number_of_blocks_is_that_of_the_file)
{
	struct vdi_header hdr = sample_header(8);
	struct sample s;

	start(&s, hdr);
	img_put_le32(s.bytes + VDI_HDR_ALLOCATED, 4);
	struct checked c = check(&s, file_end(&s));
	cr_assert_eq(c.found.v[0].expected, 5);
	cr_assert_eq(c.found.v[0].found, 4);
	expect(&c, &vdi_found_header_count, 1);
	img_put_le32(s.bytes + VDI_HDR_ALLOCATED, 6);
	c = check(&s, file_end(&s));
	expect(&c, &vdi_found_header_high, 1);
	img_put_le32(s.bytes + VDI_HDR_ALLOCATED, 9);
	c = check(&s, file_end(&s));
	expect(&c, &vdi_found_header_count, 1);
	img_put_le32(s.bytes + VDI_HDR_ALLOCATED, 6);
	/* With a sixth block it is right, and the block a leak. */
	c = check(&s, file_end(&s) + B);
	expect(&c, &vdi_found_block_leak, 1);
	free(s.bytes);
}

Test(vdi_check, blocks_behind_the_disk_are_looked_at)
{
	struct vdi_header hdr = sample_header(8);
	struct sample s;

	hdr.size = 6 * B;
	start(&s, hdr);
	struct checked c = check(&s, file_end(&s));
	cr_assert_eq(c.result.total, 6);
	cr_assert_eq(c.result.allocated, 4);
	expect(&c, NULL, 0);
	sample_put(&s, 7, 3);
	c = check(&s, file_end(&s));
	expect(&c, &vdi_found_map_doubled, 1);
	free(s.bytes);
}

Test(vdi_check, the_last_block_may_end_with_the_disk)
{
	struct vdi_header hdr = sample_header(7);
	struct sample s;

	hdr.size -= 100;
	start(&s, hdr);
	sample_put(&s, 6, 4);
	sample_put(&s, 0, 3);
	struct checked c = check(&s, file_end(&s) - 100);
	expect(&c, NULL, 0);
	c = check(&s, file_end(&s) - 101);
	expect(&c, &vdi_found_map_outside, 1);
	free(s.bytes);
}

Test(vdi_check, blocks_of_a_fixed_image_have_their_places)
{
	struct vdi_header hdr = sample_header(3);
	struct sample s;

	hdr.type = VDI_TYPE_FIXED;
	hdr.n_allocated = 3;
	sample_start(&s, hdr);
	for (uint32_t i = 0; i < 3; i++)
		sample_put(&s, i, i);
	struct checked c = check(&s, hdr.data_off + 3 * B);
	expect(&c, NULL, 0);
	sample_put(&s, 2, VDI_ENTRY_FREE);
	img_put_le32(s.bytes + VDI_HDR_ALLOCATED, 2);
	c = check(&s, hdr.data_off + 2 * B);
	cr_assert_eq(c.found.v[0].expected, 2);
	expect(&c, &vdi_found_map_fixed, 1);
	free(s.bytes);
}

Test(vdi_check, what_is_unknown_is_no_damage)
{
	const struct img_checking how = { .threads = 1 };
	struct img_findings found = { .most = 10 };
	struct img_check_result result;
	struct img_layer ly = { .format = &img_format_vdi };
	struct img_err err = { 0 };
	struct sample s;

	start(&s, sample_header(8));
	img_put_le32(s.bytes + VDI_HDR_TYPE, 9);
	cr_assert(ly.store = img_store_mem(s.bytes, SAMPLE_BYTES, &err));
	cr_assert_not(ly.format->check->check(&ly, &how, &found, &result, &err));
	cr_assert_eq(err.code, IMG_E_UNSUPPORTED);
	img_store_close(ly.store);
	free(s.bytes);
}
