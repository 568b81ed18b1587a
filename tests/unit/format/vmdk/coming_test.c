/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which files can be read as they come, and how. */
#include "sample.h"
#include "stream_sample.h"

static enum img_pass pass_of(const uint8_t *bytes, size_t len)
{
	struct img_err err = { 0 };
	struct img_store *file = img_store_mem(bytes, len, &err);
	struct img_store *spool = file ? img_store_spool(file, 1 << 20, &err) : NULL;
	struct vmdk_tables *tables = vmdk_tables_new(0, &err);
	struct vmdk_sparse sp;
	enum img_pass pass = IMG_PASS_TOLD;

	cr_assert(spool && tables, "%s", err.text);
	cr_assert(vmdk_coming_open(&sp, spool, tables, &pass, &err), "%s", err.text);
	cr_assert_eq(!sp.told, pass != IMG_PASS_TOLD);
	cr_assert_eq(!sp.gd, pass != IMG_PASS_ORDERED);
	cr_assert(pass != IMG_PASS_ORDERED || sp.coming);
	if (pass != IMG_PASS_NONE)
		vmdk_sparse_clear(&sp);
	vmdk_tables_free(tables);
	img_store_close(spool);
	return pass;
}

Test(vmdk_coming, a_stream_whose_directory_is_at_its_end)
{
	struct stream s;

	stream_start(&s);
	cr_assert_eq(pass_of(s.bytes, s.len), IMG_PASS_TOLD);
	/* Nobody knows where its first marker is. */
	img_put_le64(s.bytes + VMDK_HDR_OVERHEAD, 0);
	cr_assert_eq(pass_of(s.bytes, s.len), IMG_PASS_NONE);
}

/* As QEMU makes them: all tables are in front. */
static void start_ordered(struct sample *s)
{
	sample_start(s);
	img_put_le32(s->bytes + VMDK_HDR_FLAGS, VMDK_FLAG_LINE_ENDS | VMDK_FLAG_REDUNDANT |
		     VMDK_FLAG_ZERO_GRAIN | VMDK_FLAG_COMPRESSED | VMDK_FLAG_MARKERS);
	img_put_le16(s->bytes + VMDK_HDR_COMPRESSION, VMDK_COMPRESSION_DEFLATE);
}

Test(vmdk_coming, a_stream_whose_tables_are_in_front)
{
	struct sample s;

	start_ordered(&s);
	cr_assert_eq(pass_of(s.bytes, s.len), IMG_PASS_ORDERED);
	sample_put_both(&s, 2, VMDK_ENTRY_ZERO);
	cr_assert_eq(pass_of(s.bytes, s.len), IMG_PASS_ORDERED);
}

Test(vmdk_coming, grains_in_no_order)
{
	struct sample s;

	start_ordered(&s);
	sample_put_both(&s, 1, SAMPLE_DATA + 2 * SAMPLE_GRAIN);
	sample_put_both(&s, 2, SAMPLE_DATA + SAMPLE_GRAIN);
	cr_assert_eq(pass_of(s.bytes, s.len), IMG_PASS_NONE);
}

Test(vmdk_coming, a_grain_in_front_of_the_tables)
{
	struct sample s;

	start_ordered(&s);
	sample_put_both(&s, 0, SAMPLE_RGT);
	cr_assert_eq(pass_of(s.bytes, s.len), IMG_PASS_NONE);
}

Test(vmdk_coming, plain_grains_need_a_file)
{
	struct sample s;

	sample_start(&s);
	cr_assert_eq(pass_of(s.bytes, s.len), IMG_PASS_NONE);
}

Test(vmdk_coming, what_ends_in_its_header)
{
	struct stream s;
	struct img_err err = { 0 };
	struct img_store *spool;
	struct vmdk_sparse sp;
	enum img_pass pass;

	stream_start(&s);
	spool = stream_spool(&s, 300);
	cr_assert_not(vmdk_coming_open(&sp, spool, NULL, &pass, &err));
	cr_assert_eq(err.code, IMG_E_INCOMPLETE);
	img_store_close(spool);
}
