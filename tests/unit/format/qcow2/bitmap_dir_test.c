/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bitmap directory: both directions, and every number at and behind its limit. */
#include "format/qcow2/bitmap.h"
#include "sample.h"

enum { BITS = 16, CLUSTER = 1 << BITS };

/* One bitmap with all that an entry can have, and a plain one. */
static uint8_t extra[5] = { 1, 2, 3, 4, 5 };
static struct qcow2_bitmap both[] = {
	{ .name = (char *)(uintptr_t)"first", .table_off = 5 * CLUSTER, .table_entries = 3,
	  .flags = QCOW2_BITMAP_AUTO | QCOW2_BITMAP_EXTRA_COMPATIBLE,
	  .type = QCOW2_BITMAP_TYPE_DIRTY, .granularity_bits = 12,
	  .extra = { extra, sizeof(extra) } },
	{ .name = (char *)(uintptr_t)"2", .table_off = 9 * CLUSTER, .table_entries = 1,
	  .type = QCOW2_BITMAP_TYPE_DIRTY, .granularity_bits = 9 },
};
static struct qcow2_bitmap_list list = { .v = both, .n = 2 };

static enum img_code decode_code(const uint8_t *raw, size_t len, size_t n)
{
	struct qcow2_bitmap_list out;
	struct img_err err = { 0 };

	if (!qcow2_bitmap_dir_decode(raw, len, n, BITS, &out, &err)) {
		cr_assert(err.text[0]);
		return err.code;
	}
	qcow2_bitmap_list_clear(&out);
	return IMG_OK;
}

Test(bitmap_dir, everything_comes_back)
{
	uint8_t raw[128], again[128];
	struct qcow2_bitmap_list out;
	struct img_err err = { 0 };
	const size_t len = qcow2_bitmap_dir_len(&list);

	cr_assert_eq(len, 40 + 32);
	qcow2_bitmap_dir_encode(&list, false, raw);
	cr_assert(qcow2_bitmap_dir_decode(raw, len, 2, BITS, &out, &err), "%s", err.text);
	cr_assert_eq(out.n, 2);
	cr_assert_str_eq(out.v[0].name, "first");
	cr_assert_eq(out.v[0].table_off, 5 * CLUSTER);
	cr_assert_eq(out.v[0].table_entries, 3);
	cr_assert_eq(out.v[0].flags, both[0].flags);
	cr_assert_eq(out.v[0].granularity_bits, 12);
	cr_assert_eq(out.v[0].extra.len, sizeof(extra));
	cr_assert_str_eq(out.v[1].name, "2");
	qcow2_bitmap_dir_encode(&out, false, again);
	cr_assert_eq(memcmp(raw, again, len), 0);
	qcow2_bitmap_list_clear(&out);
}

Test(bitmap_dir, in_use_are_those_that_record)
{
	uint8_t raw[128];

	qcow2_bitmap_dir_encode(&list, true, raw);
	cr_assert(img_get_be32(raw + QCOW2_BITMAP_FLAGS) & QCOW2_BITMAP_IN_USE);
	cr_assert_eq(img_get_be32(raw + 40 + QCOW2_BITMAP_FLAGS), 0);
}

