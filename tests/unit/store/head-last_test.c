/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"

#define HEAD 65536
#define ALL (3 * HEAD)

static uint8_t old[ALL], now[ALL];
static struct img_store *parent, *st;

static void open_store(void)
{
	memset(old, 0xee, sizeof(old));
	ok(parent = img_store_mem(old, ALL, &err));
	ok(st = img_store_head_last(parent, &err));
}

static void close_store(void)
{
	img_store_close(st);
}

TestSuite(head_last, .init = open_store, .fini = close_store);

static bool are(const uint8_t *buf, uint8_t byte, size_t len)
{
	return buf[0] == byte && !memcmp(buf, buf + 1, len - 1);
}

Test(head_last, nothing_is_wiped_before_something_is_written)
{
	ok(img_store_read(st, 0, now, ALL, &err));
	ok(img_store_sync(st, &err));
	ok(img_store_read(parent, 0, now, ALL, &err));
	cr_assert(!memcmp(old, now, ALL));
}

Test(head_last, the_first_bytes_are_zeros_until_it_is_published)
{
	memset(now, 1, ALL);
	ok(img_store_write(st, HEAD - 100, now, 200, &err));
	ok(img_store_zero(st, 2 * HEAD, 5, false, &err));
	ok(img_store_read(parent, 0, now, ALL, &err));
	cr_assert(are(now, 0, HEAD) && are(now + HEAD, 1, 100) &&
		  are(now + HEAD + 100, 0xee, HEAD - 100) && are(now + 2 * HEAD, 0, 5) &&
		  are(now + 2 * HEAD + 5, 0xee, HEAD - 5));
	ok(img_store_publish(st, &err));
	ok(img_store_read(parent, 0, now, ALL, &err));
	cr_assert(are(now, 0, HEAD - 100) && are(now + HEAD - 100, 1, 200));
}

Test(head_last, who_writes_sees_all_of_it)
{
	memset(now, 1, ALL);
	ok(img_store_write(st, 10, now, HEAD, &err));
	ok(img_store_zero(st, 20, HEAD, false, &err));
	ok(img_store_read(st, 0, now, HEAD + 100, &err));
	cr_assert(are(now, 0, 10) && are(now + 10, 1, 10) && are(now + 20, 0, HEAD) &&
		  are(now + 20 + HEAD, 0xee, 80));
}

Test(head_last, says_where_bytes_are)
{
	struct img_extent ex;

	ok(img_store_extent(st, 5, ALL, &ex, &err));
	cr_assert(ex.len == HEAD - 5 && ex.store == st && ex.host == 5);
	ok(img_store_extent(st, HEAD, ALL, &ex, &err));
	cr_assert(ex.len == 2 * HEAD && ex.store == parent && ex.host == HEAD);
}

Test(head_last, has_the_size_that_there_is)
{
	fails(img_store_write(st, ALL - 1, now, 2, &err), IMG_E_RANGE);
	fails(img_store_resize(st, ALL + 1, &err), IMG_E_UNSUPPORTED);
	ok(img_store_preallocate(st, 0, ALL, IMG_PREALLOC_FULL, &err));
	ok(img_store_read(parent, 0, now, ALL, &err));
	cr_assert(are(now, 0, ALL));
}

static void replace_parent(const char *script, size_t len)
{
	struct img_store *mem;

	img_store_close(st);
	ok(mem = img_store_mem(old, len, &err));
	ok(parent = img_store_fault(mem, script, &err));
	ok(st = img_store_head_last(parent, &err));
}

Test(head_last, may_be_shorter_than_what_is_kept)
{
	replace_parent("read:9", 1000);
	ok(img_store_write(st, 990, "0123456789", 10, &err));
	fails(img_store_write(st, 990, "0123456789", 11, &err), IMG_E_RANGE);
	ok(img_store_publish(st, &err));
	ok(img_store_read(parent, 0, now, 1000, &err));
	cr_assert(are(now, 0, 990) && !memcmp(now + 990, "0123456789", 10));
}

Test(head_last, nothing_is_written_where_the_old_head_stays)
{
	replace_parent("sync:1,zero:1", ALL);
	fails(img_store_write(st, HEAD, "x", 1, &err), IMG_E_IO);
	fails(img_store_write(st, HEAD, "x", 1, &err), IMG_E_IO);
	ok(img_store_read(parent, HEAD, now, HEAD, &err));
	cr_assert(are(now, 0xee, HEAD));
}

Test(head_last, the_head_waits_for_what_it_tells_of)
{
	replace_parent("sync:2", ALL);
	ok(img_store_write(st, 0, "head", 4, &err));
	fails(img_store_publish(st, &err), IMG_E_IO);
	ok(img_store_read(parent, 0, now, HEAD, &err));
	cr_assert(are(now, 0, HEAD));
}
