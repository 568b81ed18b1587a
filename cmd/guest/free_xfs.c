/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The free space of XFS: each allocation group has a B+tree of its free extents by block number, whose
 * leaves are a list.  (XFS Algorithms & Data Structures, "Allocation Groups".)
 */
#include "guest/free_xfs.h"

#include <stdlib.h>
#include <string.h>
#include "common/text.h"
#include "guest/bytes.h"
#include "guest/crc32c.h"

enum {
	SB_CRC = 224, AGF_CRC = 216, BLOCK_CRC = 52,
	AGF_MAGIC = 0x58414746, BNO_MAGIC = 0x41425442, BNO_MAGIC_CHECKED = 0x41423342,
	DEEPEST = 8,
	KNOWN_RO_COMPAT = 0xf,		/* trees beside: of inodes, owners and counts */
	KNOWN_INCOMPAT = 0x2f,		/* of inodes and directories, and of identifiers */
	NEEDS_REPAIR = 0x10,
	META_UUID = 0x4,
	RECORD = 8,			/* of a leaf: first block and number of blocks */
	POINTER = 4,
};

static const char damaged[] = N_("it is damaged, or newer than what is known here");

/* A group, and what was found of it. */
struct group {
	const struct xfs *fs;
	uint32_t number, n_blocks;
	uint32_t root, levels, n_free;	/* as it says */
	uint32_t end, found;		/* of free extents so far: behind the last one, blocks */
};

/* ---- What is checked everywhere ------------------------------------------------------------------ */

static bool sum_is_right(const uint8_t *bytes, size_t len, size_t at)
{
	static const uint8_t nothing[4];
	uint32_t crc = crc32c_add(UINT32_MAX, bytes, at);

	crc = crc32c_add(crc, nothing, sizeof(nothing));
	return ~crc32c_add(crc, bytes + at + 4, len - at - 4) == get_le32(bytes + at);
}

/* ---- The superblock ------------------------------------------------------------------------------ */

static bool is_sane(const struct xfs *fs)
{
	const uint64_t most = (uint64_t)fs->ag_blocks * fs->n_ags;

	return is_power_between(fs->block, 512, 65536) &&
	       is_power_between(fs->sector, 512, fs->block) &&
	       fs->ag_blocks >= 8 && fs->n_ags && fs->ag_bits <= 32 &&
	       fs->ag_blocks <= UINT64_C(1) << fs->ag_bits &&
	       fs->n_blocks <= most && fs->n_blocks > most - fs->ag_blocks;
}

static bool has_known_features(struct xfs *fs, const uint8_t *sb)
{
	const uint32_t incompat = get_be32(sb + 216);

	if (incompat & NEEDS_REPAIR)
		return free_place_doubt(fs->place, N_("it is marked as damaged"));
	if (get_be32(sb + 212) & ~(uint32_t)KNOWN_RO_COMPAT ||
	    incompat & ~(uint32_t)KNOWN_INCOMPAT || get_be32(sb + 220) ||
	    !sum_is_right(sb, fs->sector, SB_CRC))
		return free_place_doubt(fs->place, damaged);
	memcpy(fs->uuid, sb + (incompat & META_UUID ? 248 : 32), sizeof(fs->uuid));
	return true;
}

/* sb: as much as the largest sector. */
static bool decode(struct xfs *fs, const uint8_t *sb)
{
	const unsigned version = get_be16(sb + 100) & 0xf;

	fs->block = get_be32(sb + 4);
	fs->sector = get_be16(sb + 102);
	fs->n_blocks = get_be64(sb + 8);
	fs->ag_blocks = get_be32(sb + 84);
	fs->n_ags = get_be32(sb + 88);
	fs->ag_bits = sb[124];
	fs->log = get_be64(sb + 48);
	fs->log_blocks = get_be32(sb + 96);
	fs->checked = version == 5;
	if ((version != 4 && version != 5) || sb[126] || memcmp(sb, "XFSB", 4) || !is_sane(fs))
		return free_place_doubt(fs->place, damaged);
	if (fs->n_blocks > fs->place->len / fs->block)
		return free_place_doubt(fs->place, N_("it is larger than its partition"));
	return !fs->checked || has_known_features(fs, sb);
}

/* ---- A group ------------------------------------------------------------------------------------- */

static bool get_block(const struct group *g, uint32_t number, uint8_t *block)
{
	const struct xfs *fs = g->fs;

	return free_place_get(fs->place, ((uint64_t)g->number * fs->ag_blocks + number) * fs->block,
			      block, fs->block);
}

