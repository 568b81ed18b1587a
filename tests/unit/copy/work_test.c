/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one chunk becomes: slots, zeros and losses.  One thread, no target. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/bytes.h"
#include "base/num.h"
#include "copy/copy.h"
#include "extent/extent.h"
#include "unit/fake/fake.h"

#define BLOCK 4096
#define UNIT (4 * BLOCK)
#define WINDOW (16 * BLOCK)

/*
 * Expected: one mark for each block.  d: in a plain slot, c: in a compressed one, 0: among the
 * zeros, '.': nothing is said of it.
 */
struct expected {
	const char *drawing, *below;
	unsigned grain;			/* blocks */
	bool find_zeros, compress;
	const char *marks;
};

static const struct expected simple[] = {
	{ "abcdefgh", NULL, 1, true, false, "dddddddd" },
	{ "ab--efgh", NULL, 1, true, false, "dd00dddd" },
	{ "ab--efgh", NULL, 1, false, false, "dddddddd" },
	{ "ab--efgh", NULL, 4, true, false, "dddddddd" },
	{ "----efgh", NULL, 4, true, false, "0000dddd" },
	{ "a..z00-A", NULL, 1, true, false, "d000000d" },
	{ "a...", NULL, 2, true, false, "dd00" },
	{ "........aaaa....", NULL, 4, true, false, "00000000dddd0000" },
};

static const struct expected compressed[] = {
	{ "aaaabbbb", NULL, 4, true, true, "cccccccc" },
	{ "aaaaqqqq", NULL, 4, true, true, "ccccdddd" },
	{ "aaaa----", NULL, 4, true, true, "cccc0000" },
	{ "a...QQQQ", NULL, 4, true, true, "ccccdddd" },
	{ "aaaabb", NULL, 4, true, true, "cccccc" },
};

static const struct expected standing[] = {
	/* What is the same below is left out; zeros are said only where something shows through. */
	{ "abcd", "abcd", 1, true, false, "...." },
	{ "abcd", "abxd", 1, true, false, "..d." },
	{ "abcd", "....", 1, true, false, "dddd" },
	{ "....", "a..a", 1, true, false, "0..0" },
	{ "--aa", "bbaa", 1, true, false, "00.." },
	{ "....", "a", 1, true, false, "0..." },
	{ "aaaa", "aa", 1, true, false, "..dd" },
	{ "abcd", "Abcd", 4, true, false, "dddd" },
	{ "........", "......a.", 4, true, false, "....0000" },
	{ "a..b....", "a..c...A", 4, true, false, "dddd0000" },
};

static void mark(char *marks, uint64_t at, uint64_t len, char c)
{
	for (uint64_t b = at / BLOCK; b * BLOCK < at + len; b++) {
		cr_assert_eq(marks[b], '.', "block %lu is said twice", b);
		marks[b] = c;
	}
}

/* Slots hold the bytes of the guest, and all comes in guest order. */
static void check_slots(const struct img_parcel *p, const uint8_t *content, char *marks)
{
	uint8_t unit[UNIT];
	uint64_t done = 0;

	for (size_t i = 0; i < p->n_slots; i++) {
		const struct img_slot *slot = &p->slots[i];
		const bool small = slot->flags & IMG_SLOT_COMPRESSED;

		cr_assert_geq(slot->at, done);
		done = slot->at + slot->len;
		mark(marks, slot->at, slot->len, small ? 'c' : 'd');
		if (small)
			cr_assert(FAKE_CODEC.decode(NULL, p->bytes[i], slot->stored_len, unit, UNIT,
						    NULL));
		else
			cr_assert_eq(slot->stored_len, slot->len);
		cr_assert_arr_eq(small ? unit : p->bytes[i], content + slot->at, slot->len);
	}
	for (size_t i = 0; i < p->zeros.n; i++)
		mark(marks, p->zeros.v[i].at, p->zeros.v[i].len, '0');
}

