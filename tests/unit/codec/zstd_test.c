/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* zstd streams as other programs write them. */
#include <criterion/criterion.h>
#include <string.h>
#include <zstd.h>

#include "base/bytes.h"
#include "codec/codec.h"

#define UNIT 65536

static uint8_t plain[UNIT], packed[UNIT], out[UNIT];

/* A frame of plain[at, at + len) that does not say how long its content is. */
static size_t frame_of_unknown_length(size_t at, size_t len, uint8_t *to)
{
	ZSTD_CCtx *cx = ZSTD_createCCtx();
	ZSTD_inBuffer in = { plain + at, len, 0 };
	ZSTD_outBuffer made = { to, UNIT, 0 };

	ZSTD_CCtx_setParameter(cx, ZSTD_c_contentSizeFlag, 0);
	cr_assert_eq(ZSTD_compressStream2(cx, &made, &in, ZSTD_e_end), 0);
	ZSTD_freeCCtx(cx);
	return made.pos;
}

static bool decode(size_t len)
{
	struct img_err err = { 0 };
	void *cx = img_codec_zstd.open(3, UNIT, &err);
	const bool ok = img_codec_zstd.decode(cx, packed, len, out, UNIT, &err);

	img_codec_zstd.close(cx);
	return ok && !memcmp(plain, out, UNIT);
}

static void fill(void)
{
	for (size_t i = 0; i < UNIT; i++)
		plain[i] = (uint8_t)(i / 5 ^ i % 11);
}

Test(zstd, reads_frames_without_content_size)
{
	size_t len;

	fill();
	len = frame_of_unknown_length(0, UNIT, packed);
	memset(packed + len, 0xee, 300);
	cr_assert(decode(len + 300));
}

Test(zstd, reads_a_unit_made_of_several_frames)
{
	size_t len;

	fill();
	len = frame_of_unknown_length(0, 10000, packed);
	/* a skippable frame of three bytes between the two */
	img_put_le32(packed + len, 0x184d2a50);
	img_put_le32(packed + len + 4, 3);
	len += 8 + 3;
	len += frame_of_unknown_length(10000, UNIT - 10000, packed + len);
	cr_assert(decode(len));
	cr_assert_not(decode(len - 1));
}

enum { LARGEST = 1 << 18 };

static uint8_t text[LARGEST], own[LARGEST], theirs[LARGEST];

static uint32_t draw(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 16;
}

/* Words of two to nine letters out of some thousand, of which few are frequent. */
static void fill_text(void)
{
	uint32_t state = 7;

	for (size_t i = 0; i < LARGEST;) {
		uint32_t word = draw(&state) % (1 + draw(&state) % 4096) + 1;

		for (uint32_t n = 2 + word % 8; n && i < LARGEST; n--)
			text[i++] = (uint8_t)('a' + draw(&word) % 26);
		if (i < LARGEST)
			text[i++] = ' ';
	}
}

static size_t encode_at(int level, size_t unit)
{
	struct img_err err = { 0 };
	void *cx = img_codec_zstd.open(level, unit, &err);
	size_t used = 0;

	cr_assert(cx && img_codec_zstd.encode(cx, text, unit, own, unit, &used, &err));
	img_codec_zstd.close(cx);
	return used;
}

Test(zstd, has_the_levels_of_the_library)
{
	fill_text();
	for (int level = 1; level <= 4; level++) {
		const size_t len = ZSTD_compress(theirs, UNIT, text, UNIT, level);

		cr_assert_eq(encode_at(level, UNIT), len, "level %d", level);
		cr_assert_arr_eq(own, theirs, len);
	}
}

/* Of text, which is the worst for them, the parameters of ours make less than a tenth more. */
Test(zstd, is_tuned_for_usual_clusters_unless_a_level_is_asked_for)
{
	fill_text();
	for (size_t unit = 512; unit <= LARGEST; unit *= 2) {
		const size_t len = encode_at(img_codec_zstd.level_default, unit);
		const size_t usual = ZSTD_compress(theirs, LARGEST, text, unit, 3);

		if (unit == 65536 || unit == 131072)
			cr_assert(len != usual && len < usual + usual / 10, "%zu: %zu, not %zu", unit, len,
				  usual);
		else
			cr_assert_eq(len, usual, "%zu", unit);
		cr_assert_eq(ZSTD_decompress(theirs, LARGEST, own, len), unit);
		cr_assert_arr_eq(theirs, text, unit);
	}
}
