/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/parallel.h"
#include "scratch.h"

static struct img_store *parent, *overlay;

static void open_overlay(void)
{
	ok(parent = img_store_mem("0123456789", 10, &err));
	ok(overlay = img_store_overlay(parent, &err));
}

static void close_overlay(void)
{
	img_store_close(overlay);
	img_store_close(parent);
}

TestSuite(overlay, .init = open_overlay, .fini = close_overlay);

static void assert_content(struct img_store *st, const char *bytes, size_t len)
{
	char buf[64];
	uint64_t size;

	ok(img_store_size(st, &size, &err));
	cr_assert_eq(size, len);
	ok(img_store_read(st, 0, buf, len, &err));
	cr_assert(!memcmp(buf, bytes, len));
}

Test(overlay, shows_the_parent)
{
	char buf[4];

	assert_content(overlay, "0123456789", 10);
	fails(img_store_read(overlay, 8, buf, 3, &err), IMG_E_INCOMPLETE);
}

Test(overlay, keeps_changes_from_the_parent)
{
	ok(img_store_write(overlay, 2, "ab", 2, &err));
	ok(img_store_write(overlay, 6, "cd", 2, &err));
	ok(img_store_zero(overlay, 0, 1, false, &err));
	ok(img_store_sync(overlay, &err));
	assert_content(overlay, "\0001ab45cd89", 10);
	assert_content(parent, "0123456789", 10);
}

Test(overlay, grows_with_zeros_between)
{
	ok(img_store_write(overlay, 12, "ab", 2, &err));
	assert_content(overlay, "0123456789\0\0ab", 14);
	assert_content(parent, "0123456789", 10);
}

Test(overlay, what_was_cut_off_does_not_come_back)
{
	ok(img_store_write(overlay, 4, "abcd", 4, &err));
	ok(img_store_resize(overlay, 5, &err));
	assert_content(overlay, "0123a", 5);
	ok(img_store_resize(overlay, 12, &err));
	assert_content(overlay, "0123a\0\0\0\0\0\0\0", 12);
	assert_content(parent, "0123456789", 10);
}

Test(overlay, extents_lead_through_it)
{
	struct img_extent ex;

	ok(img_store_write(overlay, 4, "ab", 2, &err));
	ok(img_store_resize(overlay, 12, &err));
	ok(img_store_extent(overlay, 1, 12, &ex, &err));
	cr_assert(ex.start == 1 && ex.len == 3 && ex.store == overlay && ex.host == 1);
	ok(img_store_extent(overlay, 4, 12, &ex, &err));
	cr_assert(ex.start == 4 && ex.len == 2 && ex.store == overlay && ex.host == 4);
	ok(img_store_extent(overlay, 7, 12, &ex, &err));
	cr_assert(ex.start == 7 && ex.len == 3 && ex.kind == IMG_EXTENT_DATA);
	ok(img_store_extent(overlay, 10, 12, &ex, &err));
	cr_assert(ex.start == 10 && ex.len == 2 && ex.kind == IMG_EXTENT_ZERO && ex.zero_in_store);
}

Test(overlay, failures_of_the_parent_are_failures)
{
	struct img_store *broken, *over;
	char buf[4];

	ok(broken = img_store_fault(parent, "read:1", &err));
	ok(over = img_store_overlay(broken, &err));
	fails(img_store_read(over, 0, buf, 4, &err), IMG_E_IO);
	img_store_close(over);
	img_store_close(broken);
	ok(parent = img_store_mem("", 0, &err));	/* broken owned it */
}

enum { THREADS = 4, PIECES = 2000, PIECE_LEN = 16 };

/* Every fourth piece, and a look at what others are doing. */
static void write_pieces(void *ctx, unsigned thread)
{
	struct img_err why = { 0 };
	char piece[PIECE_LEN], seen[PIECE_LEN];

	(void)ctx;
	memset(piece, 'a' + (int)thread, sizeof(piece));
	for (unsigned i = thread; i < PIECES; i += THREADS) {
		cr_assert(img_store_write(overlay, i * PIECE_LEN, piece, sizeof(piece), &why));
		cr_assert(img_store_read(overlay, 0, seen, sizeof(seen), &why));
	}
}

Test(overlay, is_for_several_threads)
{
	static char all[PIECES * PIECE_LEN];

	ok(img_store_write(overlay, sizeof(all) - 1, "", 1, &err));
	img_parallel(THREADS, write_pieces, NULL);
	ok(img_store_read(overlay, 0, all, sizeof(all), &err));
	for (unsigned i = 0; i < sizeof(all); i++)
		cr_assert_eq(all[i], (char)('a' + i / PIECE_LEN % THREADS));
}
