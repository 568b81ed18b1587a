/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is packed lies without gaps, as small as it gets, and nothing is written over before it was read. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "format/packing.h"

enum { C = 4096, FILE_CLUSTERS = 16 };

/* A file in memory, and what is in it. */
struct sample {
	struct img_store *file;
	struct img_pack_units units;
	struct img_packing packing;
};

/* Clusters 'a', 'b'... of one byte each, which get small; noise does not. */
static void start(struct sample *s, const char *clusters)
{
	uint8_t *bytes = calloc(FILE_CLUSTERS, C);
	struct img_err err = { 0 };

	*s = (struct sample){ .packing = {
		.codec = &img_codec_deflate, .level = img_codec_deflate.level_default, .size = C,
		.reach = UINT64_MAX / 2, .threads = 2,
	} };
	for (size_t i = 0; clusters[i]; i++) {
		struct img_pack_unit one = {
			.host = i * C, .len = C, .align = C, .kind = IMG_PACK_PLAIN,
		};

		memset(bytes + i * C, clusters[i], C);
		for (size_t k = 0; clusters[i] == '?' && k < C; k++)
			bytes[i * C + k] = (uint8_t)rand();
		if (clusters[i] >= 'A' && clusters[i] <= 'Z')
			one.kind = clusters[i] == 'F' ? IMG_PACK_FIXED : IMG_PACK_AS_IT_IS;
		if (clusters[i] != '.')
			cr_assert(img_pack_units_add(&s->units, one, &err));
	}
	s->file = img_store_mem(bytes, FILE_CLUSTERS * C, &err);
	cr_assert(s->file);
	free(bytes);
	s->packing.file = s->file;
	s->packing.units = &s->units;
}

static void end(struct sample *s)
{
	img_pack_units_clear(&s->units);
	img_store_close(s->file);
}

static void pack(struct sample *s)
{
	struct img_err err = { 0 };

	cr_assert(img_pack(&s->packing, &err), "%s", err.text);
}

/* Whether unit i holds a cluster of c where it is now. */
static void expect(struct sample *s, size_t i, char c)
{
	const struct img_pack_unit *one = &s->units.v[i];
	struct img_err err = { 0 };
	uint8_t raw[C], out[C];
	void *cx = img_codec_deflate.open(1, C, &err);

	cr_assert(cx && img_store_read(s->file, one->now, raw, one->now_len, &err));
	if (one->recoded)
		cr_assert(img_codec_deflate.decode(cx, raw, one->now_len, out, C, &err), "%s", err.text);
	else
		memcpy(out, raw, C);
	cr_assert_eq(out[0], c, "unit %zu", i);
	cr_assert_eq(out[C - 1], c, "unit %zu", i);
	img_codec_deflate.close(cx);
}

Test(packing, what_gets_smaller_lies_without_gaps)
{
	struct img_layer_packed told = { .from = 0 };
	struct sample s;

	start(&s, "..ab.?c");
	pack(&s);
	cr_assert_eq(s.units.v[0].now, 0);
	cr_assert_eq(s.units.v[1].now, s.units.v[0].now_len);
	cr_assert_not(s.units.v[2].recoded);
	cr_assert_eq(s.units.v[2].now, C, "what stays plain begins a cluster");
	cr_assert_eq(s.units.v[3].now, 2 * C);
	cr_assert_eq(s.packing.at, 2 * C + s.units.v[3].now_len);
	for (size_t i = 0; i < 4; i++)
		if (i != 2)
			expect(&s, i, "ab?c"[i]);
	img_pack_count(&s.packing, &told);
	cr_assert_eq(told.compressed, 3 * C);
	cr_assert_eq(told.plain, C);
	cr_assert(img_pack_units_changed(&s.units));
	end(&s);
}

