/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "undo_image.h"
#include <criterion/parameterized.h>

TestSuite(undo, .init = scratch_enter, .fini = scratch_leave);

static struct img_store *open_file(const char *path, unsigned flags, enum img_cache cache)
{
	struct img_store *st;

	ok(st = img_store_file(path, flags, cache, &err));
	return st;
}

/* The image, as a file whose changes can be undone. */
static struct img_store *open_with_undo(enum img_cache cache)
{
	struct img_store *st;

	ok(st = img_store_undo(open_file("image", IMG_OPEN_WRITE, cache), "undo", &err));
	return st;
}

static void make_image(size_t len)
{
	static uint8_t bytes[IMAGE_MAX];
	const int fd = open("image", O_WRONLY | O_CREAT | O_TRUNC, 0644);

	fill_image(bytes, len);
	cr_assert(fd >= 0 && write(fd, bytes, len) == (ssize_t)len && !close(fd));
}

static void restore(size_t len)
{
	struct img_store *undo = open_file("undo", 0, IMG_CACHE_DEFAULT);
	struct img_store *image = open_file("image", IMG_OPEN_WRITE, IMG_CACHE_DEFAULT);

	ok(img_undo_restore(undo, image, &err));
	cr_assert(is_image(image, len));
	img_store_close(undo);
	img_store_close(image);
}

struct story {
	size_t len;
	int steps;
	enum img_cache cache;
};

ParameterizedTestParameters(undo, brings_back_what_was)
{
	static struct story stories[] = {
		{ 0, 20, IMG_CACHE_DEFAULT },
		{ 1, 20, IMG_CACHE_DEFAULT },
		{ UNDO_BLOCK, 20, IMG_CACHE_DEFAULT },
		{ 3 * UNDO_BLOCK + 1, 1, IMG_CACHE_DEFAULT },
		{ 16 * UNDO_BLOCK, 3, IMG_CACHE_DEFAULT },
		{ 20 * UNDO_BLOCK - 1, 30, IMG_CACHE_DEFAULT },
		{ 50 * UNDO_BLOCK + 77, 30, IMG_CACHE_UNSAFE },
		{ 50 * UNDO_BLOCK + 77, 30, IMG_CACHE_NONE },
	};

	return cr_make_param_array(struct story, stories, sizeof(stories) / sizeof(stories[0]));
}

ParameterizedTest(struct story *story, undo, brings_back_what_was, .init = scratch_enter,
		  .fini = scratch_leave)
{
	make_image(story->len);
	for (unsigned seed = 0; seed < 8; seed++) {
		struct img_store *st = open_with_undo(story->cache);

		srandom(seed);
		ok(change_much(st, story->len, story->steps, &err));
		cr_assert(img_store_undo_used(st));
		img_store_close(st);
		restore(story->len);
		restore(story->len);
		cr_assert(!unlink("undo"));
	}
}

Test(undo, no_change_leaves_no_file)
{
	struct img_store *st;
	struct img_extent ex;
	char buf[10];

	make_image(UNDO_BLOCK);
	st = open_with_undo(IMG_CACHE_DEFAULT);
	ok(img_store_read(st, 0, buf, 10, &err));
	ok(img_store_extent(st, 0, 10, &ex, &err));
	cr_assert_eq(ex.store, st);
	ok(img_store_write(st, 0, buf, 0, &err));
	fails(img_store_write(st, UINT64_MAX, buf, 10, &err), IMG_E_RANGE);
	ok(img_store_sync(st, &err));
	cr_assert_not(img_store_undo_used(st));
	cr_assert_eq(count_files(), 1);
	img_store_close(st);
	cr_assert_eq(count_files(), 1);
}

Test(undo, a_change_that_could_not_be_made_leaves_no_file)
{
	struct img_store *st, *image;

	make_image(UNDO_BLOCK);
	image = open_file("image", IMG_OPEN_WRITE, IMG_CACHE_DEFAULT);
	ok(st = img_store_fault(image, "read:18", &err));	/* behind the samples */
	ok(st = img_store_undo(st, "undo", &err));
	ok(img_store_resize(st, 2 * UNDO_BLOCK, &err));
	cr_assert(img_store_undo_used(st));
	img_store_close(st);
	cr_assert_eq(count_files(), 2);
	cr_assert(!unlink("undo"));
	image = open_file("image", IMG_OPEN_WRITE, IMG_CACHE_DEFAULT);
	ok(st = img_store_fault(image, "read:17", &err));
	ok(st = img_store_undo(st, "undo", &err));
	fails(img_store_write(st, 0, "a", 1, &err), IMG_E_IO);
	cr_assert_eq(count_files(), 2);
	cr_assert_not(img_store_undo_used(st));
	cr_assert_not(img_store_undo_used(image));
	img_store_close(st);
	cr_assert_eq(count_files(), 1);
}

