/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include "scratch.h"
#include "store/recrypt.h"

#define MIB (UINT64_C(1) << 20)

static struct img_recrypt_header encrypting(void)
{
	return (struct img_recrypt_header){
		.kind = IMG_RECRYPT_ENCRYPT, .id = "0123456789abcde", .to = 16 * MIB, .len = 10 * MIB + 512,
		.window = 4 * MIB, .before = 10 * MIB + 100, .after = 26 * MIB + 512, .new_len = 2 * MIB,
		.head_before.sums = { 1 }, .head_after.sums = { 2 },
	};
}

static struct img_recrypt_header changing(void)
{
	struct img_recrypt_header hdr = encrypting();

	hdr.kind = IMG_RECRYPT_CHANGE;
	hdr.from = hdr.to;
	hdr.old_len = MIB + 1;
	return hdr;
}

/* The disk is a part of the file. */
static struct img_recrypt_header inside(void)
{
	struct img_recrypt_header hdr = encrypting();

	hdr.inside = true;
	hdr.to = 0;
	hdr.after = hdr.len;
	hdr.guest = 100 * MIB;
	return hdr;
}

/* The header is a file of its own. */
static struct img_recrypt_header apart(void)
{
	struct img_recrypt_header hdr = encrypting();

	hdr.apart = true;
	hdr.to = 0;
	hdr.after = hdr.len;
	return hdr;
}

static bool is_read(const struct img_recrypt_header *hdr)
{
	uint8_t raw[RECRYPT_BLOCK], again[RECRYPT_BLOCK];
	struct img_recrypt_header back;

	img_recrypt_header_encode(hdr, raw);
	if (!img_recrypt_header_decode(raw, &back))
		return false;
	img_recrypt_header_encode(&back, again);
	return !memcmp(raw, again, sizeof(raw));
}

Test(recrypt_layout, headers_come_back)
{
	struct img_recrypt_header hdr = encrypting();

	cr_assert(is_read(&hdr));
	hdr = changing();
	cr_assert(is_read(&hdr));
	hdr.kind = IMG_RECRYPT_DECRYPT;
	hdr.to = hdr.new_len = 0;
	hdr.after = hdr.len;
	cr_assert(is_read(&hdr));
	hdr = inside();
	cr_assert(is_read(&hdr));
	hdr.kind = IMG_RECRYPT_CHANGE;
	hdr.legacy = true;
	hdr.check = 0x12345678;
	cr_assert(is_read(&hdr));
	hdr.legacy = false;
	cr_assert(!is_read(&hdr), "there is no old header");
	hdr.old_len = MIB;
	cr_assert(is_read(&hdr));
	hdr.from = hdr.to = 4 * MIB;
	cr_assert(!is_read(&hdr), "windows are those of the file");
}

Test(recrypt_layout, users_see_how_much_of_the_disk_is_done)
{
	struct img_recrypt_header hdr = inside();

	hdr.len = 8 * MIB;
	cr_assert_eq(img_recrypt_progress(&hdr, 1), 50 * MIB);
	cr_assert_eq(img_recrypt_progress(&hdr, 2), 100 * MIB);
	cr_assert_eq(img_recrypt_guest(&hdr), 100 * MIB);
	hdr.inside = false;
	cr_assert_eq(img_recrypt_guest(&hdr), 8 * MIB);
}

Test(recrypt_layout, what_an_image_with_tables_is)
{
	const struct img_recrypt_header hdr = inside();
	struct img_recrypt_record rec = { .next = 1 };
	struct img_recrypt_head head;
	uint8_t raw[RECRYPT_BLOCK] = { 1 };

	cr_assert_eq(img_recrypt_state_by(&hdr, NULL, raw), IMG_RECRYPT_STALE);
	cr_assert_eq(img_recrypt_state_by(&hdr, &rec, raw), IMG_RECRYPT_OTHER);
	rec.next = img_recrypt_windows(&hdr);
	cr_assert_eq(img_recrypt_state_by(&hdr, &rec, raw), IMG_RECRYPT_STALE);
	img_recrypt_head_sum(raw, &head);
	memcpy(rec.sums, head.sums, sizeof(head.sums));
	cr_assert_eq(img_recrypt_state_by(&hdr, &rec, raw), IMG_RECRYPT_WHOLE);
	memcpy(raw + 1000, hdr.id, sizeof(hdr.id));
	cr_assert_eq(img_recrypt_state_by(&hdr, &rec, raw), IMG_RECRYPT_HALF);
	cr_assert_eq(img_recrypt_state_by(&hdr, NULL, raw), IMG_RECRYPT_HALF);
}