static void run_all(const struct expected *table, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct expected *e = &table[i];
		struct img *src = fake_disk(e->drawing, BLOCK, 0);
		struct img *below = e->below ? fake_disk(e->below, BLOCK, 0) : NULL;
		struct img_work work = {
			.src = src, .below = below, .unit = e->compress ? UNIT : e->grain * BLOCK,
			.grain = e->grain * BLOCK, .window = WINDOW, .find_zeros = e->find_zeros,
		};
		struct img_plan plan = { .src = src, .grain = work.grain, .window = WINDOW };
		uint8_t *content = fake_content(e->drawing, BLOCK, 0);
		struct img_parcel p;
		char marks[] = "................";

		if (e->compress) {
			work.codec = &FAKE_CODEC;
			work.encoder = img_codec_pool_new(&FAKE_CODEC, 0, UNIT, NULL);
		}
		marks[strlen(e->drawing)] = '\0';
		cr_assert(img_parcel_init(&p, &work, NULL));
		for (;;) {
			cr_assert(img_plan_next(&plan, &p.chunk, NULL));
			if (!p.chunk.len)
				break;
			cr_assert(img_work_run(&work, &p, NULL));
			check_slots(&p, content, marks);
		}
		cr_assert_str_eq(marks, e->marks, "\"%s\": %s", e->drawing, marks);
		img_parcel_free(&p);
		img_codec_pool_free(work.encoder);
		free(content);
		img_close(src);
		img_close(below);
	}
}

Test(work, splits_data_and_zeros)
{
	run_all(simple, sizeof(simple) / sizeof(simple[0]));
}

Test(work, compresses_what_gets_smaller)
{
	run_all(compressed, sizeof(compressed) / sizeof(compressed[0]));
}

enum { HEAD = 12, ALIGN = 512 };

static void fill_head(uint64_t at, uint32_t encoded_len, uint8_t *head)
{
	img_put_le64(head, at);
	img_put_le32(head + 8, encoded_len);
}

/* A head in front that tells of the bytes, and zeros behind them; the next one follows at once. */
static void check_framed(const struct img_slot *slot, const uint8_t *bytes, const uint8_t *content,
			 struct img_codec_pool *decoders)
{
	const uint32_t len = img_get_le32(bytes + 8);
	void *cx = img_codec_pool_get(decoders, NULL);
	uint8_t unit[UNIT];

	cr_assert(slot->flags & IMG_SLOT_COMPRESSED);
	cr_assert_eq(img_get_le64(bytes), slot->at);
	cr_assert_eq(slot->stored_len, img_round_up(HEAD + len, ALIGN));
	cr_assert(img_is_zero(bytes + HEAD + len, slot->stored_len - HEAD - len));
	cr_assert(img_codec_zlib.decode(cx, bytes + HEAD, len, unit, UNIT, NULL));
	cr_assert_arr_eq(unit, content + slot->at, UNIT);
	img_codec_pool_put(decoders, cx);
}

/* What cannot get smaller, and two units that can. */
static void fill_noise(uint8_t *buf)
{
	uint32_t state = 1;

	for (size_t i = 0; i < WINDOW; i++) {
		state = state * 1664525 + 1013904223;
		buf[i] = i < 2 * UNIT ? state >> 24 : (uint8_t)(i >> 8);
	}
}

Test(work, frames_all_units_where_none_may_be_plain)
{
	const struct img_work work = {
		.unit = UNIT, .grain = UNIT, .window = WINDOW, .codec = &img_codec_zlib,
		.encoder = img_codec_pool_new(&img_codec_zlib, 1, UNIT, NULL),
		.framing = { .always = true, .head = HEAD, .align = ALIGN, .fill = fill_head },
	};
	struct img_parcel p;

	cr_assert(img_parcel_init(&p, &work, NULL));
	p.chunk = (struct img_chunk){ .len = WINDOW, .kind = IMG_CHUNK_BYTES };
	p.have_bytes = true;
	fill_noise(p.buf);
	cr_assert(img_work_run(&work, &p, NULL));
	cr_assert_eq(p.n_slots, WINDOW / UNIT);
	cr_assert_gt(p.slots[0].stored_len, UNIT);
	cr_assert_lt(p.slots[3].stored_len, UNIT);
	for (size_t i = 0; i < p.n_slots; i++) {
		check_framed(&p.slots[i], p.bytes[i], p.buf, work.encoder);
		cr_assert(!i || p.bytes[i] == p.bytes[i - 1] + p.slots[i - 1].stored_len);
	}
	img_parcel_free(&p);
	img_codec_pool_free(work.encoder);
}

