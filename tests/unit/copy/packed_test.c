/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Units that are taken as they are stored: which ones, how many reads, and what they become. */
#include <criterion/criterion.h>
#include <string.h>
#include "base/bytes.h"
#include "base/num.h"
#include "base/zero.h"
#include "copy/copy.h"
#include "unit/fake/fake.h"

enum { UNIT = 4096, UNITS = 8, HEAD = 12, ALIGN = 512 };

/* A layer that says of its units what the test wants to hear. */
static struct img_packed said[UNITS];
static unsigned short_answers;		/* so many units at most in an answer; 0: any */

static bool say(struct img_layer *ly, uint64_t at, struct img_packed *out, size_t max, size_t *n,
		struct img_err *err)
{
	(void)ly, (void)err;
	*n = 0;
	for (size_t i = at / UNIT; i < UNITS && *n < max && said[i].stored_len; i++) {
		out[(*n)++] = said[i];
		if (short_answers && *n == short_answers)
			break;
	}
	return true;
}

static const struct img_format format = { .name = "fake", .packed = say };

struct scene {
	struct img_layer layer;
	struct img im;
	struct fake_store *store;
	struct img_work work;
	struct img_parcel p;
	struct img_extent extent;
};

static void fill_head(uint64_t at, uint32_t encoded_len, uint8_t *head)
{
	img_put_le64(head, at);
	img_put_le32(head + 8, encoded_len);
}

/* Unit i takes 1000 + i bytes, behind the one before; their first byte is its number. */
static void scene_init(struct scene *s, struct img_framing framing)
{
	uint64_t host = 4096;

	short_answers = 0;
	*s = (struct scene){ .store = fake_store_new(64 << 10, 64 << 10, IMG_STORE_SEEK) };
	for (unsigned i = 0; i < UNITS; i++) {
		said[i] = (struct img_packed){
			.at = i * UNIT, .len = UNIT, .codec = &FAKE_CODEC, .store = &s->store->head,
			.host = host + framing.head, .stored_len = 1000 + i,
		};
		memset(s->store->bytes + said[i].host, 'a' + (int)i, said[i].stored_len);
		host += img_framed_len(&framing, said[i].stored_len);
	}
	s->layer = (struct img_layer){ .format = &format, .store = &s->store->head };
	s->im = (struct img){ .layers = &s->layer, .n_layers = 1 };
	s->work = (struct img_work){
		.src = &s->im, .unit = UNIT, .grain = UNIT, .window = UNITS * UNIT,
		.codec = &FAKE_CODEC, .take = true, .framing = framing,
		.encoder = img_codec_pool_new(&FAKE_CODEC, 0, UNIT, NULL),
	};
	cr_assert(img_parcel_init(&s->p, &s->work, NULL));
	s->extent = (struct img_extent){ .len = UNITS * UNIT, .kind = IMG_EXTENT_ENCODED };
	s->p.chunk = (struct img_chunk){ .len = UNITS * UNIT, .kind = IMG_CHUNK_BYTES };
}

static void scene_end(struct scene *s)
{
	img_parcel_free(&s->p);
	img_codec_pool_free(s->work.encoder);
	img_store_close(&s->store->head);
}

/* Finds units and takes all; the number of reads. */
static unsigned take_all(struct scene *s)
{
	size_t i = 0, used = 0;
	const unsigned before = s->store->reads;

	cr_assert(img_extents_add(&s->p.chunk.extents, &s->extent, NULL));
	cr_assert(img_packed_find(&s->work, &s->p, NULL));
	while (i < s->p.n_packed)
		cr_assert(img_packed_take(&s->work, &s->p, &i, &used, NULL));
	cr_assert_eq(s->p.n_slots, s->p.n_packed);
	return s->store->reads - before;
}

static void check_slot(const struct scene *s, size_t i, size_t unit)
{
	const struct img_slot *slot = &s->p.slots[i];
	const struct img_framing *framing = &s->work.framing;
	const uint8_t *bytes = s->p.bytes[i];

	cr_assert(slot->at == unit * UNIT && slot->len == UNIT);
	cr_assert_eq(slot->flags, IMG_SLOT_COMPRESSED);
	cr_assert_eq(slot->stored_len, img_framed_len(framing, 1000 + unit));
	for (size_t k = 0; k < 1000 + unit; k++)
		cr_assert_eq(bytes[framing->head + k], 'a' + unit);
}

