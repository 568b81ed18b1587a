/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"

static struct img_store *parent;

static void open_parent(void)
{
	ok(parent = img_store_mem("0123456789", 10, &err));
}

static void close_parent(void)
{
	img_store_close(parent);
}

TestSuite(tail, .init = open_parent, .fini = close_parent);

Test(tail, grows_with_its_parent)
{
	struct img_store *tail;
	char buf[16] = "";
	uint64_t size;

	ok(tail = img_store_tail(parent, 12, NULL, &err));
	ok(img_store_size(tail, &size, &err));
	cr_assert_eq(size, 0);
	ok(img_store_write(tail, 1, "ab", 2, &err));
	ok(img_store_size(tail, &size, &err));
	cr_assert_eq(size, 3);
	ok(img_store_zero(tail, 2, 1, false, &err));
	ok(img_store_read(tail, 0, buf, 3, &err));
	cr_assert(!memcmp(buf, "\0a\0", 3));
	ok(img_store_resize(tail, 2, &err));
	ok(img_store_size(parent, &size, &err));
	cr_assert_eq(size, 14);
	img_store_close(tail);
}

Test(tail, with_a_hash_it_goes_front_to_back)
{
	static const uint8_t sha1_of_abc[] = {
		0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e,
		0x25, 0x71, 0x78, 0x50, 0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d,
	};
	struct img_hash *hash;
	struct img_store *tail;
	uint8_t sum[IMG_HASH_MAX];
	uint64_t size;

	ok(hash = img_hash_open("sha1", &err));
	ok(tail = img_store_tail(parent, 10, hash, &err));
	cr_assert_not(tail->caps & IMG_STORE_SEEK);
	ok(img_store_write(tail, 0, "ab", 2, &err));
	fails(img_store_write(tail, 0, "x", 1, &err), IMG_E_UNSUPPORTED);
	fails(img_store_write(tail, 3, "x", 1, &err), IMG_E_UNSUPPORTED);
	ok(img_store_write(tail, 2, "c", 1, &err));
	ok(img_store_size(tail, &size, &err));
	cr_assert_eq(size, 3);
	ok(img_hash_finish(hash, sum, &err));
	cr_assert_arr_eq(sum, sha1_of_abc, sizeof(sha1_of_abc));
	img_store_close(tail);
	img_hash_close(hash);
}
