/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A walk through trees that were made to mislead it. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "guest/crc32c.h"
#include "guest/free_btrfs.h"
#include "memory_disk.h"

enum { NODE = 4096, NODES = 4, START = 1 << 20, GENERATION = 7 };

static uint8_t disk[NODES * NODE];

static uint8_t *node(unsigned i)
{
	return disk + (size_t)i * NODE;
}

static void seal(unsigned i, unsigned level, unsigned n)
{
	put_little(node(i) + 48, START + (uint64_t)i * NODE, 8);
	put_little(node(i) + 80, GENERATION, 8);
	put_little(node(i) + 96, n, 4);
	node(i)[100] = (uint8_t)level;
	put_little(node(i), ~crc32c_add(UINT32_MAX, node(i) + 32, NODE - 32), 4);
}

/* A leaf with n items of no length, whose keys count from first. */
static void make_leaf(unsigned i, uint64_t first, unsigned n)
{
	memset(node(i), 0, NODE);
	for (unsigned k = 0; k < n; k++)
		put_little(node(i) + 101 + 25 * k, first + k, 8);
	seal(i, 0, n);
}

static void make_root(unsigned a, unsigned b)
{
	memset(node(0), 0, NODE);
	put_little(node(0) + 101 + 17, START + (uint64_t)a * NODE, 8);
	put_little(node(0) + 101 + 25, GENERATION, 8);
	put_little(node(0) + 134 + 17, START + (uint64_t)b * NODE, 8);
	put_little(node(0) + 134 + 25, GENERATION, 8);
	seal(0, 1, 2);
}

static bool count(struct btrfs *fs, const struct btrfs_key *key, const uint8_t *item, size_t len,
		  void *ctx)
{
	uint64_t *sum = ctx;

	(void)fs, (void)item, (void)len;
	*sum += key->object;
	return true;
}

/* The sum of all keys, or 0 when the tree is damaged. */
static uint64_t sum_of_tree(unsigned level)
{
	struct btrfs_chunk chunk = { .start = START, .len = sizeof(disk), .n = 1 };
	const struct btrfs_root root = { START, GENERATION, level };
	struct img_err err = { 0 };
	struct free_space space;
	struct img *im = memory_disk(disk, sizeof(disk));
	struct free_place place = memory_place(im, &space, &err);
	struct btrfs fs = { .place = &place, .node = NODE, .chunks = { &chunk, 1, 1 } };
	uint64_t sum = 0;
	const bool ok = btrfs_walk(&fs, &root, count, &sum);

	cr_assert_eq(ok, !place.why);
	img_close(im);
	return ok ? sum : 0;
}

Test(free_btrfs_tree, tells_all_items)
{
	make_leaf(1, 10, 2);
	make_leaf(2, 20, 1);
	make_root(1, 2);
	cr_assert_eq(sum_of_tree(1), 10 + 11 + 20);
	make_leaf(0, 5, 1);
	cr_assert_eq(sum_of_tree(0), 5);
}

Test(free_btrfs_tree, does_not_believe)
{
	make_leaf(1, 10, 2);
	make_leaf(2, 20, 1);
	make_root(1, 1);
	cr_assert_eq(sum_of_tree(1), 0, "a leaf that is there twice");
	make_root(2, 1);
	cr_assert_eq(sum_of_tree(1), 0, "keys that fall");
	make_root(1, 0);
	cr_assert_eq(sum_of_tree(1), 0, "a node below itself");
	make_root(1, NODES);
	cr_assert_eq(sum_of_tree(1), 0, "an address in no chunk");
	make_root(1, 2);
	cr_assert_eq(sum_of_tree(2), 0, "another level");
	cr_assert_eq(sum_of_tree(200), 0, "a level that no tree has");
	node(2)[2000] ^= 1;
	cr_assert_eq(sum_of_tree(1), 0, "a wrong bit");
	make_leaf(2, 20, 0);
	cr_assert_eq(sum_of_tree(1), 0, "an empty leaf");
	make_leaf(0, 5, 1);
	put_little(node(0) + 101 + 17, NODE - 101, 4);
	put_little(node(0) + 101 + 21, 1, 4);
	seal(0, 0, 1);
	cr_assert_eq(sum_of_tree(0), 0, "an item behind the end");
}

Test(free_btrfs_tree, finds_chunks)
{
	struct btrfs_chunk v[] = { { 100, 50, 1, { 0 } }, { 150, 10, 1, { 0 } }, { 200, 1, 1, { 0 } } };
	const struct btrfs fs = { .chunks = { v, 3, 3 } };
	static const struct { uint64_t at, len; int want; } questions[] = {
		{ 99, 1, -1 }, { 100, 50, 0 }, { 149, 1, 0 }, { 149, 2, -1 }, { 150, 10, 1 },
		{ 160, 1, -1 }, { 200, 1, 2 }, { 201, 1, -1 }, { 200, UINT64_MAX, -1 },
	};

	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		const struct btrfs_chunk *found =
			btrfs_chunk_of(&fs, questions[i].at, questions[i].len);

		cr_assert_eq(found ? found - v : -1, questions[i].want, "%zu", i);
	}
}