Test(work, leaves_out_what_is_the_same_below)
{
	run_all(standing, sizeof(standing) / sizeof(standing[0]));
}

Test(work, a_linear_chunk_is_one_slot_without_bytes)
{
	struct img *src = fake_disk("aaaaaaaa", BLOCK, 0);
	const struct img_work work = {
		.src = src, .unit = BLOCK, .grain = BLOCK, .window = WINDOW,
	};
	struct img_plan plan = {
		.src = src, .grain = BLOCK, .window = WINDOW, .linear = true,
	};
	struct img_parcel p;

	cr_assert(img_parcel_init(&p, &work, NULL));
	cr_assert(img_plan_next(&plan, &p.chunk, NULL) && img_work_run(&work, &p, NULL));
	cr_assert(p.n_slots == 1 && !p.bytes[0] && p.slots[0].len == 8 * BLOCK);
	img_parcel_free(&p);
	img_close(src);
}

static const struct img_err *run_one(struct img *src, bool salvage, struct img_parcel *p)
{
	const struct img_work work = {
		.src = src, .unit = BLOCK, .grain = BLOCK, .window = WINDOW, .find_zeros = true,
		.salvage = salvage,
	};
	struct img_plan plan = { .src = src, .grain = BLOCK, .window = WINDOW };
	static struct img_err err;

	cr_assert(img_parcel_init(p, &work, NULL));
	cr_assert(img_plan_next(&plan, &p->chunk, NULL));
	err = (struct img_err){ 0 };
	return img_work_run(&work, p, &err) ? NULL : &err;
}

Test(work, lost_blocks_are_an_error)
{
	struct img *src = fake_disk("aa!!aa", BLOCK, 0);
	const struct img_err *err;
	struct img_parcel p;

	err = run_one(src, false, &p);
	cr_assert(err && err->code == IMG_E_CORRUPT);
	img_parcel_free(&p);
	img_close(src);
}

Test(work, salvage_tells_of_lost_blocks_once)
{
	struct img *src = fake_disk("aa!!aa!a", BLOCK, 0);
	uint8_t *content = fake_content("aa!!aa!a", BLOCK, 0);
	char marks[] = "........";
	struct img_parcel p;

	cr_assert_null(run_one(src, true, &p));
	check_slots(&p, content, marks);
	cr_assert_str_eq(marks, "dd00dd0d");
	cr_assert_eq(p.lost.n, 2);
	cr_assert(p.lost.v[0].start == 2 * BLOCK && p.lost.v[0].len == 2 * BLOCK);
	cr_assert(p.lost.v[1].start == 6 * BLOCK && p.lost.v[1].len == BLOCK);
	cr_assert_eq(p.lost.v[0].loss, IMG_E_CORRUPT);
	img_parcel_free(&p);
	free(content);
	img_close(src);
}

Test(work, salvage_narrows_a_failing_read_to_its_piece)
{
	struct img *src = fake_disk("AAAAAAAA", BLOCK, 0);
	struct img_parcel p;

	fake_disk_of(src)->fail_decode = 3 * BLOCK + 17;
	cr_assert_null(run_one(src, true, &p));
	cr_assert_eq(p.lost.n, 1);
	cr_assert(p.lost.v[0].start == 3 * BLOCK && p.lost.v[0].len == BLOCK);
	cr_assert(p.lost.v[0].kind == IMG_EXTENT_LOST && p.lost.v[0].loss == IMG_E_CORRUPT);
	cr_assert_not_null(p.lost.v[0].why);
	img_parcel_free(&p);
	img_close(src);
}

Test(work, salvage_does_not_hide_other_trouble)
{
	struct img *src = fake_disk("aaaa", BLOCK, 0);
	struct img *below = fake_disk("!aaa", BLOCK, 0);
	const struct img_work work = {
		.src = src, .below = below, .unit = BLOCK, .grain = BLOCK, .window = WINDOW,
		.salvage = true,
	};
	struct img_plan plan = { .src = src, .grain = BLOCK, .window = WINDOW };
	struct img_err err = { 0 };
	struct img_parcel p;

	cr_assert(img_parcel_init(&p, &work, NULL) && img_plan_next(&plan, &p.chunk, NULL));
	cr_assert_not(img_work_run(&work, &p, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT);
	img_parcel_free(&p);
	img_close(src);
	img_close(below);
}