Test(undo, the_file_is_its_owners_alone)
{
	struct img_store *st;
	struct stat sb;

	umask(0);
	make_image(UNDO_BLOCK);
	st = open_with_undo(IMG_CACHE_DEFAULT);
	ok(img_store_write(st, 0, "a", 1, &err));
	cr_assert(!stat("undo", &sb) && (sb.st_mode & 07777) == 0600);
	img_store_close(st);
}

Test(undo, never_replaces_a_file)
{
	struct img_store *st, *mem = mem_image(UNDO_BLOCK);

	make_file("undo", 3);
	cr_assert(!symlink("nowhere", "link"));
	fails(img_store_undo(mem, "undo", &err), IMG_E_ARGUMENT);
	cr_assert_str_eq(err.text, "undo: exists already, and must be a new file");
	fails(img_store_undo(mem, "link", &err), IMG_E_ARGUMENT);
	fails(img_store_undo(mem, ".", &err), IMG_E_ARGUMENT);
	fails(img_store_undo(mem, "folder/", &err), IMG_E_ARGUMENT);
	fails(img_store_undo(mem, "no/where", &err), IMG_E_IO);
	fails(img_store_undo(mem, "", &err), IMG_E_ARGUMENT);
	ok(st = img_store_undo(mem, "late", &err));
	make_file("late", 4);
	fails(img_store_write(st, 0, "a", 1, &err), IMG_E_ARGUMENT);
	cr_assert(is_image(st, UNDO_BLOCK));
	img_store_close(st);
	cr_assert_eq(count_files(), 3);
}

Test(undo, streams_are_refused)
{
	struct img_store *pipe_end;
	int ends[2];

	cr_assert(!pipe(ends));
	ok(pipe_end = img_store_fd(ends[1], IMG_OPEN_WRITE, "pipe", &err));
	fails(img_store_undo(pipe_end, "undo", &err), IMG_E_UNSUPPORTED);
	img_store_close(pipe_end);
}

Test(undo, holes_are_kept_as_such)
{
	const uint64_t gib = 1 << 30;
	struct img_store *st;
	struct stat sb;
	char byte = 1;

	make_image(0);
	cr_assert(!truncate("image", (off_t)(3 * gib)));
	st = open_file("image", IMG_OPEN_WRITE, IMG_CACHE_DEFAULT);
	ok(img_store_write(st, gib, "x", 1, &err));
	img_store_close(st);
	st = open_with_undo(IMG_CACHE_DEFAULT);
	ok(img_store_zero(st, gib / 2, gib, false, &err));
	ok(img_store_resize(st, 10, &err));
	img_store_close(st);
	cr_assert(!stat("undo", &sb));
	cr_assert_lt(sb.st_size, 65536);
	ok(st = open_file("image", IMG_OPEN_WRITE, IMG_CACHE_DEFAULT));
	struct img_store *undo = open_file("undo", 0, IMG_CACHE_DEFAULT);

	ok(img_undo_restore(undo, st, &err));
	ok(img_store_read(st, gib, &byte, 1, &err));
	cr_assert(byte == 'x' && size_of(st) == 3 * gib);
	cr_assert(!stat("image", &sb) && sb.st_blocks * 512 < 1 << 20);
	img_store_close(undo);
	img_store_close(st);
}

/* The syncs of file so far. */
static uint64_t syncs_of(const struct img_store *file)
{
	struct img_traffic sum = { 0 };

	img_store_add_traffic(file, &sum);
	return sum.syncs;
}

Test(undo, a_change_costs_one_sync_and_only_once)
{
	struct img_store *file, *st;
	static uint8_t bytes[10 * UNDO_BLOCK];

	ok(file = img_store_mem(NULL, 0, &err));
	ok(file = img_store_fault(file, "", &err));
	ok(st = img_store_undo_to(mem_image(20 * UNDO_BLOCK), file, &err));
	ok(img_store_write(st, 2 * UNDO_BLOCK, "a", 1, &err));
	cr_assert_eq(syncs_of(file), 2, "one is for the header");
	ok(img_store_write(st, 0, bytes, sizeof(bytes), &err));
	cr_assert_eq(syncs_of(file), 3);
	ok(img_store_zero(st, 1, sizeof(bytes) - 1, false, &err));
	ok(img_store_write(st, 5, bytes, 5000, &err));
	ok(img_store_resize(st, 30 * UNDO_BLOCK, &err));
	ok(img_store_write(st, 25 * UNDO_BLOCK, bytes, 5000, &err));
	cr_assert_eq(syncs_of(file), 3, "nothing was left to save");
	ok(img_store_preallocate(st, 15 * UNDO_BLOCK, 10, IMG_PREALLOC_FULL, &err));
	cr_assert_eq(syncs_of(file), 4);
	img_store_close(st);
}
