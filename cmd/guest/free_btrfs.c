/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The free space of btrfs on one device: what lies in no extent of the extent tree, and what of the device
 * no chunk has.  What the trees of the last commit say is always whole, so nobody has to have unmounted
 * it; only what was written by fsync since then hangs on a log of its own.
 */
#include "guest/free_btrfs.h"

#include <stdlib.h>
#include <string.h>
#include "common/text.h"
#include "guest/bytes.h"
#include "guest/crc32c.h"

enum {
	SUPER_AT = 65536, SUPER_LEN = 4096, SUM_LEN = 32,
	SYSTEM_CHUNKS = 811, SYSTEM_MOST = 2048,	/* in the superblock */
	KEY = 17, CHUNK = 48, STRIPE = 32,		/* bytes of each */
	OBJECT_EXTENT_TREE = 2,
	TYPE_ROOT = 132, TYPE_EXTENT = 168, TYPE_METADATA = 169, TYPE_CHUNK = 228,
	ROOT_ITEM = 239,
	PROFILE_DUP = 1 << 5, CONTENT = 7,		/* of a chunk: data, system, metadata */
	FLAG_WRITTEN = 1, FLAG_ERROR = 4,
	KNOWN_INCOMPAT = 0x77f,
	KNOWN_RO_COMPAT = 0xf,				/* trees and sums beside the extent tree */
};

static const char damaged[] = N_("it is damaged, or newer than what is known here");
static const uint64_t reserved = UINT64_C(1) << 20;	/* at the start of each device */
/* Where superblocks are, and how much is kept for each. */
static const uint64_t mirrors[] = { UINT64_C(64) << 20, UINT64_C(256) << 30 };
static const uint64_t mirror_len = 65536;

/* What is used of the device. */
struct used {
	struct img_span *v;
	size_t n, cap;
	uint64_t end;		/* of the addresses told of so far */
	uint64_t sum;		/* bytes of them */
};

/* ---- The superblock ------------------------------------------------------------------------------ */

static struct btrfs_root root_at(uint64_t address, uint64_t generation, unsigned level)
{
	return (struct btrfs_root){
		.address = address, .generation = generation, .level = level,
	};
}

static bool is_known(const uint8_t *sb)
{
	const uint64_t incompat = get_le64(sb + 188);

	return !memcmp(sb + 64, "_BHRfS_M", 8) && get_le64(sb + 48) == SUPER_AT &&
	       !get_le16(sb + 196) &&		/* sums are CRC-32C */
	       get_le32(sb) == ~crc32c_add(UINT32_MAX, sb + SUM_LEN, SUPER_LEN - SUM_LEN) &&
	       !(incompat & ~(uint64_t)KNOWN_INCOMPAT) &&
	       !(get_le64(sb + 180) & ~(uint64_t)KNOWN_RO_COMPAT) &&
	       !(get_le64(sb + 56) & ~(uint64_t)(FLAG_WRITTEN | FLAG_ERROR));
}

static bool decode(struct btrfs *fs, const uint8_t *sb)
{
	const bool other_id = get_le64(sb + 188) & 1 << 10;

	fs->device = get_le64(sb + 209);
	fs->id = get_le64(sb + 201);
	fs->used = get_le64(sb + 120);
	fs->node = get_le32(sb + 148);
	memcpy(fs->fsid, sb + (other_id ? 571 : 32), sizeof(fs->fsid));
	fs->root = root_at(get_le64(sb + 80), get_le64(sb + 72), sb[198]);
	fs->chunk_root = root_at(get_le64(sb + 88), get_le64(sb + 164), sb[199]);
	if (!is_known(sb) || !is_power_between(fs->node, 4096, 65536))
		return free_place_doubt(fs->place, damaged);
	if (get_le64(sb + 136) != 1)
		return free_place_doubt(fs->place, N_("it lies on several devices"));
	if (get_le64(sb + 56) & FLAG_ERROR)
		return free_place_doubt(fs->place, N_("it is marked as damaged"));
	if (fs->device > fs->place->len)
		return free_place_doubt(fs->place, N_("it is larger than its partition"));
	return !get_le64(sb + 96) ||
	       free_place_forced(fs->place, N_("its journal has to be replayed"));
}

