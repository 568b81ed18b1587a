/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bits of a bitmap against a model that keeps one byte for each. */
#include <pthread.h>
#include "base/num.h"
#include "format/qcow2/bitmap.h"
#include "sample.h"

enum { GRANULE = 512, N = 100, SIZE = N * GRANULE - 100, BYTES = 64 };

static struct qcow2_bitmap empty(uint8_t bits[BYTES])
{
	memset(bits, 0, BYTES);
	return (struct qcow2_bitmap){ .granularity_bits = 9, .bits = bits };
}

/* What is set, as ranges, and its sum, must be those of the model. */
static void check(const struct qcow2_bitmap *bm, const bool model[N])
{
	uint64_t at = 0, start, len, sum = 0;

	for (;;) {
		qcow2_bitmap_next(bm, SIZE, at, &start, &len);
		for (; at < (len ? start : SIZE); at += GRANULE)
			cr_assert_not(model[at / GRANULE], "%ju", (uintmax_t)at / GRANULE);
		if (!len)
			break;
		cr_assert_eq(at, start);
		for (; at < start + len; at += GRANULE)
			cr_assert(model[at / GRANULE], "%ju", (uintmax_t)at / GRANULE);
		sum += len;
		at = start + len;
	}
	cr_assert_eq(qcow2_bitmap_count(bm, SIZE), sum);
}

Test(bitmap_bits, ranges_of_all_kinds)
{
	uint8_t bits[BYTES];

	for (unsigned first = 0; first < N; first++)
		for (unsigned end = first + 1; end <= N; end++) {
			struct qcow2_bitmap bm = empty(bits);
			const uint64_t from = first * GRANULE + (first + end) % GRANULE;
			const uint64_t to = img_min_u64(end * GRANULE - end % 7, SIZE);
			bool model[N] = { false };

			if (from >= to)
				continue;
			for (unsigned i = first; i < end; i++)
				model[i] = true;
			qcow2_bitmap_set(&bm, from, to - from);
			check(&bm, model);
		}
}

Test(bitmap_bits, many_ranges)
{
	uint8_t bits[BYTES];
	struct qcow2_bitmap bm = empty(bits);
	bool model[N] = { false };

	srand(1);
	for (unsigned i = 0; i < 30; i++) {
		const uint64_t at = (uint64_t)rand() % SIZE;
		const uint64_t len = 1 + (uint64_t)rand() % (2 * GRANULE) % (SIZE - at);

		qcow2_bitmap_set(&bm, at, len);
		for (uint64_t g = at / GRANULE; g <= (at + len - 1) / GRANULE; g++)
			model[g] = true;
		check(&bm, model);
	}
}

Test(bitmap_bits, the_next_one_from_inside)
{
	uint8_t bits[BYTES];
	struct qcow2_bitmap bm = empty(bits);
	uint64_t start, len;

	cr_assert(qcow2_bitmap_set(&bm, 20 * GRANULE, 3 * GRANULE));
	cr_assert_not(qcow2_bitmap_set(&bm, 20 * GRANULE + 1, 3 * GRANULE - 2));
	qcow2_bitmap_next(&bm, SIZE, 21 * GRANULE + 5, &start, &len);
	cr_assert_eq(start, 21 * GRANULE + 5);
	cr_assert_eq(len, 2 * GRANULE - 5);
	qcow2_bitmap_next(&bm, SIZE, 23 * GRANULE, &start, &len);
	cr_assert_eq(len, 0);
	qcow2_bitmap_next(&bm, SIZE, SIZE, &start, &len);
	cr_assert_eq(len, 0);
}

Test(bitmap_bits, what_lies_behind_the_disk_is_cut)
{
	uint8_t bits[BYTES];
	struct qcow2_bitmap bm = empty(bits);

	memset(bits, 0xff, sizeof(bits));
	cr_assert_eq(qcow2_bitmap_bytes(&bm, SIZE), 13);
	qcow2_bitmap_trim(&bm, SIZE, sizeof(bits));
	cr_assert_eq(bits[11], 0xff);
	cr_assert_eq(bits[12], 0x0f);
	cr_assert_eq(bits[13], 0);
	cr_assert_eq(bits[BYTES - 1], 0);
	cr_assert_eq(qcow2_bitmap_count(&bm, SIZE), SIZE);
	memset(bits, 0xff, sizeof(bits));
	qcow2_bitmap_trim(&bm, 16 * GRANULE, 2);
	cr_assert_eq(bits[1], 0xff);
	cr_assert_eq(bits[2], 0xff);
}

Test(bitmap_bits, pieces)
{
	uint8_t bits[BYTES];
	struct qcow2_bitmap bm = empty(bits);

	cr_assert_eq(qcow2_bitmap_look(&bm, SIZE, 0, BYTES), QCOW2_BITMAP_ZEROS);
	qcow2_bitmap_set(&bm, 8 * 8 * GRANULE, SIZE - 8 * 8 * GRANULE);
	cr_assert_eq(qcow2_bitmap_look(&bm, SIZE, 0, 8), QCOW2_BITMAP_ZEROS);
	cr_assert_eq(qcow2_bitmap_look(&bm, SIZE, 0, 16), QCOW2_BITMAP_MIXED);
	cr_assert_eq(qcow2_bitmap_look(&bm, SIZE, 8, 8), QCOW2_BITMAP_ONES);
	bits[12] ^= 8;		/* the last granule of the disk */
	cr_assert_eq(qcow2_bitmap_look(&bm, SIZE, 8, 8), QCOW2_BITMAP_MIXED);
	cr_assert_eq(qcow2_bitmap_look(&bm, SIZE, 16, 8), QCOW2_BITMAP_ZEROS);
}

enum { THREADS = 4 };

struct setter {
	struct qcow2_bitmap *bm;
	unsigned first;
};

static void *set_every_fourth(void *arg)
{
	const struct setter *setter = arg;

	for (unsigned i = setter->first; i < N; i += THREADS)
		qcow2_bitmap_set(setter->bm, (uint64_t)i * GRANULE, 1);
	return NULL;
}

Test(bitmap_bits, threads_share_bytes)
{
	uint8_t bits[BYTES];
	struct qcow2_bitmap bm = empty(bits);
	struct setter setters[THREADS];
	pthread_t threads[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		setters[i] = (struct setter){ &bm, i };
		cr_assert_eq(pthread_create(&threads[i], NULL, set_every_fourth, &setters[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	cr_assert_eq(qcow2_bitmap_count(&bm, SIZE), SIZE);
}