static const struct change {
	const char *what;
	size_t at;
	unsigned width;			/* bytes */
	uint64_t value;
	enum img_code code;
} changes[] = {
	{ "nothing", 0, 8, 5 * CLUSTER, IMG_OK },
	{ "no table", QCOW2_BITMAP_TABLE_OFF, 8, 0, IMG_E_CORRUPT },
	{ "a table inside a cluster", QCOW2_BITMAP_TABLE_OFF, 8, 512, IMG_E_CORRUPT },
	{ "an empty table", QCOW2_BITMAP_TABLE_ENTRIES, 4, 0, IMG_E_CORRUPT },
	{ "the largest table", QCOW2_BITMAP_TABLE_ENTRIES, 4, 128 << 20, IMG_OK },
	{ "a larger table", QCOW2_BITMAP_TABLE_ENTRIES, 4, (128 << 20) + 1, IMG_E_CORRUPT },
	{ "unknown flags", QCOW2_BITMAP_FLAGS, 4, UINT32_MAX, IMG_OK },
	{ "an unknown type", QCOW2_BITMAP_TYPE, 1, 2, IMG_OK },
	{ "the largest granule", QCOW2_BITMAP_GRANULARITY, 1, 63, IMG_OK },
	{ "a larger granule", QCOW2_BITMAP_GRANULARITY, 1, 64, IMG_E_CORRUPT },
	{ "no name", QCOW2_BITMAP_NAME_LEN, 2, 0, IMG_E_CORRUPT },
	{ "a longer name", QCOW2_BITMAP_NAME_LEN, 2, 12, IMG_E_CORRUPT },
	{ "a name beyond the end", QCOW2_BITMAP_NAME_LEN, 2, 1023, IMG_E_CORRUPT },
	{ "data beyond the end", QCOW2_BITMAP_EXTRA_LEN, 4, UINT32_MAX, IMG_E_CORRUPT },
	{ "a zero byte in the name", QCOW2_BITMAP_EXTRA + 6, 1, 0, IMG_E_CORRUPT },
};

static void put(uint8_t *at, unsigned width, uint64_t value)
{
	for (unsigned i = 0; i < width; i++)
		at[i] = (uint8_t)(value >> 8 * (width - 1 - i));
}

Test(bitmap_dir, every_number_at_its_limit)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		uint8_t raw[128];

		qcow2_bitmap_dir_encode(&list, false, raw);
		put(raw + changes[i].at, changes[i].width, changes[i].value);
		cr_assert_eq(decode_code(raw, 72, 2), changes[i].code, "%s", changes[i].what);
	}
}

Test(bitmap_dir, it_ends_where_it_says)
{
	uint8_t raw[128] = { 0 };

	qcow2_bitmap_dir_encode(&list, false, raw);
	for (size_t len = 0; len < 72; len++)
		cr_assert_eq(decode_code(raw, len, 2), IMG_E_CORRUPT, "%zu", len);
	cr_assert_eq(decode_code(raw, 80, 2), IMG_E_CORRUPT);
	cr_assert_eq(decode_code(raw, 72, 1), IMG_E_CORRUPT);
	cr_assert_eq(decode_code(raw, 72, SIZE_MAX), IMG_E_CORRUPT);
}

Test(bitmap_dir, names_of_1023_bytes)
{
	struct qcow2_bitmap bm = both[1];
	const struct qcow2_bitmap_list one = { .v = &bm, .n = 1 };
	char name[1025] = "";
	uint8_t raw[2048];

	memset(name, 'n', 1023);
	bm.name = name;
	qcow2_bitmap_dir_encode(&one, false, raw);
	cr_assert_eq(decode_code(raw, qcow2_bitmap_dir_len(&one), 1), IMG_OK);
	name[1023] = 'n';
	qcow2_bitmap_dir_encode(&one, false, raw);
	cr_assert_eq(decode_code(raw, qcow2_bitmap_dir_len(&one), 1), IMG_E_CORRUPT);
}

Test(bitmap_dir, what_cannot_be_relied_on)
{
	struct qcow2_bitmap bm = both[0];

	cr_assert_null(qcow2_bitmap_unusable(&bm));
	bm.flags = QCOW2_BITMAP_AUTO;
	cr_assert_not_null(qcow2_bitmap_unusable(&bm), "data of an unknown kind");
	bm = both[1];
	cr_assert_null(qcow2_bitmap_unusable(&bm));
	bm.flags = QCOW2_BITMAP_IN_USE;
	cr_assert_not_null(qcow2_bitmap_unusable(&bm));
	bm.flags = 8;
	cr_assert_not_null(qcow2_bitmap_unusable(&bm));
	bm = both[1];
	bm.type = 2;
	cr_assert_not_null(qcow2_bitmap_unusable(&bm));
	bm = both[1];
	bm.granularity_bits = 8;
	cr_assert_not_null(qcow2_bitmap_unusable(&bm));
	bm.granularity_bits = 32;
	cr_assert_not_null(qcow2_bitmap_unusable(&bm));
}