/* ---- Chunks -------------------------------------------------------------------------------------- */

static bool decode_chunk(const struct btrfs *fs, uint64_t start, const uint8_t *item, size_t len,
			 struct btrfs_chunk *chunk)
{
	const uint64_t type = get_le64(item + 24);
	const unsigned n = get_le16(item + 44);

	*chunk = (struct btrfs_chunk){ .start = start, .len = get_le64(item), .n = n };
	if (n != (type & PROFILE_DUP ? 2 : 1) || type & ~(uint64_t)(PROFILE_DUP | CONTENT) ||
	    len < CHUNK + (size_t)n * STRIPE || !chunk->len || chunk->len > UINT64_MAX - start)
		return false;
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *stripe = item + CHUNK + (size_t)i * STRIPE;

		chunk->at[i] = get_le64(stripe + 8);
		if (get_le64(stripe) != fs->id || chunk->at[i] > fs->device ||
		    chunk->len > fs->device - chunk->at[i])
			return false;
	}
	return true;
}

/* Into the struct btrfs_chunks at ctx. */
static bool add_chunk(struct btrfs *fs, const struct btrfs_key *key, const uint8_t *item, size_t len,
		      void *ctx)
{
	struct btrfs_chunks *to = ctx;
	const struct btrfs_chunk *last = to->n ? &to->v[to->n - 1] : NULL;
	struct btrfs_chunk chunk, *v;

	if (key->type != TYPE_CHUNK)
		return true;
	if (len < CHUNK || !decode_chunk(fs, key->offset, item, len, &chunk))
		return free_place_doubt(fs->place, N_("it keeps data in a way that is not known here"));
	if (last && chunk.start < last->start + last->len)
		return free_place_doubt(fs->place, damaged);
	v = free_grow(to->v, to->n, &to->cap, sizeof(*v));
	if (!v)
		return free_place_starved(fs->place);
	to->v = v;
	v[to->n++] = chunk;
	return true;
}

/* Those in which the tree of chunks lies are in the superblock. */
static bool read_system_chunks(struct btrfs *fs, const uint8_t *sb)
{
	const size_t len = get_le32(sb + 160);
	size_t at = 0;

	while (len <= SYSTEM_MOST && len - at > KEY + CHUNK) {
		const uint8_t *raw = sb + SYSTEM_CHUNKS + at;
		const struct btrfs_key key = btrfs_key(raw);
		const size_t item = CHUNK + (size_t)get_le16(raw + KEY + 44) * STRIPE;

		if (key.type != TYPE_CHUNK || item > len - at - KEY)
			break;
		if (!add_chunk(fs, &key, raw + KEY, item, &fs->chunks))
			return false;
		at += KEY + item;
	}
	return at == len || free_place_doubt(fs->place, damaged);
}

static bool read_chunks(struct btrfs *fs)
{
	struct btrfs_chunks all = { .n = 0 };
	const bool ok = btrfs_walk(fs, &fs->chunk_root, add_chunk, &all);

	free(fs->chunks.v);
	fs->chunks = all;
	return ok;
}

/* ---- What is used -------------------------------------------------------------------------------- */

static bool add_used(const struct btrfs *fs, struct used *used, uint64_t at, uint64_t len)
{
	struct img_span *v = free_grow(used->v, used->n, &used->cap, sizeof(*v));

	if (!v)
		return free_place_starved(fs->place);
	used->v = v;
	v[used->n++] = (struct img_span){ .start = at, .len = len };
	return true;
}

