/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading: neighbours come with one read, and damage of the index or of a stream is an error. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "base/bytes.h"
#include "format/cloop/cloop.h"
#include "unit/fake/fake.h"

enum { B = 512, N = 40, DATA = CLOOP_HDR_LEN + (N + 1) * 8, ROOM = N * 600 };

struct sample {
	struct fake_store *store;
	struct img_layer ly;
	uint64_t entries[N + 1];
};

/* N blocks, each full of its value; the last one gives last bytes. */
static void fill_with(struct sample *s, const uint8_t *values, size_t last)
{
	const struct cloop_header hdr = { .version = CLOOP_V2, .block_size = B, .n_blocks = N };
	uint8_t block[B];

	s->store = fake_store_new(ROOM, ROOM, IMG_STORE_SEEK | IMG_STORE_PARALLEL);
	cloop_header_encode(&hdr, s->store->bytes);
	s->entries[0] = DATA;
	for (int i = 0; i < N; i++) {
		uLongf len = 600;

		memset(block, values[i], B);
		cr_assert_eq(compress(s->store->bytes + s->entries[i], &len, block,
				      i == N - 1 ? last : B), Z_OK);
		s->entries[i + 1] = s->entries[i] + len;
	}
	for (int i = 0; i <= N; i++)
		img_put_be64(s->store->bytes + CLOOP_HDR_LEN + i * 8, s->entries[i]);
	s->store->len = s->entries[N];
}

/* Each full of its own number. */
static void fill(struct sample *s, size_t last)
{
	uint8_t values[N];

	for (int i = 0; i < N; i++)
		values[i] = (uint8_t)i;
	fill_with(s, values, last);
}

static void open_sample(struct sample *s)
{
	const struct img_layer_open how = { 0 };
	struct img_err err = { 0 };

	s->ly = (struct img_layer){ .format = &img_format_cloop, .store = &s->store->head };
	cr_assert(img_format_cloop.open(&s->ly, &how, &err), "%s", err.text);
}

static void end(struct sample *s)
{
	img_format_cloop.close(&s->ly);
	img_store_close(&s->store->head);
}

Test(cloop_blocks, neighbours_come_with_one_read)
{
	struct sample s;
	uint8_t buf[N * B];
	unsigned before;

	fill(&s, B);
	open_sample(&s);
	before = s.store->reads;
	cr_assert(img_format_cloop.read(&s.ly, 0, buf, sizeof(buf), NULL));
	cr_assert_eq(s.store->reads - before, 1);
	for (size_t i = 0; i < sizeof(buf); i++)
		cr_assert_eq(buf[i], i / B);
	end(&s);
}

Test(cloop_blocks, any_part_can_be_had)
{
	struct sample s;
	uint8_t buf[3 * B];

	fill(&s, B);
	open_sample(&s);
	for (size_t at = 5 * B - 2; at < 5 * B + 3; at++)
		for (size_t len = 1; len < 2 * B + 5; len += 101) {
			cr_assert(img_format_cloop.read(&s.ly, at, buf, len, NULL));
			for (size_t i = 0; i < len; i++)
				cr_assert_eq(buf[i], (at + i) / B);
		}
	end(&s);
}

Test(cloop_blocks, a_short_last_block_ends_the_disk)
{
	struct sample s;
	uint8_t buf[B];

	fill(&s, 100);
	open_sample(&s);
	cr_assert_eq(s.ly.size, (N - 1) * B + 100);
	cr_assert(img_format_cloop.read(&s.ly, (N - 1) * B, buf, 100, NULL));
	cr_assert(buf[0] == N - 1 && buf[99] == N - 1);
	end(&s);
}

