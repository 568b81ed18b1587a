/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"
#include "nbd_fake.h"

static struct img_store *st;
static uint8_t buf[FAKE_BYTES];

static struct img_store *open_fake(unsigned flags)
{
	const struct img_nbd_library library = fake_library();

	return img_nbd_open(&library, "nbd://fake", flags, IMG_CACHE_WRITEBACK, &err);
}

static void close_store(void)
{
	img_store_close(st);
	cr_assert(fake.connections == 0);
}

TestSuite(nbd, .init = fake_start, .fini = close_store);

static unsigned asked_of(enum img_nbd_command kind)
{
	unsigned n = 0;

	for (unsigned i = 0; i < fake.n_asked; i++)
		n += fake.asked[i].kind == kind;
	return n;
}

static void check_whole_blocks(void)
{
	for (unsigned i = 0; i < fake.n_asked; i++)
		cr_assert((fake.asked[i].at | fake.asked[i].len) % (uint64_t)fake.block == 0);
}

Test(nbd, a_part_of_a_block_leaves_its_neighbours)
{
	fake.block = 512;
	fill_pattern(fake.bytes, 0, FAKE_BYTES);
	ok(st = open_fake(IMG_OPEN_WRITE));
	ok(img_store_write(st, 700, "abc", 3, &err));
	ok(img_store_zero(st, 1000, 3000, false, &err));
	ok(img_store_read(st, 100, buf, 5000, &err));
	cr_assert(is_pattern(buf, 100, 600) && !memcmp(buf + 600, "abc", 3) &&
		  is_pattern(buf + 603, 703, 297) && is_zero(buf + 900, 3000) &&
		  is_pattern(buf + 3900, 4000, 1100));
	check_whole_blocks();
	cr_assert_eq(asked_of(IMG_NBD_ZERO), 1);
}

Test(nbd, ends_with_the_last_whole_block)
{
	uint64_t size;
	size_t got;

	fake.block = 512;
	fake.size = 2000;
	ok(st = open_fake(IMG_OPEN_WRITE));
	ok(img_store_size(st, &size, &err));
	cr_assert_eq(size, 1536);
	ok(img_store_read_some(st, 1500, buf, 100, &got, &err));
	cr_assert_eq(got, 36);
	ok(img_store_read_some(st, 5000, buf, 100, &got, &err));
	cr_assert_eq(got, 0);
	fails(img_store_write(st, 1536, "x", 1, &err), IMG_E_RANGE);
	fails(img_store_resize(st, 4096, &err), IMG_E_UNSUPPORTED);
}

/* A size of a block that is none is not believed. */
Test(nbd, blocks_are_powers_of_two)
{
	fake.block = 1000;
	ok(st = open_fake(IMG_OPEN_WRITE));
	ok(img_store_write(st, 1, "x", 1, &err));
	cr_assert(fake.n_asked == 1 && fake.asked[0].len == 1);
}

Test(nbd, zeros_are_bytes_where_there_is_no_command)
{
	fake.can_zero = false;
	fill_pattern(fake.bytes, 0, FAKE_BYTES);
	ok(st = open_fake(IMG_OPEN_WRITE));
	ok(img_store_zero(st, 10, 100000, false, &err));
	cr_assert(is_zero(fake.bytes + 10, 100000) && is_pattern(fake.bytes + 100010, 100010, 10));
	cr_assert_eq(asked_of(IMG_NBD_ZERO), 0);
}

Test(nbd, a_sync_is_a_flush_where_there_is_one)
{
	ok(st = open_fake(IMG_OPEN_WRITE));
	ok(img_store_sync(st, &err));
	cr_assert_eq(asked_of(IMG_NBD_FLUSH), 1);
	img_store_close(st);
	fake.can_flush = false;
	ok(st = open_fake(IMG_OPEN_WRITE));
	ok(img_store_sync(st, &err));
	cr_assert_eq(asked_of(IMG_NBD_FLUSH), 1);
}

Test(nbd, who_may_not_write_is_told_at_once)
{
	fake.read_only = true;
	fails(open_fake(IMG_OPEN_WRITE), IMG_E_DENIED);
	cr_assert_str_eq(err.text, "nbd://fake: the server allows reading alone");
	cr_assert_eq(fake.connections, 0);
	ok(st = open_fake(0));
}

Test(nbd, a_size_that_the_server_does_not_tell_is_an_error)
{
	fake.size = -1;
	fails(open_fake(0), IMG_E_IO);
	fake.size = 0;
	ok(st = open_fake(0));
}

static void tell(uint32_t data, uint32_t zeros)
{
	fake.entries[0] = data;
	fake.entries[2] = zeros;
	fake.entries[3] = LIBNBD_STATE_ZERO;
	fake.n_entries = 4;
}

static void check_extent(uint64_t at, enum img_extent_kind kind, uint64_t len)
{
	struct img_extent ex;

	ok(img_store_extent(st, at, FAKE_BYTES, &ex, &err));
	cr_assert(ex.kind == kind && ex.len == len && ex.start == at && ex.host == at,
		  "at %d: kind %d, %d bytes", (int)at, (int)ex.kind, (int)ex.len);
}

Test(nbd, one_answer_about_zeros_serves_many_questions)
{
	tell(1000, 5000);
	ok(st = open_fake(0));
	check_extent(0, IMG_EXTENT_DATA, 1000);
	check_extent(400, IMG_EXTENT_DATA, 600);
	check_extent(1000, IMG_EXTENT_ZERO, 5000);
	cr_assert_eq(asked_of(IMG_NBD_STATUS), 1);
	check_extent(6000, IMG_EXTENT_DATA, 1000);
	cr_assert_eq(asked_of(IMG_NBD_STATUS), 2);
}

Test(nbd, what_may_be_written_is_asked_about_again)
{
	tell(1000, 5000);
	ok(st = open_fake(IMG_OPEN_WRITE));
	check_extent(0, IMG_EXTENT_DATA, 1000);
	tell(500, 5000);
	check_extent(0, IMG_EXTENT_DATA, 500);
}

Test(nbd, an_answer_that_tells_nothing_makes_all_data)
{
	ok(st = open_fake(0));
	check_extent(0, IMG_EXTENT_DATA, FAKE_BYTES);
	img_store_close(st);
	fake.has_status = false;
	fake.n_asked = 0;
	ok(st = open_fake(0));
	check_extent(5, IMG_EXTENT_DATA, FAKE_BYTES - 5);
	cr_assert_eq(fake.n_asked, 0);
}

/* It may tell of more than there is. */
Test(nbd, an_answer_ends_where_the_export_does)
{
	tell(1000, UINT32_MAX);
	ok(st = open_fake(0));
	check_extent(0, IMG_EXTENT_DATA, 1000);
	check_extent(1000, IMG_EXTENT_ZERO, FAKE_BYTES - 1000);
}
