/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"
#include <pthread.h>
#include <sys/mount.h>

TestSuite(direct, .init = scratch_enter, .fini = scratch_leave);

#define FILE_BYTES 20001

/* Offsets and lengths around the edges of blocks. */
static const size_t edges[] = { 1, 511, 512, 513, 4095, 4096, 4097, 8192, 12345, 16384, 20000 };
#define N_EDGES (sizeof(edges) / sizeof(edges[0]))

static struct img_store *open_direct(const char *path, unsigned flags)
{
	struct img_store *st = img_store_file(path, flags, IMG_CACHE_NONE, &err);

	cr_assert(st, "%s", err.text);
	cr_assert(st->align >= 512);
	return st;
}

static void check_read(struct img_store *st, uint8_t *buf, uint64_t at, size_t len)
{
	const size_t there = at + len <= FILE_BYTES ? len : FILE_BYTES - at;
	size_t got = 0;

	memset(buf, 0, len);
	ok(img_store_read_some(st, at, buf, len, &got, &err));
	cr_assert_eq(got, there, "%zu bytes at %zu: %zu", len, (size_t)at, got);
	cr_assert(is_pattern(buf, at, got));
}

Test(direct, reads_any_range_into_any_buffer)
{
	struct img_store *st;
	uint8_t *buf = img_alloc_aligned(32768, &err);

	make_file("f", FILE_BYTES);
	st = open_direct("f", 0);
	for (size_t i = 0; i < N_EDGES; i++) {
		for (size_t k = 0; k < N_EDGES; k++) {
			check_read(st, buf, edges[i], edges[k]);
			check_read(st, buf + 1, edges[i], edges[k]);
		}
		check_read(st, buf, 0, edges[i]);
		check_read(st, buf + 3, 0, edges[i]);
	}
	check_read(st, buf, 0, 32768);
	free(buf);
	img_store_close(st);
}

/* Against the same writes without direct I/O. */
static void check_write(const uint8_t *buf, uint64_t at, size_t len)
{
	static uint8_t wanted[65536], found[65536];
	struct img_store *st;
	size_t got, end = FILE_BYTES;

	make_file("f", FILE_BYTES);
	memset(wanted, 0, sizeof(wanted));
	fill_pattern(wanted, 0, FILE_BYTES);
	memcpy(wanted + at, buf, len);
	end = at + len > end ? at + len : end;

	st = open_direct("f", IMG_OPEN_WRITE);
	ok(img_store_write(st, at, buf, len, &err));
	img_store_close(st);
	ok(st = img_store_file("f", 0, IMG_CACHE_DEFAULT, &err));
	ok(img_store_read_some(st, 0, found, sizeof(found), &got, &err));
	img_store_close(st);
	cr_assert_eq(got, end, "%zu bytes at %zu: size %zu", len, (size_t)at, got);
	cr_assert(!memcmp(wanted, found, end), "%zu bytes at %zu", len, (size_t)at);
}

Test(direct, writes_any_range_and_keeps_the_size_exact)
{
	uint8_t *buf = img_alloc_aligned(32768, &err);

	memset(buf, 0xa5, 32768);
	for (size_t i = 0; i < N_EDGES; i++) {
		for (size_t k = 0; k < N_EDGES; k++) {
			check_write(buf, edges[i], edges[k]);
			check_write(buf + 1, edges[i], edges[k]);
		}
	}
	check_write(buf, 40960, 4096);
	check_write(buf, 40961, 1);
	free(buf);
}

Test(direct, zeros_and_space_count_into_the_size)
{
	struct img_store *st;
	uint8_t buf[10];
	uint64_t size;

	ok(st = img_store_file_new("f", IMG_CACHE_NONE, &err));
	ok(img_store_preallocate(st, 0, 5000, IMG_PREALLOC_FALLOC, &err));
	ok(img_store_zero(st, 5000, 3001, true, &err));
	ok(img_store_zero(st, 10000, 1, false, &err));
	ok(img_store_write(st, 3, "abc", 3, &err));
	ok(img_store_size(st, &size, &err));
	cr_assert_eq(size, 10001);
	ok(img_store_read(st, 0, buf, 8, &err));
	cr_assert(!memcmp(buf, "\0\0\0abc\0\0", 8));
	img_store_close(st);
}

Test(direct, a_file_system_without_it_says_so)
{
	mkdir("plain", 0755);
	if (mount("none", "plain", "ramfs", 0, ""))
		cr_skip("cannot mount");
	make_file("plain/f", 10);
	fails(img_store_file("plain/f", 0, IMG_CACHE_NONE, &err), IMG_E_UNSUPPORTED);
	cr_expect_str_eq(err.text, "plain/f: this file system has no direct I/O; "
				   "use another cache mode");
	fails(img_store_file_new("plain/g", IMG_CACHE_NONE, &err), IMG_E_UNSUPPORTED);
	cr_expect_str_eq(err.text, "plain/g: this file system has no direct I/O; "
				   "use another cache mode");
	cr_expect_eq(access("plain/g", F_OK), -1);
	umount("plain");
}

static struct img_store *new_block(const char *path)
{
	make_file(path, 4096);
	return open_direct(path, IMG_OPEN_WRITE);
}

struct halves {
	struct img_store *st;
	size_t half;
	_Atomic bool done;
};

static void *write_first_half(void *arg)
{
	struct halves *h = arg;
	IMG_AUTO_FREE uint8_t *buf = calloc(1, h->half);

	while (!h->done)
		if (!img_store_write(h->st, 0, buf, h->half, NULL))
			return NULL;
	return h;
}

/* Two requests for parts of one block, as of a disk with smaller sectors. */
Test(direct, zeros_in_a_block_outlast_a_write_beside_them)
{
	struct halves h = { .st = new_block("f") };
	uint8_t buf[4096], none[4096] = { 0 };
	pthread_t thread;
	void *wrote;

	h.half = h.st->align / 2;
	cr_assert_leq(h.half, sizeof(buf));
	pthread_create(&thread, NULL, write_first_half, &h);
	for (int i = 0; i < 500; i++) {
		memset(buf, 'x', h.half);
		ok(img_store_write(h.st, h.half, buf, h.half, &err));
		ok(img_store_zero(h.st, h.half, h.half, i % 2, &err));
		ok(img_store_read(h.st, h.half, buf, h.half, &err));
		cr_assert(!memcmp(buf, none, h.half), "round %d", i);
	}
	h.done = true;
	pthread_join(thread, &wrote);
	cr_assert(wrote);
	img_store_close(h.st);
}