Test(cloop_blocks, a_damaged_last_block_is_no_reason_not_to_open)
{
	struct sample s;
	struct img_err err = { 0 };
	uint8_t buf[B];

	fill(&s, B);
	s.store->bytes[s.entries[N] - 1] ^= 1;
	open_sample(&s);
	cr_assert_eq(s.ly.size, N * B);
	cr_assert_not(img_format_cloop.read(&s.ly, (N - 1) * B, buf, B, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT);
	cr_assert(strstr(err.text, "block 39 at 0x"), "%s", err.text);
	end(&s);
}

Test(cloop_blocks, damage_of_the_index_is_lost_and_never_zeros)
{
	struct sample s;
	struct img_extent ex;

	fill(&s, B);
	img_put_be64(s.store->bytes + CLOOP_HDR_LEN + 3 * 8, 1);
	s.store->len = s.entries[20] + 1;
	open_sample(&s);
	cr_assert(img_format_cloop.extent(&s.ly, B, N * B, &ex, NULL));
	cr_assert(ex.kind == IMG_EXTENT_ENCODED && ex.len == B && ex.host == s.entries[1]);
	cr_assert(img_format_cloop.extent(&s.ly, 2 * B, N * B, &ex, NULL));
	cr_assert(ex.kind == IMG_EXTENT_LOST && ex.loss == IMG_E_CORRUPT && ex.len == B);
	cr_assert_str_eq(ex.why, cloop_found_index_order.text);
	cr_assert(img_format_cloop.extent(&s.ly, 3 * B, N * B, &ex, NULL));
	cr_assert_str_eq(ex.why, cloop_found_index_inside.text);
	cr_assert(img_format_cloop.extent(&s.ly, 20 * B + 5, N * B, &ex, NULL));
	cr_assert(ex.kind == IMG_EXTENT_LOST && ex.loss == IMG_E_INCOMPLETE);
	cr_assert_eq(ex.len, 20 * B - 5);
	end(&s);
}

static struct img_extent extent_at(struct sample *s, uint64_t at, uint64_t limit)
{
	struct img_extent ex;

	cr_assert(img_format_cloop.extent(&s->ly, at, limit, &ex, NULL));
	cr_assert_eq(ex.start, at);
	return ex;
}

Test(cloop_blocks, zeros_are_known_where_neighbours_are_the_same)
{
	static const uint8_t values[N] = { 0, 0, 0, 7, 7, 0, 8, 9, 0, 0, 0 };
	struct sample s;
	struct img_extent ex;

	fill_with(&s, values, B);
	open_sample(&s);
	ex = extent_at(&s, 0, N * B);
	cr_assert(ex.kind == IMG_EXTENT_ZERO && ex.len == 3 * B && !ex.store);
	ex = extent_at(&s, 3 * B, N * B);
	cr_assert(ex.kind == IMG_EXTENT_ENCODED && ex.len == 2 * B && ex.host == s.entries[3]);
	cr_assert_eq(ex.host_len, s.entries[5] - s.entries[3]);
	for (int i = 5; i < 8; i++) {
		ex = extent_at(&s, (uint64_t)i * B, N * B);
		cr_assert(ex.kind == IMG_EXTENT_ENCODED && ex.len == B, "%d", i);
	}
	/* Not behind the limit, from the middle of a block, or of the last one, which may be short. */
	cr_assert_eq(extent_at(&s, 0, 2 * B + 1).len, 2 * B);
	ex = extent_at(&s, 1, N * B);
	cr_assert(ex.kind == IMG_EXTENT_ENCODED && ex.len == B - 1);
	cr_assert_eq(extent_at(&s, 11 * B, N * B).len, (N - 12) * B);
	/* While the image comes through a pipe its blocks are not there yet. */
	s.ly.pass = IMG_PASS_ORDERED;
	cr_assert_eq(extent_at(&s, 0, N * B).kind, IMG_EXTENT_ENCODED);
	end(&s);
}

Test(cloop_blocks, what_is_not_zeros_is_not_taken_for_them)
{
	static const uint8_t values[N] = { 0 };
	struct sample s;

	fill_with(&s, values, B);
	s.store->bytes[s.entries[4] - 1] ^= 1;	/* of a checksum */
	open_sample(&s);
	cr_assert_eq(extent_at(&s, 0, N * B).len, 3 * B);
	cr_assert_eq(extent_at(&s, 3 * B, N * B).kind, IMG_EXTENT_ENCODED);
	for (int i = 0; i < N; i++)
		s.store->bytes[s.entries[i + 1] - 1] ^= i != 3;
	cr_assert_eq(extent_at(&s, 0, N * B).kind, IMG_EXTENT_ENCODED);
	end(&s);
}

/* A plain last block that is shorter than the disk has it, by the note in the script. */
Test(cloop_blocks, bytes_behind_a_plain_block_are_not_of_the_disk)
{
	const struct cloop_header hdr = { .version = CLOOP_V4, .block_size = B, .n_blocks = 2,
					  .size = 2 * B };
	struct sample s = { .store = fake_store_new(ROOM, ROOM, IMG_STORE_SEEK) };
	const uint64_t first = CLOOP_HDR_LEN + 3 * 8, none = UINT64_C(1) << CLOOP_ENTRY_SHIFT;
	struct img_extent ex;

	cloop_header_encode(&hdr, s.store->bytes);
	img_put_be64(s.store->bytes + CLOOP_HDR_LEN, none | first);
	img_put_be64(s.store->bytes + CLOOP_HDR_LEN + 8, none | (first + B));
	img_put_be64(s.store->bytes + CLOOP_HDR_LEN + 16, first + B + 100);
	open_sample(&s);
	cr_assert_eq(s.ly.size, 2 * B);
	cr_assert(img_format_cloop.extent(&s.ly, 0, 2 * B, &ex, NULL));
	cr_assert(ex.kind == IMG_EXTENT_DATA && ex.len == B + 100 && ex.host == first);
	cr_assert(img_format_cloop.extent(&s.ly, B + 100, 2 * B, &ex, NULL));
	cr_assert(ex.kind == IMG_EXTENT_LOST && ex.loss == IMG_E_CORRUPT && ex.len == B - 100);
	end(&s);
}

Test(cloop_blocks, nothing_walks_over_blocks_that_have_no_entries)
{
	struct sample s;
	struct img_extent ex;

	fill(&s, B);
	img_put_be32(s.store->bytes + CLOOP_HDR_BLOCKS, UINT32_MAX);
	s.store->len = DATA;
	open_sample(&s);
	cr_assert(img_format_cloop.extent(&s.ly, N * B, s.ly.size, &ex, NULL));
	cr_assert(ex.kind == IMG_EXTENT_LOST && ex.len == s.ly.size - N * B);
	cr_assert_str_eq(ex.why, cloop_found_index_cut.text);
	end(&s);
}
