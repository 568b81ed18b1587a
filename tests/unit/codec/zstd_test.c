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