/* Whether the last spans, one for each copy, end where these bytes of the chunk begin. */
static bool continues(const struct used *used, const struct btrfs_chunk *chunk, uint64_t inside)
{
	if (used->n < chunk->n)
		return false;
	for (unsigned i = 0; i < chunk->n; i++) {
		const struct img_span *span = &used->v[used->n - chunk->n + i];

		if (span->start + span->len != chunk->at[i] + inside)
			return false;
	}
	return true;
}

static bool add_extent(struct btrfs *fs, const struct btrfs_key *key, const uint8_t *item, size_t len,
		       void *ctx)
{
	struct used *used = ctx;
	const uint64_t bytes = key->type == TYPE_EXTENT ? key->offset : fs->node;
	const struct btrfs_chunk *chunk;
	uint64_t inside;

	(void)item, (void)len;
	if (key->type != TYPE_EXTENT && key->type != TYPE_METADATA)
		return true;
	chunk = btrfs_chunk_of(fs, key->object, bytes);
	if (!chunk || !bytes || key->object < used->end)
		return free_place_doubt(fs->place, N_("its trees are damaged"));
	used->end = key->object + bytes;
	used->sum += bytes;
	inside = key->object - chunk->start;
	if (continues(used, chunk, inside)) {
		for (unsigned i = 0; i < chunk->n; i++)
			used->v[used->n - chunk->n + i].len += bytes;
		return true;
	}
	for (unsigned i = 0; i < chunk->n; i++)
		if (!add_used(fs, used, chunk->at[i] + inside, bytes))
			return false;
	return true;
}

/* Of the tree of trees: the root of the extent tree, at ctx. */
static bool find_extent_tree(struct btrfs *fs, const struct btrfs_key *key, const uint8_t *item,
			     size_t len, void *ctx)
{
	struct btrfs_root *root = ctx;

	(void)fs;
	if (key->object == OBJECT_EXTENT_TREE && key->type == TYPE_ROOT && len >= ROOT_ITEM)
		*root = root_at(get_le64(item + 176), get_le64(item + 160), item[238]);
	return true;
}

static bool find_used(struct btrfs *fs, struct used *used)
{
	struct btrfs_root extents = { 0 };

	if (!add_used(fs, used, 0, reserved))
		return false;
	for (size_t i = 0; i < sizeof(mirrors) / sizeof(mirrors[0]); i++)
		if (!add_used(fs, used, mirrors[i], mirror_len))
			return false;
	if (!btrfs_walk(fs, &fs->root, find_extent_tree, &extents) ||
	    !btrfs_walk(fs, &extents, add_extent, used))
		return false;
	return used->sum == fs->used || free_place_doubt(fs->place, N_("its trees are damaged"));
}

/* ---- What is left -------------------------------------------------------------------------------- */

static bool add_gaps(const struct btrfs *fs, const struct used *used)
{
	uint64_t end = 0;

	qsort(used->v, used->n, sizeof(*used->v), free_by_start);
	for (size_t i = 0; i < used->n && used->v[i].start < fs->device; i++) {
		const struct img_span *span = &used->v[i];

		if (span->start > end && !free_place_put(fs->place, end, span->start - end))
			return false;
		if (span->start + span->len > end)
			end = span->start + span->len;
	}
	return end >= fs->device || free_place_put(fs->place, end, fs->device - end);
}

bool free_read_btrfs(struct free_place *place, struct img_err *err)
{
	struct btrfs fs = { .place = place };
	struct used used = { .n = 0 };
	uint8_t sb[SUPER_LEN];

	(void)err;	/* place has it */
	if (free_place_get(place, SUPER_AT, sb, sizeof(sb)) && decode(&fs, sb) &&
	    read_system_chunks(&fs, sb) && read_chunks(&fs) && find_used(&fs, &used))
		(void)add_gaps(&fs, &used);	/* place knows */
	free(fs.chunks.v);
	free(used.v);
	return !place->failed;
}
