/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Salvage and repair: which blocks are found again, and what is never guessed. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "base/bytes.h"
#include "format/cloop/salvage.h"

enum { B = 512, N = 12, DATA = CLOOP_HDR_LEN + (N + 1) * 8, ROOM = 16384 };

struct sample {
	uint8_t bytes[ROOM];
	uint64_t entries[N + 1];
	struct img_layer ly;
};

/* Blocks of letters from 'a' on. */
static void fill(struct sample *s)
{
	const struct cloop_header hdr = { .version = CLOOP_V2, .block_size = B, .n_blocks = N };
	uint8_t block[B];

	*s = (struct sample){ .entries = { DATA } };
	cloop_header_encode(&hdr, s->bytes);
	for (int i = 0; i < N; i++) {
		uLongf len = 600;

		memset(block, 'a' + i, B);
		block[i] = 0;
		cr_assert_eq(compress(s->bytes + s->entries[i], &len, block, B), Z_OK);
		s->entries[i + 1] = s->entries[i] + len;
	}
	for (int i = 0; i <= N; i++)
		img_put_be64(s->bytes + CLOOP_HDR_LEN + i * 8, s->entries[i]);
}

static void set_entry(struct sample *s, int i, uint64_t value)
{
	img_put_be64(s->bytes + CLOOP_HDR_LEN + i * 8, value);
}

static void store_sample(struct sample *s, size_t len)
{
	s->ly = (struct img_layer){ .format = &img_format_cloop };
	s->ly.store = img_store_mem(s->bytes, len, NULL);
	cr_assert(s->ly.store);
}

static void end(struct sample *s)
{
	img_findings_clear(&s->ly.salvaged.notes);
	img_store_close(s->ly.store);
}

/* Salvages and says what there is: the letter of each block, '!' what is lost, '?' behind guesses. */
static void expect(struct sample *s, size_t len, const char *want)
{
	const struct img_layer_open how = { .flags = IMG_OPEN_SALVAGE };
	struct img_err err = { 0 };
	char seen[64] = "";

	store_sample(s, len);
	cr_assert(img_format_cloop.salvage(&s->ly, &how, &err), "%s", err.text);
	for (uint64_t at = 0, i = 0; at < s->ly.size; at += B, i++) {
		struct img_extent ex;
		uint8_t block[B];

		cr_assert(img_format_cloop.extent(&s->ly, at, at + B, &ex, &err));
		seen[i] = '!';
		if (ex.kind == IMG_EXTENT_ENCODED) {
			cr_assert(img_format_cloop.read(&s->ly, at, block, B, &err), "%s", err.text);
			seen[i] = ex.guessed ? (char)(block[B - 1] - 'a' + 'A') : (char)block[B - 1];
		}
	}
	cr_assert_str_eq(seen, want);
	img_format_cloop.close(&s->ly);
	end(s);
}

Test(cloop_salvage, damaged_entries_are_found_from_both_sides)
{
	static const struct { int first, n; uint64_t value; } rows[] = {
		{ 0, 1, 0 }, { 0, 1, UINT64_MAX }, { 5, 1, 0 }, { 5, 1, UINT64_MAX }, { 5, 1, ROOM },
		{ 5, 3, 7 }, { 0, N, 0 }, { N, 1, 0 }, { N, 1, UINT64_MAX }, { 0, N + 1, UINT64_MAX },
		{ N - 2, 3, 1 },
	};
	struct sample s;

	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		fill(&s);
		for (int i = 0; i < rows[k].n; i++)
			set_entry(&s, rows[k].first + i, rows[k].value);
		expect(&s, s.entries[N], "abcdefghijkl");
	}
}

Test(cloop_salvage, what_is_lost_with_its_entries_moves_no_other)
{
	struct sample s;

	fill(&s);
	for (int i = 4; i < 9; i++)
		set_entry(&s, i, 0);
	s.bytes[s.entries[5] + 4] ^= 0xff;
	expect(&s, s.entries[N], "abcde!ghijkl");
}

