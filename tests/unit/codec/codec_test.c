/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every codec owes its callers, tried on each of them. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"

#define UNIT 65536
#define GUARD 64
#define CANARY 0xa5

static const char *const names[] = {
	"deflate", "deflate12", "zlib", "zstd", "lz4", "xz", "lzo",
};

#define N_NAMES (sizeof(names) / sizeof(names[0]))

/* Text-like bytes that repeat at far and near distances. */
static void fill(uint8_t *buf, size_t len)
{
	uint32_t state = 1;

	for (size_t i = 0; i < len; i++) {
		state = state * 1103515245 + 12345;
		buf[i] = i >= 300 && state >> 30 ? buf[i - 300] : (uint8_t)('a' + (state >> 16) % 16);
	}
}

struct trial {
	const struct img_codec *codec;
	void *cx;
	struct img_err err;
	size_t packed_len;
	uint8_t plain[UNIT], packed[UNIT], out[UNIT + GUARD];
};

static struct trial *trial_new(const char *name, int level)
{
	struct trial *t = calloc(1, sizeof(*t));

	t->codec = img_codec_named(name);
	cr_assert(t->codec, "%s", name);
	t->cx = t->codec->open(level >= 0 ? level : t->codec->level_default, UNIT, &t->err);
	cr_assert(t->cx);
	fill(t->plain, UNIT);
	memset(t->out, CANARY, sizeof(t->out));
	cr_assert(t->codec->encode(t->cx, t->plain, UNIT, t->packed, UNIT, &t->packed_len, &t->err));
	cr_assert(t->packed_len > 0 && t->packed_len < UNIT);
	return t;
}

static void trial_free(struct trial *t)
{
	t->codec->close(t->cx);
	free(t);
}

static bool untouched(const uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (buf[i] != CANARY)
			return false;
	}
	return true;
}

#define FOR_EACH_CODEC(name) \
	for (size_t i_ = 0; i_ < N_NAMES; i_++) \
		for (const char *name = names[i_]; name; name = NULL) \
			if (img_codec_named(name))

Test(codec, unknown_names_have_none)
{
	cr_assert_null(img_codec_named("lzw"));
	cr_assert_null(img_codec_named(""));
}

Test(codec, gives_back_what_it_took_at_every_level)
{
	FOR_EACH_CODEC(name) {
		const struct img_codec *codec = img_codec_named(name);

		cr_assert(codec->level_default >= 0);
		cr_assert(codec->level_default <= codec->level_max);
		for (int level = codec->level_min; level <= codec->level_max; level++) {
			struct trial *t = trial_new(name, level);

			cr_assert(codec->decode(t->cx, t->packed, t->packed_len, t->out, UNIT,
						&t->err), "%s", t->err.text);
			cr_assert_arr_eq(t->out, t->plain, UNIT);
			trial_free(t);
		}
	}
}

/* A raw block of lz4 does not. */
static bool says_where_it_ends(const char *name)
{
	return strcmp(name, "lz4") != 0;
}

Test(codec, ignores_what_follows_the_stream)
{
	FOR_EACH_CODEC(name) {
		if (!says_where_it_ends(name))
			continue;
		struct trial *t = trial_new(name, -1);

		memset(t->packed + t->packed_len, 0xff, 511);
		cr_assert(t->codec->decode(t->cx, t->packed, t->packed_len + 511, t->out, UNIT,
					   &t->err), "%s: %s", name, t->err.text);
		cr_assert_arr_eq(t->out, t->plain, UNIT);
		trial_free(t);
	}
}

Test(codec, says_that_the_result_does_not_fit)
{
	FOR_EACH_CODEC(name) {
		struct trial *t = trial_new(name, -1);
		size_t used = 1;

		memset(t->out, CANARY, sizeof(t->out));
		cr_assert(t->codec->encode(t->cx, t->plain, UNIT, t->out, t->packed_len - 1, &used,
					   &t->err));
		cr_assert_eq(used, 0, "%s", name);
		cr_assert(untouched(t->out + t->packed_len - 1, GUARD));
		/* ... and the context is good for the next unit */
		cr_assert(t->codec->encode(t->cx, t->plain, UNIT, t->out, UNIT, &used, &t->err));
		cr_assert_eq(used, t->packed_len, "%s", name);
		trial_free(t);
	}
}

Test(codec, refuses_truncated_streams)
{
	FOR_EACH_CODEC(name) {
		struct trial *t = trial_new(name, -1);

		for (size_t len = 0; len < t->packed_len; len += 1 + len / 8) {
			t->err = (struct img_err){ 0 };
			cr_assert_not(t->codec->decode(t->cx, t->packed, len, t->out, UNIT, &t->err),
				      "%s cut to %zu", name, len);
			cr_assert_eq(t->err.code, IMG_E_CORRUPT);
		}
		trial_free(t);
	}
}

Test(codec, never_writes_beyond_what_was_wanted)
{
	FOR_EACH_CODEC(name) {
		struct trial *t = trial_new(name, -1);

		cr_assert_not(t->codec->decode(t->cx, t->packed, t->packed_len, t->out, 1000,
					       &t->err), "%s", name);
		cr_assert_eq(t->err.code, IMG_E_CORRUPT);
		cr_assert(untouched(t->out + 1000, UNIT + GUARD - 1000), "%s", name);
		trial_free(t);
	}
}

Test(codec, refuses_streams_that_end_early)
{
	FOR_EACH_CODEC(name) {
		struct trial *t = trial_new(name, -1);

		cr_assert_not(t->codec->decode(t->cx, t->packed, t->packed_len, t->out, UNIT + 1,
					       &t->err), "%s", name);
		cr_assert_eq(t->err.code, IMG_E_CORRUPT);
		trial_free(t);
	}
}

Test(codec, survives_any_flipped_byte)
{
	FOR_EACH_CODEC(name) {
		struct trial *t = trial_new(name, -1);

		for (size_t at = 0; at < t->packed_len; at += 1 + at / 64) {
			t->packed[at] ^= 0x5a;
			(void)t->codec->decode(t->cx, t->packed, t->packed_len, t->out, UNIT, &t->err);
			cr_assert(untouched(t->out + UNIT, GUARD), "%s byte %zu", name, at);
			t->packed[at] ^= 0x5a;
		}
		cr_assert(t->codec->decode(t->cx, t->packed, t->packed_len, t->out, UNIT, &t->err));
		cr_assert_arr_eq(t->out, t->plain, UNIT);
		trial_free(t);
	}
}

Test(codec, tells_how_much_a_stream_of_unknown_length_gives)
{
	FOR_EACH_CODEC(name) {
		struct trial *t = trial_new(name, -1);
		size_t used = 0, got = 0;

		if (t->codec->measure) {
			cr_assert(t->codec->measure(t->cx, t->packed, t->packed_len, t->out,
						    UNIT + GUARD, &used, &got, &t->err), "%s",
				  t->err.text);
			cr_assert(used == t->packed_len && got == UNIT, "%s: %zu, %zu", name, used,
				  got);
			cr_assert_arr_eq(t->out, t->plain, UNIT);
			cr_assert_not(t->codec->measure(t->cx, t->packed, t->packed_len, t->out,
							UNIT - 1, &used, &got, &t->err), "%s", name);
			cr_assert_eq(t->err.code, IMG_E_CORRUPT);
		}
		trial_free(t);
	}
}
