/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <zlib.h>
#include "scratch.h"
#include "store/unpack.h"

static const char *kind(const char *head, size_t len)
{
	const struct img_packing *packing = img_packing_of((const uint8_t *)head, len, false);

	return packing ? img_packing_name(packing) : "none";
}

static const char *said_kind(const char *head, size_t len)
{
	const struct img_packing *packing = img_packing_of((const uint8_t *)head, len, true);

	return packing ? img_packing_name(packing) : "none";
}

Test(unpack, is_known_by_the_first_bytes)
{
	cr_assert_str_eq(kind("\x1f\x8b\x08\x18", 4), "gzip");
	cr_assert_str_eq(kind("\x1f\x8b\x08\x20", 4), "none");
	cr_assert_str_eq(kind("\x1f\x8b\x08", 3), "none");
	cr_assert_str_eq(kind("\xfd" "7zXZ", 6), "xz");
	cr_assert_str_eq(kind("\x28\xb5\x2f\xfd", 4), "zstd");
	cr_assert_str_eq(kind("BZh91AY&SY", 10), "bzip2");
	cr_assert_str_eq(kind("BZh91AY&SX", 10), "none");
	cr_assert_str_eq(kind("BZh9\x17\x72\x45\x38\x50\x90", 10), "bzip2");
	cr_assert_str_eq(kind("LZIP\1", 5), "lzip");
	cr_assert_str_eq(kind("\4\x22\x4d\x18", 4), "lz4");
	cr_assert_str_eq(kind("QFI\xfb\0\0\0\3", 8), "none");
	cr_assert_str_eq(kind("", 0), "none");
	cr_assert_str_eq(kind("\x1f\x9d\x90", 3), "none");
	cr_assert_str_eq(said_kind("\x1f\x9d\x90", 3), "compress");
	cr_assert_str_eq(said_kind("\x1f\x9d\x91", 3), "none");
	cr_assert_str_eq(said_kind("\x1f\x9d\x88", 3), "none");
	cr_assert_str_eq(said_kind("\x1f\x9d\xb0", 3), "none");
	cr_assert_str_eq(said_kind("\x1f\x9d", 2), "none");
	cr_assert_str_eq(said_kind("\x1f\x8b\x08\x18", 4), "gzip");
}

enum { LEN = 300000 };

/* Two members with all of LEN bytes in them, then padding. */
static size_t gzip(uint8_t *out, size_t cap, size_t padding)
{
	uint8_t *bytes = malloc(LEN);
	size_t used = 0;

	fill_pattern(bytes, 0, LEN);
	for (size_t half = 0; half < 2; half++) {
		z_stream z = { .next_in = bytes + half * LEN / 2, .avail_in = LEN / 2,
			       .next_out = out + used, .avail_out = (uInt)(cap - used) };

		cr_assert_eq(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
		cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
		used = cap - z.avail_out;
		cr_assert_eq(deflateEnd(&z), Z_OK);
	}
	free(bytes);
	memset(out + used, 0, padding);
	return used + padding;
}

static struct img_store *unpack(const uint8_t *bytes, size_t len)
{
	struct img_store *packed, *st;

	ok(packed = img_store_mem(bytes, len, &err));
	ok(st = img_store_unpacked(packed, img_packing_of(bytes, len, false), UINT64_MAX, &err));
	return st;
}

static uint8_t packed[2 * LEN], found[LEN + 1];

Test(unpack, takes_all_members_of_gzip)
{
	const size_t len = gzip(packed, sizeof(packed), 700);
	struct img_store *st = unpack(packed, len);
	size_t got;

	ok(img_store_read_some(st, 0, found, LEN + 1, &got, &err));
	cr_assert(got == LEN && is_pattern(found, 0, LEN));
	img_store_close(st);
}

static void gives_no_more_than(const uint8_t *bytes, size_t len, enum img_code code)
{
	struct img_store *st = unpack(bytes, len);
	size_t got;

	fails(img_store_read_some(st, 0, found, LEN + 1, &got, &err), code);
	img_store_close(st);
}

Test(unpack, a_wrong_checksum_and_what_is_cut_off_fail)
{
	const size_t len = gzip(packed, sizeof(packed), 0);

	gives_no_more_than(packed, len - 1, IMG_E_INCOMPLETE);
	gives_no_more_than(packed, 20, IMG_E_INCOMPLETE);
	packed[len - 6] ^= 1;
	gives_no_more_than(packed, len, IMG_E_CORRUPT);
	packed[len - 6] ^= 1;
	packed[len] = 'x';
	gives_no_more_than(packed, len + 1, IMG_E_INCOMPLETE);
	memcpy(packed + len, "not another member", 18);
	gives_no_more_than(packed, len + 18, IMG_E_CORRUPT);
}
