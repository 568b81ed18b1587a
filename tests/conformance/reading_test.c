/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every driver on its samples: who claims them, what its extents say, and what reading gives. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "base/num.h"
#include "conformance/samples.h"

/* Of each extent so much is read at either end: a disk may be larger than any memory. */
#define END_BYTES (256 * 1024)

static void nothing(const struct sample *sample)
{
	(void)sample;
}

Test(reading, every_driver_has_good_samples)
{
	for (size_t i = 0; i < img_format_count(); i++)
		cr_assert_gt(samples_each(img_format_at(i), GOOD, nothing), 0, "%s",
			     img_format_at(i)->name);
}

/* ---- Probing ---------------------------------------------------------------------------------- */

static void check_probe(const struct sample *sample)
{
	size_t len;
	uint8_t *bytes = samples_bytes(sample, &len);
	const size_t end = img_min_u64(len, IMG_PEEK_BYTES);
	const struct img_peek peek = {
		.head = bytes, .head_len = end, .tail = bytes + (len - end), .tail_len = end,
		.size = len, .name = sample->path,
	};
	const struct img_format *best;

	for (size_t i = 0; i < img_format_count(); i++) {
		const struct img_format *f = img_format_at(i);
		const int vote = f->probe(&peek);

		cr_assert(vote >= 0 && vote <= 100);
		cr_assert_eq(vote > 0, f == sample->format || f == &img_format_raw,
			     "%s votes %d for %s", f->name, vote, sample->name);
	}
	img_probe(&peek, &best);
	cr_assert_eq(best, sample->format, "%s is taken for %s", sample->name, best->name);
	free(bytes);
}

Test(reading, good_samples_are_claimed_by_their_driver_alone)
{
	samples_each(NULL, GOOD, check_probe);
}

static int probe_cut(const struct img_format *format, const uint8_t *bytes, size_t len)
{
	/* A copy of exactly this length: a sanitizer sees who reads on. */
	uint8_t *cut = malloc(len ? len : 1);
	struct img_peek peek = { .head = cut, .head_len = len, .size = IMG_SIZE_UNKNOWN };
	int vote;

	memcpy(cut, bytes, len);
	vote = format->probe(&peek);
	free(cut);
	return vote;
}

static void check_short_probe(const struct sample *sample)
{
	size_t len;
	uint8_t *bytes = samples_bytes(sample, &len);

	for (size_t n = 0; n <= img_min_u64(len, 512); n++)
		for (size_t i = 0; i < img_format_count(); i++)
			cr_assert_geq(probe_cut(img_format_at(i), bytes, n), 0);
	free(bytes);
}

Test(reading, probing_looks_at_no_byte_that_is_not_there)
{
	samples_each(NULL, GOOD, check_short_probe);
}

/* ---- Extents ---------------------------------------------------------------------------------- */

static struct img *open_good(const struct sample *sample)
{
	struct img_err err;
	struct img *im = samples_open(sample, &err);

	cr_assert(im, "%s: %s", sample->name, err.text);
	return im;
}

static uint8_t *read_range(struct img *im, const struct sample *sample, uint64_t at, size_t len)
{
	uint8_t *bytes = malloc(len);
	struct img_err err = { 0 };

	cr_assert(img_read(im, at, bytes, len, &err), "%s: %s", sample->name, err.text);
	return bytes;
}

/* Bytes [at, at + len) of the guest, all inside ex. */
static void check_bytes(struct img *im, const struct sample *sample, const struct img_extent *ex,
			uint64_t at, size_t len)
{
	uint8_t *seen = read_range(im, sample, at, len), *stored = calloc(1, len);
	struct img_err err = { 0 };

	if (ex->kind == IMG_EXTENT_DATA || (ex->kind == IMG_EXTENT_ZERO && ex->zero_in_store))
		cr_assert(img_store_read(ex->store, ex->host + (at - ex->start), stored, len, &err),
			  "%s: %s", sample->name, err.text);
	cr_assert(ex->kind == IMG_EXTENT_ENCODED || !memcmp(seen, stored, len),
		  "%s: guest byte %lu, extent of kind %d", sample->name, at, ex->kind);
	free(seen);
	free(stored);
}

/* The answer from the middle of an extent is that of its start. */
static void check_middle(struct img *im, const struct sample *sample, const struct img_extent *ex)
{
	const uint64_t at = ex->start + ex->len / 2;
	struct img_extent part;
	struct img_err err = { 0 };

	cr_assert(img_extent(im, at, ex->start + ex->len, &part, &err));
	cr_assert(part.start == at && part.kind == ex->kind && part.depth == ex->depth,
		  "%s: guest byte %lu", sample->name, at);
	if (ex->kind == IMG_EXTENT_DATA)
		cr_assert(part.store == ex->store && part.host - ex->host == at - ex->start);
}

