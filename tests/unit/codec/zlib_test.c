/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The wrapping is zlib's own: what one writes the other reads, and its checksum is looked at. */
#include <criterion/criterion.h>
#include <zlib.h>

#include "codec/codec.h"

#define UNIT 65536

static uint8_t plain[UNIT], packed[UNIT], out[UNIT];

static void fill(void)
{
	for (size_t i = 0; i < UNIT; i++)
		plain[i] = (uint8_t)(i % 251 + i / 4096);
}

static void *open_codec(void)
{
	struct img_err err = { 0 };
	void *cx = img_codec_zlib.open(img_codec_zlib.level_default, UNIT, &err);

	cr_assert(cx, "%s", err.text);
	return cx;
}

Test(zlib, is_read_by_zlib)
{
	struct img_err err = { 0 };
	void *cx = open_codec();
	uLongf got = UNIT;
	size_t used;

	fill();
	cr_assert(img_codec_zlib.encode(cx, plain, UNIT, packed, UNIT, &used, &err));
	cr_assert_eq(uncompress(out, &got, packed, used), Z_OK);
	cr_assert(got == UNIT && !memcmp(out, plain, UNIT));
	img_codec_zlib.close(cx);
}

Test(zlib, reads_what_zlib_writes_and_sees_a_wrong_checksum)
{
	struct img_err err = { 0 };
	void *cx = open_codec();
	uLongf used = UNIT;

	fill();
	cr_assert_eq(compress(packed, &used, plain, UNIT), Z_OK);
	cr_assert(img_codec_zlib.decode(cx, packed, used, out, UNIT, &err), "%s", err.text);
	cr_assert_not(memcmp(out, plain, UNIT));
	packed[used - 1] ^= 1;
	cr_assert_not(img_codec_zlib.decode(cx, packed, used, out, UNIT, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT);
	img_codec_zlib.close(cx);
}