Test(cloop_salvage, without_a_header_the_blocks_are_the_disk)
{
	struct sample s;

	fill(&s);
	memset(s.bytes, 0, DATA);
	expect(&s, s.entries[N], "abcdefghijkl");
	fill(&s);
	memset(s.bytes, 0xff, CLOOP_HDR_LEN);
	expect(&s, s.entries[N] - 3, "abcdefghijk");
}

Test(cloop_salvage, behind_a_gap_without_a_header_places_are_guessed)
{
	struct sample s;

	fill(&s);
	memset(s.bytes, 0, DATA);
	s.bytes[s.entries[5] + 4] ^= 0xff;
	expect(&s, s.entries[N], "abcde!GHIJKL");
}

Test(cloop_salvage, nothing_comes_of_nothing)
{
	const struct img_layer_open how = { .flags = IMG_OPEN_SALVAGE };
	struct img_err err = { 0 };
	struct sample s;

	fill(&s);
	memset(s.bytes, 'x', ROOM);
	store_sample(&s, ROOM);
	cr_assert_not(img_format_cloop.salvage(&s.ly, &how, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT, "%s", err.text);
	cr_assert_null(s.ly.priv);
	end(&s);
}

/* ---- Repair ---------------------------------------------------------------------------------- */

static bool repairs(struct sample *s, size_t len)
{
	const struct img_checking how = { .threads = 1 };
	struct sample good;
	uint8_t now[ROOM];
	struct img_err err = { 0 };

	fill(&good);
	store_sample(s, len);
	cr_assert(cloop_repair(&s->ly, &how, IMG_REPAIR_ALL, &err), "%s", err.text);
	cr_assert(img_store_read(s->ly.store, 0, now, len, &err));
	end(s);
	return !memcmp(now, good.bytes, len);
}

Test(cloop_repair, an_index_comes_back_byte_for_byte)
{
	struct sample s;

	fill(&s);
	for (int i = 2; i < 6; i++)
		set_entry(&s, i, UINT64_MAX);
	cr_assert(repairs(&s, s.entries[N]));
	fill(&s);
	set_entry(&s, 0, 1);
	set_entry(&s, N, 1);
	cr_assert(repairs(&s, s.entries[N]));
}

Test(cloop_repair, what_is_not_found_is_left_alone)
{
	struct sample s, before;
	const struct img_checking how = { .threads = 1 };
	uint8_t now[ROOM];

	fill(&s);
	for (int i = 4; i < 9; i++)
		set_entry(&s, i, 0);
	s.bytes[s.entries[5] + 4] ^= 0xff;
	before = s;
	store_sample(&s, s.entries[N]);
	cr_assert(cloop_repair(&s.ly, &how, IMG_REPAIR_ALL, NULL));
	cr_assert(img_store_read(s.ly.store, 0, now, s.entries[N], NULL));
	cr_assert_arr_eq(now, before.bytes, s.entries[N]);
	end(&s);
}

Test(cloop_repair, leaks_are_none_of_its_business)
{
	struct sample s;
	const struct img_checking how = { .threads = 1 };
	uint8_t now[8];

	fill(&s);
	set_entry(&s, 3, 0);
	store_sample(&s, s.entries[N]);
	cr_assert(cloop_repair(&s.ly, &how, IMG_REPAIR_LEAKS, NULL));
	cr_assert(img_store_read(s.ly.store, CLOOP_HDR_LEN + 3 * 8, now, 8, NULL));
	cr_assert_eq(img_get_be64(now), 0);
	end(&s);
}

/* ---- Remains --------------------------------------------------------------------------------- */

Test(cloop_remains, entries_that_lead_to_streams_are_known_again)
{
	struct sample s;

	fill(&s);
	memset(s.bytes, 0, CLOOP_HDR_LEN);
	cr_assert(cloop_remains(s.bytes, ROOM));
	cr_assert(cloop_remains(s.bytes, s.entries[2] + 2));
	cr_assert_not(cloop_remains(s.bytes, s.entries[2] + 1));
	for (size_t len = 0; len < CLOOP_HDR_LEN + 24; len++)
		cr_assert_not(cloop_remains(s.bytes, len));
	memset(s.bytes, 0, DATA);
	cr_assert_not(cloop_remains(s.bytes, ROOM));
}
