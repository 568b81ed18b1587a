/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"

static struct img_store *parent, *slice;

/* Bytes 3 to 7 of ten. */
static void open_slice(void)
{
	ok(parent = img_store_mem("0123456789", 10, &err));
	ok(slice = img_store_slice(parent, 3, 5, &err));
}

static void close_slice(void)
{
	img_store_close(slice);
	img_store_close(parent);
}

TestSuite(slice, .init = open_slice, .fini = close_slice);

Test(slice, shows_its_part_only)
{
	char buf[6] = "";
	uint64_t size;

	ok(img_store_size(slice, &size, &err));
	cr_assert_eq(size, 5);
	ok(img_store_read(slice, 0, buf, 5, &err));
	cr_assert_str_eq(buf, "34567");
	fails(img_store_read(slice, 1, buf, 5, &err), IMG_E_INCOMPLETE);
	fails(img_store_read(slice, 8, buf, 1, &err), IMG_E_INCOMPLETE);
}

Test(slice, writes_into_its_part_only)
{
	char buf[11] = "";

	ok(img_store_write(slice, 1, "ab", 2, &err));
	ok(img_store_zero(slice, 4, 1, false, &err));
	fails(img_store_write(slice, 4, "ab", 2, &err), IMG_E_RANGE);
	fails(img_store_resize(slice, 6, &err), IMG_E_UNSUPPORTED);
	ok(img_store_read(parent, 0, buf, 10, &err));
	cr_assert(!memcmp(buf, "0123ab6\00089", 10));
}

Test(slice, says_where_the_bytes_are_in_the_parent)
{
	struct img_extent ex;

	ok(img_store_extent(slice, 1, 5, &ex, &err));
	cr_assert(ex.start == 1 && ex.len == 4 && ex.store == parent && ex.host == 4);
}

Test(slice, errors_are_named_once)
{
	char buf[6];

	fails(img_store_read(slice, 1, buf, 5, &err), IMG_E_INCOMPLETE);
	cr_assert_str_eq(err.text, "memory: ends at offset 5, but 5 bytes at offset 1 are needed");
	ok(img_store_resize(parent, 4, &err));
	fails(img_store_write(slice, 99, buf, 1, &err), IMG_E_RANGE);
	cr_assert_str_eq(err.text,
			 "memory: no room for 1 bytes at offset 99: the end is at 5");
}

Test(slice, has_to_lie_inside)
{
	fails(img_store_slice(parent, 8, 3, &err), IMG_E_INCOMPLETE);
	fails(img_store_slice(parent, 11, 0, &err), IMG_E_INCOMPLETE);
	fails(img_store_slice(parent, 2, UINT64_MAX, &err), IMG_E_INCOMPLETE);
}