Test(packed, neighbours_come_with_one_read)
{
	struct scene s;

	scene_init(&s, (struct img_framing){ 0 });
	cr_assert_eq(take_all(&s), 1);
	cr_assert(s.p.n_slots == UNITS && s.p.taken == UNITS * UNIT);
	for (size_t i = 0; i < UNITS; i++) {
		check_slot(&s, i, i);
		cr_assert(!i || s.p.bytes[i] == s.p.bytes[i - 1] + s.p.slots[i - 1].stored_len);
	}
	scene_end(&s);
}

Test(packed, frames_are_made_anew_around_them)
{
	const struct img_framing framing = { .head = HEAD, .align = ALIGN, .fill = fill_head };
	struct scene s;

	scene_init(&s, framing);
	/* What the source had between two streams must not show. */
	memset(s.store->bytes + said[2].host + said[2].stored_len, 0xee, 3);
	cr_assert_eq(take_all(&s), 1);
	for (size_t i = 0; i < UNITS; i++) {
		check_slot(&s, i, i);
		cr_assert_eq(img_get_le64(s.p.bytes[i]), i * UNIT);
		cr_assert_eq(img_get_le32(s.p.bytes[i] + 8), 1000 + i);
		cr_assert(img_is_zero(s.p.bytes[i] + HEAD + 1000 + i,
				      s.p.slots[i].stored_len - HEAD - 1000 - i));
	}
	scene_end(&s);
}

Test(packed, what_lies_apart_is_read_apart)
{
	struct scene s;

	scene_init(&s, (struct img_framing){ 0 });
	said[3].host = 50000;
	memset(s.store->bytes + 50000, 'd', said[3].stored_len);
	short_answers = 3;
	cr_assert_eq(take_all(&s), 3);
	for (size_t i = 0; i < UNITS; i++)
		check_slot(&s, i, i);
	scene_end(&s);
}

Test(packed, only_what_the_target_would_make_is_taken)
{
	const struct { size_t unit; struct img_packed other; } cases[] = {
		{ 1, { .len = UNIT, .codec = &img_codec_zlib, .stored_len = 1001 } },
		{ 2, { .len = UNIT, .codec = NULL, .stored_len = 1002 } },
		{ 4, { .len = UNIT / 2, .codec = &FAKE_CODEC, .stored_len = 1004 } },
		{ 5, { .len = UNIT, .codec = &FAKE_CODEC, .stored_len = UNIT } },
		{ 6, { .len = UNIT, .codec = &FAKE_CODEC, .stored_len = 100 } },
	};
	const size_t left[] = { 0, 3, 7 };
	struct scene s;

	scene_init(&s, (struct img_framing){ 0 });
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct img_packed *unit = &said[cases[i].unit];

		unit->len = cases[i].other.len;
		unit->codec = cases[i].other.codec;
		unit->stored_len = cases[i].other.stored_len;
	}
	(void)take_all(&s);
	cr_assert_eq(s.p.n_slots, sizeof(left) / sizeof(left[0]));
	for (size_t i = 0; i < s.p.n_slots; i++)
		check_slot(&s, i, left[i]);
	scene_end(&s);
}

Test(packed, units_that_do_not_lie_in_the_extent_are_left)
{
	struct scene s;

	scene_init(&s, (struct img_framing){ 0 });
	s.extent.start = UNIT / 2;
	s.extent.len = 3 * UNIT;
	(void)take_all(&s);
	cr_assert_eq(s.p.n_slots, 2);
	check_slot(&s, 0, 1);
	check_slot(&s, 1, 2);
	scene_end(&s);
}

Test(packed, damage_is_found_where_they_are_decoded)
{
	struct scene s;
	struct img_err err = { 0 };
	size_t i = 0, used = 0;

	scene_init(&s, (struct img_framing){ 0 });
	s.work.unpack = true;
	memset(s.store->bytes + said[3].host, 0, said[3].stored_len);
	cr_assert(img_extents_add(&s.p.chunk.extents, &s.extent, NULL));
	cr_assert(img_packed_find(&s.work, &s.p, NULL));
	cr_assert_not(img_packed_take(&s.work, &s.p, &i, &used, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT, "%s", err.text);
	cr_assert_eq(i, 3);
	scene_end(&s);
}