static bool decode_group(struct group *g, const uint8_t *agf)
{
	const struct xfs *fs = g->fs;

	g->n_blocks = g->number + 1 < fs->n_ags
		? fs->ag_blocks : (uint32_t)(fs->n_blocks - (uint64_t)g->number * fs->ag_blocks);
	g->root = get_be32(agf + 16);
	g->levels = get_be32(agf + 28);
	g->n_free = get_be32(agf + 52);
	return get_be32(agf) == AGF_MAGIC && get_be32(agf + 4) == 1 &&
	       get_be32(agf + 8) == g->number && get_be32(agf + 12) == g->n_blocks &&
	       g->levels && g->levels <= DEEPEST && g->n_free <= g->n_blocks &&
	       (!fs->checked || (sum_is_right(agf, fs->sector, AGF_CRC) &&
				 !memcmp(agf + 64, fs->uuid, sizeof(fs->uuid))));
}

static size_t header_of(const struct xfs *fs)
{
	return fs->checked ? 56 : 16;
}

/* Whether the block is one of the tree's, of that level. */
static bool is_node(const struct group *g, uint32_t number, const uint8_t *block, uint32_t level)
{
	const struct xfs *fs = g->fs;
	const uint64_t sectors = ((uint64_t)g->number * fs->ag_blocks + number) *
				 (fs->block / 512);
	const size_t each = level ? RECORD + POINTER : RECORD;

	if (get_be32(block) != (fs->checked ? BNO_MAGIC_CHECKED : BNO_MAGIC) ||
	    get_be16(block + 4) != level ||
	    get_be16(block + 6) > (fs->block - header_of(fs)) / each)
		return false;
	return !fs->checked ||
	       (sum_is_right(block, fs->block, BLOCK_CRC) && get_be64(block + 16) == sectors &&
		get_be32(block + 48) == g->number &&
		!memcmp(block + 32, fs->uuid, sizeof(fs->uuid)));
}

static bool get_node(const struct group *g, uint32_t number, uint32_t level, uint8_t *block)
{
	if (number >= g->n_blocks)
		return free_place_doubt(g->fs->place, damaged);
	return get_block(g, number, block) &&
	       (is_node(g, number, block, level) || free_place_doubt(g->fs->place, damaged));
}

/* Follows the first pointer of each level. */
static bool get_first_leaf(const struct group *g, uint8_t *block)
{
	const struct xfs *fs = g->fs;
	const size_t pointers = header_of(fs) +
		(fs->block - header_of(fs)) / (RECORD + POINTER) * RECORD;
	uint32_t number = g->root;

	for (uint32_t level = g->levels - 1;; level--) {
		if (!get_node(g, number, level, block))
			return false;
		if (!level)
			return true;
		if (!get_be16(block + 6))
			return free_place_doubt(fs->place, damaged);
		number = get_be32(block + pointers);
	}
}

static bool add_leaf(struct group *g, const uint8_t *block)
{
	const struct xfs *fs = g->fs;
	const uint8_t *record = block + header_of(fs);

	for (unsigned i = 0; i < get_be16(block + 6); i++, record += RECORD) {
		const uint32_t first = get_be32(record), n = get_be32(record + 4);

		if (first < g->end || !n || first >= g->n_blocks || n > g->n_blocks - first)
			return free_place_doubt(fs->place, damaged);
		if (!free_place_put(fs->place,
				    ((uint64_t)g->number * fs->ag_blocks + first) * fs->block,
				    (uint64_t)n * fs->block))
			return false;
		g->end = first + n;
		g->found += n;
	}
	return true;
}

static bool read_tree(struct group *g, uint8_t *block)
{
	if (!get_first_leaf(g, block))
		return false;
	for (;;) {
		const uint32_t next = get_be32(block + 12);

		if (!add_leaf(g, block))
			return false;
		if (next == UINT32_MAX)
			break;
		/* A leaf without records is the only one; so the list cannot be a loop. */
		if (!get_be16(block + 6))
			return free_place_doubt(g->fs->place, damaged);
		if (!get_node(g, next, 0, block))
			return false;
	}
	return g->found == g->n_free || free_place_doubt(g->fs->place, damaged);
}

static bool read_group(const struct xfs *fs, uint32_t number, uint8_t *block)
{
	struct group g = { .fs = fs, .number = number };

	/* Its header is in the second sector, which may share a block with the first. */
	if (!free_place_get(fs->place, (uint64_t)number * fs->ag_blocks * fs->block + fs->sector,
			    block, fs->sector))
		return false;
	if (!decode_group(&g, block))
		return free_place_doubt(fs->place, damaged);
	return read_tree(&g, block);
}

static bool read_groups(const struct xfs *fs)
{
	uint8_t *block = free_place_room(fs->place, 1, fs->block);
	bool ok = block != NULL;

	for (uint32_t i = 0; ok && i < fs->n_ags; i++)
		ok = read_group(fs, i, block);
	free(block);
	return ok;
}

bool free_read_xfs(struct free_place *place, struct img_err *err)
{
	struct xfs fs = { .place = place };
	uint8_t *sb = free_place_room(place, 1, 65536);

	(void)err;	/* place has it */
	if (sb && free_place_get(place, 0, sb, 65536) && decode(&fs, sb) && xfs_was_unmounted(&fs))
		(void)read_groups(&fs);		/* place knows */
	free(sb);
	return !place->failed;
}
