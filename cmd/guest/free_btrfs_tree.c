/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The trees of btrfs: every node is checked before it is believed. */
#include <stdlib.h>
#include <string.h>
#include "common/text.h"
#include "guest/bytes.h"
#include "guest/crc32c.h"
#include "guest/free_btrfs.h"

enum {
	SUM_LEN = 32, HEADER = 101, KEY = 17,
	ITEM = KEY + 8, POINTER = KEY + 16,
	DEEPEST = 8,
};

struct walk {
	struct btrfs *fs;
	btrfs_item *tell;
	void *ctx;
	struct btrfs_key last;	/* of the items so far */
	bool begun;
};

static bool damaged(const struct btrfs *fs)
{
	return free_place_doubt(fs->place, N_("its trees are damaged"));
}

struct btrfs_key btrfs_key(const uint8_t *raw)
{
	return (struct btrfs_key){
		.object = get_le64(raw), .type = raw[8], .offset = get_le64(raw + 9),
	};
}

const struct btrfs_chunk *btrfs_chunk_of(const struct btrfs *fs, uint64_t address, uint64_t len)
{
	size_t low = 0, high = fs->chunks.n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const struct btrfs_chunk *chunk = &fs->chunks.v[middle];

		if (address < chunk->start)
			high = middle;
		else if (address - chunk->start >= chunk->len)
			low = middle + 1;
		else
			return len <= chunk->len - (address - chunk->start) ? chunk : NULL;
	}
	return NULL;
}

static bool is_below(const struct btrfs_key *a, const struct btrfs_key *b)
{
	if (a->object != b->object)
		return a->object < b->object;
	return a->type != b->type ? a->type < b->type : a->offset < b->offset;
}

static bool is_node(const struct btrfs *fs, const uint8_t *node, const struct btrfs_root *root)
{
	const size_t each = root->level ? POINTER : ITEM;
	const uint32_t sum = ~crc32c_add(UINT32_MAX, node + SUM_LEN, fs->node - SUM_LEN);

	return get_le32(node) == sum && !memcmp(node + 32, fs->fsid, sizeof(fs->fsid)) &&
	       get_le64(node + 48) == root->address && get_le64(node + 80) == root->generation &&
	       node[100] == root->level && get_le32(node + 96) <= (fs->node - HEADER) / each;
}

static bool get_node(const struct btrfs *fs, const struct btrfs_root *root, uint8_t *node)
{
	const struct btrfs_chunk *chunk = btrfs_chunk_of(fs, root->address, fs->node);

	if (!chunk)
		return damaged(fs);
	return free_place_get(fs->place, chunk->at[0] + (root->address - chunk->start), node,
			      fs->node) &&
	       (is_node(fs, node, root) || damaged(fs));
}

/* Keys rise over the whole tree, so nothing is visited twice. */
static bool tell_items(struct walk *w, const uint8_t *node)
{
	const uint8_t *raw = node + HEADER;
	const uint32_t room = w->fs->node - HEADER;

	for (uint32_t i = get_le32(node + 96); i; i--, raw += ITEM) {
		const struct btrfs_key key = btrfs_key(raw);
		const uint32_t at = get_le32(raw + KEY), len = get_le32(raw + KEY + 4);

		if ((w->begun && !is_below(&w->last, &key)) || at > room || len > room - at)
			return damaged(w->fs);
		w->begun = true;
		w->last = key;
		if (!w->tell(w->fs, &key, node + HEADER + at, len, w->ctx))
			return false;
	}
	return true;
}

static bool walk(struct walk *w, const struct btrfs_root *root);

static bool walk_children(struct walk *w, const struct btrfs_root *root, const uint8_t *node)
{
	const uint8_t *raw = node + HEADER;

	for (uint32_t i = get_le32(node + 96); i; i--, raw += POINTER) {
		const struct btrfs_root child = {
			.address = get_le64(raw + KEY), .generation = get_le64(raw + KEY + 8),
			.level = root->level - 1,
		};

		if (!walk(w, &child))
			return false;
	}
	return true;
}

/* Recursion ends with level 0. */
static bool walk(struct walk *w, const struct btrfs_root *root)
{
	struct btrfs *fs = w->fs;
	uint8_t *node = free_place_room(fs->place, 1, fs->node);
	bool ok = node && get_node(fs, root, node);

	/* Only a tree that is empty has an empty node. */
	if (ok && !get_le32(node + 96) && (w->begun || root->level))
		ok = damaged(fs);
	if (ok)
		ok = root->level ? walk_children(w, root, node) : tell_items(w, node);
	free(node);
	return ok;
}

bool btrfs_walk(struct btrfs *fs, const struct btrfs_root *root, btrfs_item *tell, void *ctx)
{
	struct walk w = { .fs = fs, .tell = tell, .ctx = ctx };

	return root->level < DEEPEST ? walk(&w, root) : damaged(fs);
}
