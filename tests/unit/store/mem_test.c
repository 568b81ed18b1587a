/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"

Test(mem, holds_a_copy_of_its_content)
{
	char content[] = "abc", buf[4] = "";
	struct img_store *st;

	ok(st = img_store_mem(content, 3, &err));
	content[0] = 'X';
	ok(img_store_read(st, 0, buf, 3, &err));
	cr_assert_str_eq(buf, "abc");
	cr_assert_not(st->caps & IMG_STORE_FRESH);
	img_store_close(st);
}

Test(mem, grows_with_zeros_between)
{
	struct img_store *st;
	uint8_t buf[100];
	uint64_t size;

	ok(st = img_store_mem(NULL, 0, &err));
	cr_assert(st->caps & IMG_STORE_FRESH);
	ok(img_store_write(st, 90, "end", 3, &err));
	ok(img_store_size(st, &size, &err));
	cr_assert_eq(size, 93);
	ok(img_store_read(st, 0, buf, 93, &err));
	cr_assert(is_zero(buf, 90) && !memcmp(buf + 90, "end", 3));
	img_store_close(st);
}

Test(mem, what_was_cut_off_comes_back_as_zeros)
{
	struct img_store *st;
	uint8_t buf[10];

	ok(st = img_store_mem("0123456789", 10, &err));
	ok(img_store_resize(st, 4, &err));
	fails(img_store_read(st, 0, buf, 5, &err), IMG_E_INCOMPLETE);
	ok(img_store_resize(st, 10, &err));
	ok(img_store_read(st, 0, buf, 10, &err));
	cr_assert(!memcmp(buf, "0123", 4) && is_zero(buf + 4, 6));
	img_store_close(st);
}

Test(mem, does_not_take_more_than_there_is)
{
	struct img_store *st;

	ok(st = img_store_mem(NULL, 0, &err));
	fails(img_store_resize(st, INT64_MAX, &err), IMG_E_NOMEM);
	img_store_close(st);
}