/* One field each that makes no sense with the others. */
Test(recrypt_layout, impossible_headers_are_none)
{
	for (int i = 0; i < 10; i++) {
		struct img_recrypt_header hdr = i < 8 ? encrypting() : changing();

		if (i == 0) hdr.kind = 4;
		if (i == 1) hdr.window = 0;
		if (i == 2) hdr.window = 17 * MIB;	/* more than it moves */
		if (i == 3) hdr.after++;
		if (i == 4) hdr.new_len = hdr.to + 1;
		if (i == 5) hdr.from = 4096;		/* nothing was encrypted */
		if (i == 6) hdr.len = 100, hdr.after = hdr.to + 100;
		if (i == 7) hdr.to = UINT64_MAX - hdr.len + 1, hdr.after = 0;
		if (i == 8) hdr.window = MIB + 512;	/* sums are those of whole pieces */
		if (i == 9) hdr.old_len = 0;
		cr_assert(!is_read(&hdr), "field %d", i);
	}
}

Test(recrypt_layout, each_byte_of_a_header_counts)
{
	const struct img_recrypt_header hdr = encrypting();
	uint8_t raw[RECRYPT_BLOCK];
	struct img_recrypt_header back;

	img_recrypt_header_encode(&hdr, raw);
	for (size_t i = 0; i < sizeof(raw); i++) {
		raw[i] ^= 1;
		cr_assert(!img_recrypt_header_decode(raw, &back));
		raw[i] ^= 1;
	}
	cr_assert(!img_recrypt_is_unfinished(raw, sizeof(raw)));
	raw[RECRYPT_HDR_FROM] ^= 1;
	cr_assert(img_recrypt_is_unfinished(raw, sizeof(raw)));
	raw[0] ^= 1;
	cr_assert(!img_recrypt_is_unfinished(raw, sizeof(raw)), "somebody else's");
	memset(raw, 0, RECRYPT_SECTOR);
	cr_assert(img_recrypt_is_unfinished(raw, sizeof(raw)), "its last sector alone was written");
	memset(raw, 0, sizeof(raw));
	cr_assert(img_recrypt_is_unfinished(raw, 100));
}

Test(recrypt_layout, records_are_those_of_their_header)
{
	struct img_recrypt_header hdr = changing();
	const struct img_recrypt_record rec = { .next = 3, .sums = { 1, 2, [RECRYPT_MAX_SUMS - 1] = 3 } };
	struct img_recrypt_record back;
	uint8_t raw[RECRYPT_BLOCK];

	img_recrypt_record_encode(&hdr, &rec, raw);
	cr_assert(img_recrypt_record_decode(&hdr, raw, &back));
	cr_assert_arr_eq(&back, &rec, sizeof(rec));
	hdr.id[0] ^= 1;
	cr_assert(!img_recrypt_record_decode(&hdr, raw, &back));
	hdr.id[0] ^= 1;
	hdr.window = 64 * MIB;			/* has no third window */
	cr_assert(!img_recrypt_record_decode(&hdr, raw, &back));
	memset(raw, 0, sizeof(raw));
	cr_assert(!img_recrypt_record_decode(&hdr, raw, &back));
}

Test(recrypt_layout, a_mark_is_known)
{
	uint8_t raw[RECRYPT_BLOCK];

	img_recrypt_mark(encrypting().id, raw);
	cr_assert(img_recrypt_is_mark(raw, sizeof(raw)));
	cr_assert(img_recrypt_is_mark(raw, RECRYPT_MARK_BYTES));
	cr_assert(!img_recrypt_is_mark(raw, 10));
}

/* Sectors of `of`, those of the others from the mask. */
static enum img_recrypt_state state_of(const struct img_recrypt_header *hdr, const uint8_t *of,
				       const uint8_t *others, unsigned mask, const uint64_t *next)
{
	const struct img_recrypt_record rec = { .next = next ? *next : 0 };
	uint8_t raw[RECRYPT_BLOCK];

	for (size_t i = 0; i < RECRYPT_HEAD_SECTORS; i++)
		memcpy(raw + i * RECRYPT_SECTOR, (mask >> i & 1 ? others : of) + i * RECRYPT_SECTOR,
		       RECRYPT_SECTOR);
	return img_recrypt_state_by(hdr, next ? &rec : NULL, raw);
}

