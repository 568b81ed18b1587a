/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What came too late for the plan is written behind all else, as a guest would. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/num.h"
#include "copy/copy.h"
#include "unit/fake/files.h"

enum { SIZE = 8 << 20 };

/* A source that has nothing but late pieces: each is full of its letter. */
struct piece { uint64_t at, len; char letter; };
struct source {
	const struct piece *v;
	size_t n;
	unsigned fail_late, fail_read;	/* which call fails, from 1; 0: none */
	unsigned lates, reads;
};

static bool source_late(struct img_layer *ly, uint64_t at, struct img_extent *out,
			struct img_err *err)
{
	struct source *source = ly->priv;

	*out = (struct img_extent){ .start = at };
	if (++source->lates == source->fail_late)
		return img_fail(err, IMG_E_IO, "fake: late");
	for (size_t i = 0; i < source->n; i++) {
		if (source->v[i].at < at)
			continue;
		*out = (struct img_extent){
			.start = source->v[i].at, .len = source->v[i].len,
			.kind = IMG_EXTENT_ENCODED,
		};
		break;
	}
	return true;
}

static bool source_read(struct img_layer *ly, uint64_t at, void *buf, size_t len,
			struct img_err *err)
{
	struct source *source = ly->priv;

	if (++source->reads == source->fail_read)
		return img_fail(err, IMG_E_IO, "fake: read");
	for (size_t i = 0; i < source->n; i++)
		if (at >= source->v[i].at && at + len <= source->v[i].at + source->v[i].len)
			memset(buf, source->v[i].letter, len);
	return true;
}

static const struct img_format format = {
	.name = "fake", .late = source_late, .read = source_read,
};

static struct img_err err;
static struct img *dst;
static struct img_store *store;
static struct img_copy_stats stats;

static void begin(void)
{
	const struct img_create what = { .path = "out", .format = "raw", .size = SIZE };

	files_enter();
	dst = img_create(&what, &err);
	cr_assert_not_null(dst, "%s", err.text);
	store = img_store_mem("", 1, &err);
	stats = (struct img_copy_stats){ .guest = SIZE, .zero = SIZE };
}

static void end(void)
{
	img_close(dst);
	img_store_close(store);
	files_leave();
}

TestSuite(late, .init = begin, .fini = end);

static bool copy(struct source *source)
{
	struct img_layer layer = { .format = &format, .store = store, .size = SIZE, .priv = source };
	struct img src = { .layers = &layer, .n_layers = 1 };
	const struct img_copy what = { .src = &src, .dst = dst };

	return img_copy_late(&what, &stats, &err);
}

Test(late, a_target_for_which_nothing_comes_stays_as_it_is)
{
	struct source source = { .n = 0 };

	cr_assert(copy(&source), "%s", err.text);
	cr_assert_null(dst->disk);
	cr_assert_eq(stats.data, 0);
	cr_assert_eq(stats.zero, SIZE);
}

Test(late, pieces_of_any_length_go_to_their_places)
{
	static const struct piece v[] = {
		{ 512, 1024, 'a' }, { 1 << 20, (3 << 20) + 512, 'b' }, { SIZE - 100, 100, 'c' },
	};
	struct source source = { .v = v, .n = 3 };
	uint8_t *bytes;
	size_t len;

	cr_assert(copy(&source), "%s", err.text);
	cr_assert(img_finish(dst, &err), "%s", err.text);
	bytes = files_read("out", &len);
	cr_assert_eq(len, SIZE);
	for (size_t at = 0; at < len; at++) {
		char want = 0;

		for (size_t i = 0; i < 3; i++)
			if (at >= v[i].at && at < v[i].at + v[i].len)
				want = v[i].letter;
		cr_assert_eq(bytes[at], want, "at %zu", at);
	}
	free(bytes);
	cr_assert_eq(stats.data, v[0].len + v[1].len + v[2].len);
	cr_assert_eq(stats.data + stats.zero, SIZE);
}

Test(late, failures_come_out)
{
	static const struct piece v[] = { { 0, 512, 'a' }, { 4096, 512, 'b' } };
	struct source source = { .v = v, .n = 2, .fail_late = 2 };

	cr_assert_not(copy(&source));
	cr_assert(strstr(err.text, "fake: late"), "%s", err.text);
	/* The target has become a disk meanwhile, and cannot twice. */
	end();
	begin();
	source = (struct source){ .v = v, .n = 2, .fail_read = 2 };
	cr_assert_not(copy(&source));
	cr_assert(strstr(err.text, "fake: read"), "%s", err.text);
	cr_assert_eq(stats.data, 512);
}
