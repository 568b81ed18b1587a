/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bitmaps of an image that is open for writing: when the file says that they are in use, and what
 * becomes of those that cannot be relied on.  tests/disk has power cuts.
 */
#include "format/qcow2/bitmap.h"
#include "sample.h"

/* Header, L1, refcount table, refcount block, directory, and the table of the bitmap. */
enum { C = 4096, BLOCK = 3 * C, DIRECTORY = 4 * C, TABLE = 5 * C, USED = 6, DISK = 64 * C };

/* One bitmap, empty and enabled. */
static struct qcow2_bitmap usual(void)
{
	return (struct qcow2_bitmap){
		.name = (char *)(uintptr_t)"a", .table_off = TABLE, .table_entries = 1,
		.flags = QCOW2_BITMAP_AUTO, .type = QCOW2_BITMAP_TYPE_DIRTY, .granularity_bits = 12,
	};
}

static void start(struct sample *s, struct qcow2_bitmap bm, uint64_t autoclear)
{
	const struct qcow2_bitmap_list list = { .v = &bm, .n = 1 };
	struct qcow2_header hdr = sample_header(12, DISK);

	hdr.n_bitmaps = 1;
	hdr.bitmap_dir_off = DIRECTORY;
	hdr.bitmap_dir_len = qcow2_bitmap_dir_len(&list);
	hdr.autoclear = autoclear;
	sample_start(s, hdr);
	img_put_be64(s->bytes + hdr.reftable_off, BLOCK);
	for (uint64_t c = 0; c < USED; c++)
		qcow2_refcount_put(s->bytes + BLOCK, 4, c, 1);
	qcow2_bitmap_dir_encode(&list, false, s->bytes + DIRECTORY);
}

static void open_disk(struct sample *s)
{
	const struct img_layer_open how = { .flags = IMG_OPEN_WRITE, .cache_size = IMG_CACHE_SIZE };
	struct img_err err = { 0 };

	s->ly = (struct img_layer){ .format = &img_format_qcow2 };
	s->ly.store = img_store_mem(s->bytes, USED * C, &err);
	cr_assert(s->ly.store && img_format_qcow2.open(&s->ly, &how, &err), "%s", err.text);
}

static void must_write(struct sample *s)
{
	static const uint8_t bytes[C] = { 1 };
	struct img_err err = { 0 };

	cr_assert(img_format_qcow2.disk->write(&s->ly, 7 * C, bytes, C, &err), "%s", err.text);
}

static void must_finish(struct sample *s)
{
	struct img_err err = { 0 };
	bool freed;

	cr_assert(img_format_qcow2.disk->flush(&s->ly, &freed, &err), "%s", err.text);
	cr_assert(img_format_qcow2.disk->finish(&s->ly, &err), "%s", err.text);
}

static void read_file(struct sample *s, uint64_t at, uint8_t *raw, size_t len)
{
	struct img_err err = { 0 };

	cr_assert(img_store_read(s->ly.store, at, raw, len, &err), "%s", err.text);
}

/* The header as the file has it now, without what it owns. */
static struct qcow2_header header_now(struct sample *s)
{
	struct qcow2_header hdr;
	struct img_err err = { 0 };
	uint8_t raw[C];

	read_file(s, 0, raw, C);
	cr_assert(qcow2_header_decode(raw, C, &hdr, &err), "%s", err.text);
	struct qcow2_header numbers = hdr;
	qcow2_header_clear(&hdr);
	return numbers;
}

/* The flags of the first bitmap in the file. */
static uint32_t flags_now(struct sample *s)
{
	uint8_t raw[C];

	read_file(s, header_now(s).bitmap_dir_off, raw, C);
	return img_get_be32(raw + QCOW2_BITMAP_FLAGS);
}