/* A loss of power may leave any sectors of a head old, and any new. */
Test(recrypt_layout, what_a_file_is_by_its_first_bytes)
{
	struct img_recrypt_header hdr = encrypting();
	uint8_t old[RECRYPT_BLOCK], fresh[RECRYPT_BLOCK], mark[RECRYPT_BLOCK];
	const uint64_t some = 1, all = img_recrypt_windows(&hdr);

	memset(old, 'a', sizeof(old));
	memset(fresh, 'b', sizeof(fresh));
	img_recrypt_mark(hdr.id, mark);
	img_recrypt_head_sum(old, &hdr.head_before);
	img_recrypt_head_sum(fresh, &hdr.head_after);
	for (unsigned mask = 0; mask < 254; mask++) {
		cr_assert_eq(state_of(&hdr, old, mark, mask, NULL), IMG_RECRYPT_BEGUN);
		cr_assert_eq(state_of(&hdr, old, mark, mask, &some), IMG_RECRYPT_OTHER);
		cr_assert_eq(state_of(&hdr, mark, fresh, mask, &all), IMG_RECRYPT_HALF);
		cr_assert_eq(state_of(&hdr, old, fresh, mask | 1, NULL), IMG_RECRYPT_OTHER);
	}
	cr_assert_eq(state_of(&hdr, mark, old, 0, &some), IMG_RECRYPT_HALF);
	cr_assert_eq(state_of(&hdr, fresh, old, 0, &all), IMG_RECRYPT_WHOLE);
	cr_assert_eq(state_of(&hdr, fresh, old, 0, NULL), IMG_RECRYPT_WHOLE);
	cr_assert_eq(state_of(&hdr, fresh, old, 0, &some), IMG_RECRYPT_OTHER);
}

/* What is overwritten is not needed by any window to come, and every byte has one window. */
static void go_through(const struct img_recrypt_header *hdr)
{
	uint64_t start, end, sum = 0;

	for (uint64_t i = 0; i < img_recrypt_windows(hdr); i++) {
		cr_assert_eq(img_recrypt_done(hdr, i), sum);
		img_recrypt_window(hdr, i, &start, &end);
		sum += end - start;
		for (uint64_t k = i; k < img_recrypt_windows(hdr) && hdr->from != hdr->to; k++) {
			uint64_t later, later_end;

			img_recrypt_window(hdr, k, &later, &later_end);
			cr_assert(hdr->to + end <= hdr->from + later ||
				  hdr->to + start >= hdr->from + later_end);
		}
	}
	cr_assert_eq(sum, hdr->len);
	cr_assert_eq(img_recrypt_done(hdr, img_recrypt_windows(hdr)), hdr->len);
}

Test(recrypt_layout, windows_overwrite_nothing_that_is_needed)
{
	struct img_recrypt_header hdr = encrypting();

	go_through(&hdr);
	hdr.to = hdr.window;
	go_through(&hdr);
	hdr.from = 2 * hdr.window;
	hdr.to = 0;
	go_through(&hdr);
	hdr = changing();
	go_through(&hdr);
}

Test(recrypt_layout, places_follow_each_other)
{
	const struct img_recrypt_header hdr = changing();

	cr_assert_eq(img_recrypt_new_at(&hdr), 16384 + MIB + 4096);
	cr_assert_eq(img_recrypt_kept_at(&hdr, 4), 16384 + 3 * MIB + 4096);
	cr_assert_eq(img_recrypt_kept_at(&hdr, 5), 16384 + 7 * MIB + 4096);
	cr_assert_eq(img_recrypt_end(&hdr), 16384 + 11 * MIB + 4096);
}

Test(recrypt_layout, a_header_apart_leaves_the_disk_at_its_place)
{
	struct img_recrypt_header hdr = apart();

	cr_assert(is_read(&hdr));
	cr_assert(img_recrypt_is_kept(&hdr));
	hdr.apart = false;
	cr_assert_not(is_read(&hdr));
	hdr = apart();
	hdr.to = 16 * MIB;
	hdr.after += hdr.to;
	cr_assert_not(is_read(&hdr));
	hdr = apart();
	hdr.inside = true;
	cr_assert_not(is_read(&hdr));
}

Test(recrypt_layout, a_mix_is_one_of_the_heads_sector_by_sector)
{
	const struct img_recrypt_head of[] = { { { 1, 1, 1 } }, { { 2, 2, 2 } }, { { 3, 3, 3 } } };
	struct img_recrypt_head head = { { 3, 1, 2 } };

	cr_assert(img_recrypt_head_is_mix(&head, of, 3));
	cr_assert_not(img_recrypt_head_is_mix(&head, of, 2));
	head.sums[RECRYPT_HEAD_SECTORS - 1] = 1;
	cr_assert_not(img_recrypt_head_is_mix(&head, of, 3));
}

/* A loss of power leaves some of its sectors. */
Test(recrypt_layout, a_header_without_any_of_its_sectors_is_unfinished)
{
	const struct img_recrypt_header hdr = inside();
	uint8_t raw[RECRYPT_BLOCK];

	for (unsigned there = 0; there < 7; there++) {
		img_recrypt_header_encode(&hdr, raw);
		if (!(there & 1))
			memset(raw, 0, RECRYPT_SECTOR);
		if (!(there & 2))
			memset(raw + RECRYPT_SECTOR, 0, RECRYPT_SECTOR);
		if (!(there & 4))
			memset(raw + RECRYPT_BLOCK - RECRYPT_SECTOR, 0, RECRYPT_SECTOR);
		cr_expect(img_recrypt_is_unfinished(raw, sizeof(raw)), "sectors %x", there);
	}
}
