/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * btrfs: what its superblock says, where its addresses lie on the device, and a walk through a tree.
 * (btrfs on-disk format, https://btrfs.readthedocs.io/en/latest/dev/On-disk-format.html.)
 */
#ifndef CMD_GUEST_FREE_BTRFS_H
#define CMD_GUEST_FREE_BTRFS_H

#include "guest/free_readers.h"

struct btrfs_key {
	uint64_t object;
	uint8_t type;
	uint64_t offset;
};

/* Addresses [start, start + len) are on the device n times, from at[i] on. */
struct btrfs_chunk {
	uint64_t start, len;
	unsigned n;
	uint64_t at[2];
};

struct btrfs_chunks {
	struct btrfs_chunk *v;		/* owned; rising, none over another */
	size_t n, cap;
};

struct btrfs_root {
	uint64_t address, generation;
	unsigned level;
};

struct btrfs {
	struct free_place *place;
	uint64_t device;		/* bytes of it */
	uint64_t id;			/* of the device */
	uint64_t used;			/* bytes of addresses that are in use, as it says */
	uint32_t node;			/* bytes */
	uint8_t fsid[16];
	struct btrfs_root root, chunk_root;
	struct btrfs_chunks chunks;
};

/* Told of an item of a tree; false ends the walk. */
typedef bool btrfs_item(struct btrfs *fs, const struct btrfs_key *key, const uint8_t *item, size_t len,
			void *ctx);

/* False in all: place knows why. */
/* All items of a tree, in their order. */
bool btrfs_walk(struct btrfs *fs, const struct btrfs_root *root, btrfs_item *tell, void *ctx);
struct btrfs_key btrfs_key(const uint8_t *raw);
/* The chunk that all of [address, address + len) is in, or NULL. */
const struct btrfs_chunk *btrfs_chunk_of(const struct btrfs *fs, uint64_t address, uint64_t len);

#endif