Test(bitmap, in_use_from_the_first_change_on)
{
	struct sample s;

	start(&s, usual(), QCOW2_AUTOCLEAR_BITMAPS);
	open_disk(&s);
	cr_assert_eq(flags_now(&s), QCOW2_BITMAP_AUTO, "opening alone");
	must_write(&s);
	cr_assert_eq(flags_now(&s), QCOW2_BITMAP_AUTO | QCOW2_BITMAP_IN_USE, "a write");
	must_finish(&s);
	cr_assert_eq(flags_now(&s), QCOW2_BITMAP_AUTO, "the end");
	cr_assert_neq(header_now(&s).bitmap_dir_off, DIRECTORY);
	sample_end(&s);
}

Test(bitmap, the_same_change_again_moves_nothing)
{
	struct sample s;

	start(&s, usual(), QCOW2_AUTOCLEAR_BITMAPS);
	img_put_be64(s.bytes + TABLE, QCOW2_BITMAP_ENTRY_ONES);
	open_disk(&s);
	must_write(&s);
	cr_assert(flags_now(&s) & QCOW2_BITMAP_IN_USE);
	must_finish(&s);
	cr_assert_eq(header_now(&s).bitmap_dir_off, DIRECTORY);
	cr_assert_eq(flags_now(&s), QCOW2_BITMAP_AUTO);
	sample_end(&s);
}

Test(bitmap, what_cannot_record_is_inconsistent_after_a_change)
{
	/* The table is damaged for both; of an unknown type it would not even be read. */
	struct qcow2_bitmap unknown = usual(), damaged = usual();
	struct qcow2_bitmap *const both[] = { &unknown, &damaged };

	unknown.type = 2;
	for (size_t i = 0; i < 2; i++) {
		struct sample s;

		start(&s, *both[i], QCOW2_AUTOCLEAR_BITMAPS);
		img_put_be64(s.bytes + TABLE, 2);
		open_disk(&s);
		must_finish(&s);
		cr_assert_eq(flags_now(&s), QCOW2_BITMAP_AUTO, "no change");
		sample_end(&s);

		start(&s, *both[i], QCOW2_AUTOCLEAR_BITMAPS);
		img_put_be64(s.bytes + TABLE, 2);
		open_disk(&s);
		must_write(&s);
		must_finish(&s);
		cr_assert(flags_now(&s) & QCOW2_BITMAP_IN_USE, "a change");
		sample_end(&s);
	}
}

Test(bitmap, a_damaged_directory_is_given_up)
{
	struct sample s;

	start(&s, usual(), QCOW2_AUTOCLEAR_BITMAPS);
	img_put_be16(s.bytes + DIRECTORY + QCOW2_BITMAP_NAME_LEN, 999);
	open_disk(&s);
	cr_assert_eq(header_now(&s).autoclear, 0);
	must_write(&s);
	must_finish(&s);
	sample_end(&s);
}

Test(bitmap, what_is_lost_is_not_written)
{
	struct sample s;

	start(&s, usual(), 0);
	open_disk(&s);
	must_write(&s);
	cr_assert_eq(flags_now(&s), QCOW2_BITMAP_AUTO, "it may be anybody's place");
	must_finish(&s);
	cr_assert_eq(flags_now(&s), QCOW2_BITMAP_AUTO);
	sample_end(&s);
}

Test(bitmap, what_is_lost_does_not_come_back)
{
	struct img_bitmap *list;
	struct img_err err = { 0 };
	struct sample s;
	size_t n;

	start(&s, usual(), 0);
	open_disk(&s);
	cr_assert(qcow2_bitmap_ops.list(&s.ly, &list, &n, &err), "%s", err.text);
	cr_assert(n == 1 && list[0].in_use && list[0].unusable);
	img_bitmap_list_free(list, n);
	cr_assert(qcow2_bitmap_ops.create(&s.ly, "b", 0, true, &err), "%s", err.text);
	must_write(&s);
	must_finish(&s);
	cr_assert_eq(header_now(&s).autoclear, QCOW2_AUTOCLEAR_BITMAPS);
	cr_assert_eq(header_now(&s).n_bitmaps, 1);
	cr_assert(qcow2_bitmap_ops.list(&s.ly, &list, &n, &err), "%s", err.text);
	cr_assert(n == 1 && !strcmp(list[0].name, "b") && list[0].dirty == C);
	img_bitmap_list_free(list, n);
	sample_end(&s);
}