static void check_extents(const struct sample *sample)
{
	struct img *im = open_good(sample);

	for (uint64_t at = 0; at < img_size(im);) {
		struct img_extent ex;
		struct img_err err = { 0 };

		cr_assert(img_extent(im, at, img_size(im), &ex, &err), "%s: %s", sample->name,
			  err.text);
		cr_assert(ex.start == at && ex.len > 0 && ex.len <= img_size(im) - at,
			  "%s: guest byte %lu", sample->name, at);
		cr_assert_neq(ex.kind, IMG_EXTENT_LOST, "%s: %s", sample->name, ex.why);
		cr_assert_eq(ex.store == NULL, ex.kind == IMG_EXTENT_HOLE ||
			     (ex.kind == IMG_EXTENT_ZERO && !ex.store));
		check_middle(im, sample, &ex);
		check_bytes(im, sample, &ex, at, img_min_u64(ex.len, END_BYTES));
		if (ex.len > END_BYTES)
			check_bytes(im, sample, &ex, at + ex.len - END_BYTES, END_BYTES);
		at += ex.len;
	}
	img_close(im);
}

Test(reading, extents_cover_the_disk_and_say_what_reading_gives)
{
	samples_each(NULL, GOOD, check_extents);
}

/* ---- Reading ---------------------------------------------------------------------------------- */

/* Places worth reading: the start and the end of the disk, and where extents meet. */
static size_t find_places(struct img *im, uint64_t *at, size_t room)
{
	size_t n = 0;

	at[n++] = 0;
	for (uint64_t end = 0; n < room && end < img_size(im);) {
		struct img_extent ex;

		cr_assert(img_extent(im, end, img_size(im), &ex, NULL));
		end += ex.len;
		at[n++] = end - img_min_u64(end, END_BYTES / 2);
	}
	return n;
}

static void check_pieces(const struct sample *sample)
{
	static const size_t steps[] = { 1021, 4096, 65537 };
	struct img *im = open_good(sample);
	uint64_t places[16];
	const size_t n = img_size(im) ? find_places(im, places, 16) : 0;

	for (size_t p = 0; p < n; p++) {
		const size_t len = img_min_u64(END_BYTES, img_size(im) - places[p]);
		uint8_t *whole = read_range(im, sample, places[p], len);

		for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
			for (size_t at = 0; at < len; at += steps[s]) {
				const size_t step = img_min_u64(steps[s], len - at);
				uint8_t *part = read_range(im, sample, places[p] + at, step);

				cr_assert_not(memcmp(part, whole + at, step), "%s: guest byte %lu",
					      sample->name, places[p] + at);
				free(part);
			}
		}
		free(whole);
	}
	img_close(im);
}

Test(reading, odd_pieces_are_the_same_as_one)
{
	samples_each(NULL, GOOD, check_pieces);
}

static void check_info(const struct sample *sample)
{
	struct img *im = open_good(sample);
	struct img_node *root = img_node_root("image");
	struct img_err err = { 0 };

	cr_assert(img_info(im, true, root, &err), "%s: %s", sample->name, err.text);
	img_node_free(root);
	img_close(im);
}

Test(reading, good_samples_are_told_about)
{
	samples_each(NULL, GOOD, check_info);
}

/* ---- Threads ---------------------------------------------------------------------------------- */

#define THREADS 7
#define READS 200

struct reader {
	struct img *im;
	const uint8_t *want;
	size_t len;
	unsigned seed;
	bool ok;
	pthread_t thread;
};

static void *read_here_and_there(void *arg)
{
	struct reader *r = arg;
	uint8_t *buf = malloc(65536);

	r->ok = true;
	for (int i = 0; i < READS; i++) {
		const size_t at = (size_t)rand_r(&r->seed) % r->len;
		const size_t len = img_min_u64(65536, r->len - at);

		r->ok &= img_read(r->im, at, buf, len, NULL) && !memcmp(buf, r->want + at, len);
	}
	free(buf);
	return NULL;
}

static void check_threads(const struct sample *sample)
{
	struct img *im = open_good(sample), *fresh = open_good(sample);
	const size_t len = img_min_u64(img_size(im), 8 << 20);
	struct reader readers[THREADS];
	uint8_t *want = read_range(im, sample, 0, len);

	for (unsigned i = 0; len && i < THREADS; i++) {
		readers[i] = (struct reader){ .im = fresh, .want = want, .len = len, .seed = i };
		cr_assert_not(pthread_create(&readers[i].thread, NULL, read_here_and_there,
					     &readers[i]));
	}
	for (unsigned i = 0; len && i < THREADS; i++) {
		pthread_join(readers[i].thread, NULL);
		cr_assert(readers[i].ok, "%s", sample->name);
	}
	free(want);
	img_close(im);
	img_close(fresh);
}

Test(reading, any_number_of_threads_read_the_same)
{
	samples_each(NULL, GOOD, check_threads);
}