Test(packing, some_move_as_they_are_and_some_not_at_all)
{
	struct sample s;

	start(&s, "a.T.F.Ub");
	pack(&s);
	cr_assert_eq(s.units.v[1].now, C);
	cr_assert_eq(s.units.v[2].now, 4 * C);
	cr_assert_eq(s.units.v[3].now, 5 * C);
	cr_assert_eq(s.units.v[4].now, 6 * C);
	for (size_t i = 0; i < 5; i++)
		expect(&s, i, "aTFUb"[i]);
	end(&s);
}

static uint64_t third_on(void *ctx, uint64_t at, uint64_t len, uint32_t align)
{
	(void)ctx;
	(void)len;
	return at < 3 * C ? 3 * C : (at + align - 1) / align * align;
}

/* Where nothing can be counted, or an entry cannot say it, nothing goes. */
Test(packing, places_are_what_the_driver_allows)
{
	struct sample s;

	start(&s, "...ab");
	s.packing.room = third_on;
	pack(&s);
	cr_assert_eq(s.units.v[0].now, 3 * C);
	cr_assert_eq(s.units.v[1].now, 3 * C + s.units.v[0].now_len);
	end(&s);
	start(&s, ".ab");
	s.packing.reach = 1;
	pack(&s);
	cr_assert_not(s.units.v[0].recoded);
	cr_assert_eq(s.units.v[0].now, 0);
	expect(&s, 0, 'a');
	expect(&s, 1, 'b');
	end(&s);
}

/* A second time nothing changes; with `recode` neither, as it gets no smaller. */
Test(packing, what_is_packed_stays)
{
	struct sample s;

	start(&s, "ab?");
	pack(&s);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < 3; i++) {
			struct img_pack_unit *one = &s.units.v[i];

			one->kind = one->recoded || one->kind == IMG_PACK_PACKED ? IMG_PACK_PACKED
										 : IMG_PACK_PLAIN;
			one->align = one->kind == IMG_PACK_PACKED ? 1 : C;
			one->host = one->now;
			one->len = one->now_len;
			one->recoded = false;
		}
		s.packing.at = 0;
		s.packing.recode = round;
		pack(&s);
		cr_assert_not(img_pack_units_changed(&s.units), "round %d", round);
	}
	end(&s);
}

static bool always(void *ctx)
{
	(void)ctx;
	return true;
}

Test(packing, a_cancelled_job_stops)
{
	const struct img_job job = { .cancelled = always };
	struct img_err err = { 0 };
	struct sample s;

	start(&s, "ab");
	s.packing.job = &job;
	cr_assert_not(img_pack(&s.packing, &err));
	cr_assert_eq(err.code, IMG_E_CANCELLED);
	end(&s);
}

Test(packing, damage_is_told_with_its_place)
{
	struct img_err err = { 0 };
	struct sample s;

	start(&s, "a?");
	s.units.v[1].kind = IMG_PACK_PACKED;
	s.packing.recode = true;
	cr_assert_not(img_pack(&s.packing, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT);
	cr_assert(strstr(err.text, "0x1000"), "%s", err.text);
	end(&s);
}

/* ---- The list -------------------------------------------------------------------------------------- */

Test(packing, what_is_seen_often_takes_the_room_of_one)
{
	struct img_pack_units units = { .n = 0 };
	struct img_err err = { 0 };

	for (uint64_t i = 0; i < 100000; i++)
		cr_assert(img_pack_units_see(&units, (struct img_pack_unit){
			.host = i % 50 * 10, .len = 1 + i % 7 }, &err));
	cr_assert_leq(units.cap, 500);
	img_pack_units_unite(&units);
	cr_assert_eq(units.n, 50);
	for (size_t i = 0; i < 50; i++) {
		cr_assert_eq(units.v[i].host, i * 10);
		cr_assert_eq(units.v[i].len, 7, "the longest");
	}
	cr_assert_eq(img_pack_units_find(&units, 26), &units.v[2]);
	cr_assert_null(img_pack_units_find(&units, 27));
	cr_assert_null(img_pack_units_find(&units, 1000));
	img_pack_units_clear(&units);
	cr_assert_null(img_pack_units_find(&units, 0));
}
