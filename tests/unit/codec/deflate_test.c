/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which windows the deflate codecs write and read; zlib, as a streaming reader, is the judge. */
#include <criterion/criterion.h>
#include <zlib.h>

#include "codec/codec.h"

#define UNIT 65536
#define DISTANCE 20000

static uint8_t plain[UNIT], packed[UNIT], out[UNIT];

/* Noise that repeats at a distance which only a large window reaches, and a little near matter. */
static void fill(void)
{
	uint32_t state = 7;

	for (size_t i = 0; i < UNIT; i++) {
		state = state * 1664525 + 1013904223;
		plain[i] = i % DISTANCE < 3000 ? (uint8_t)(i % 7) : (uint8_t)(state >> 24);
		if (i >= DISTANCE)
			plain[i] = plain[i - DISTANCE];
	}
}

static size_t encode(const struct img_codec *codec)
{
	struct img_err err = { 0 };
	size_t used;
	void *cx = codec->open(codec->level_default, UNIT, &err);

	fill();
	cr_assert(cx);
	cr_assert(codec->encode(cx, plain, UNIT, packed, UNIT, &used, &err));
	codec->close(cx);
	return used;
}

/* Reads with a window of 4 KiB and little room for output, so that only the window is history. */
static bool streams_through_4k(size_t len)
{
	z_stream z = { .next_in = packed, .avail_in = (uInt)len };
	int got = inflateInit2(&z, -12);

	z.next_out = out;
	while (got == Z_OK && z.total_out < UNIT) {
		z.avail_out = 100;
		got = inflate(&z, Z_NO_FLUSH);
	}
	inflateEnd(&z);
	return got == Z_OK || got == Z_STREAM_END;
}

Test(deflate, full_window_finds_far_matches)
{
	const size_t used = encode(&img_codec_deflate);

	cr_assert(used > 0 && used < UNIT / 2, "%zu", used);
	cr_assert_not(streams_through_4k(used));
}

Test(deflate12, stays_within_4_KiB)
{
	const size_t used = encode(&img_codec_deflate12);

	cr_assert(used > UNIT / 2, "%zu", used);
	cr_assert(streams_through_4k(used));
	cr_assert_arr_eq(out, plain, UNIT);
}

Test(deflate12, reads_the_full_window)
{
	const size_t used = encode(&img_codec_deflate);
	struct img_err err = { 0 };
	void *cx = img_codec_deflate12.open(1, UNIT, &err);

	cr_assert(img_codec_deflate12.decode(cx, packed, used, out, UNIT, &err), "%s", err.text);
	cr_assert_arr_eq(out, plain, UNIT);
	img_codec_deflate12.close(cx);
}
