/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file allocation table of FAT12, FAT16 and FAT32: a cluster whose entry is zero is free.
 * (Microsoft, "FAT: General Overview of On-Disk Format", 1.03.)
 */
#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "common/text.h"
#include "guest/bytes.h"
#include "guest/free_readers.h"

enum {
	ENTRIES = 32768,	/* of the table, looked at in one step */
	STEP_BYTES = ENTRIES * 4,
	MOST_FAT12 = 4084,	/* clusters; the number of them decides about the width */
	MOST_FAT16 = 65524,
};

struct fat {
	unsigned bits;		/* of an entry: 12, 16 or 32 */
	uint32_t sector, cluster;	/* bytes */
	uint32_t n_clusters;	/* the first one has number 2 */
	uint64_t tables[2];	/* bytes of the volume; equal: there is one */
	uint64_t data;		/* where cluster 2 begins */
	bool unclean;		/* the boot sector says so */
	bool one_kept;		/* of several tables */
};

/* ---- The boot sector ----------------------------------------------------------------------------- */

static uint32_t either(uint32_t few, uint32_t many)
{
	return few ? few : many;
}

static unsigned bits_for(uint32_t n_clusters)
{
	return n_clusters <= MOST_FAT12 ? 12 : n_clusters <= MOST_FAT16 ? 16 : 32;
}

/* False: no such file system has these numbers. */
static bool decode(const uint8_t *boot, struct fat *fat)
{
	const uint32_t sector = get_le16(boot + 11), per_cluster = boot[13];
	const uint32_t reserved = get_le16(boot + 14), n_tables = boot[16];
	const uint64_t table = either(get_le16(boot + 22), get_le32(boot + 36));
	const uint64_t total = either(get_le16(boot + 19), get_le32(boot + 32));
	const uint64_t root = sector ? (get_le16(boot + 17) * 32 + sector - 1) / sector : 0;
	const uint64_t data = reserved + n_tables * table + root;

	if (!is_power_between(sector, 512, 4096) || !reserved ||
	    !is_power_between(per_cluster, 1, 128) || !n_tables || n_tables > 2 || total <= data)
		return false;
	*fat = (struct fat){
		.sector = sector, .cluster = sector * per_cluster,
		.n_clusters = (uint32_t)((total - data) / per_cluster),
		.tables = { reserved * sector, (reserved + (n_tables - 1) * table) * sector },
		.data = data * sector,
	};
	fat->bits = bits_for(fat->n_clusters);
	fat->unclean = boot[fat->bits == 32 ? 0x41 : 0x25] & 1;
	fat->one_kept = fat->bits == 32 && (get_le16(boot + 40) & 0x80);
	return table * sector * 8 / fat->bits >= (uint64_t)fat->n_clusters + 2;
}

/* ---- The table ----------------------------------------------------------------------------------- */

static uint32_t entry(const struct fat *fat, const uint8_t *table, size_t i)
{
	if (fat->bits == 32)
		return get_le32(table + 4 * i) & 0x0fffffff;
	if (fat->bits == 16)
		return get_le16(table + 2 * i);
	return get_le16(table + i + i / 2) >> (i & 1 ? 4 : 0) & 0xfff;
}

/* What the second entry says: whether somebody unmounted it, and found no errors before. */
static bool is_settled(struct free_place *place, const struct fat *fat, const uint8_t *table)
{
	const uint32_t flags = fat->bits == 12 ? UINT32_MAX : entry(fat, table, 1);
	const uint32_t clean = fat->bits == 32 ? 0x08000000 : 0x8000;

	if (!(flags & clean >> 1))
		place->why = N_("it is marked as damaged");
	else if (fat->unclean || !(flags & clean))
		return free_place_forced(place, N_("it was not unmounted"));
	return !place->why;
}

/* Of n entries from number first on. */
static bool add_runs(struct free_place *place, const struct fat *fat, const uint8_t *table,
		     uint32_t first, uint32_t n, struct img_err *err)
{
	for (uint32_t i = first < 2 ? 2 - first : 0; i < n; i++) {
		const uint32_t from = i;

		while (i < n && !entry(fat, table, i))
			i++;
		if (i > from && !free_place_add(place, fat->data + (uint64_t)fat->cluster *
						(first + from - 2),
						(uint64_t)fat->cluster * (i - from), err))
			return false;
	}
	return true;
}

/* Reads n entries from number first on out of both tables, which must be equal. */
static bool read_step(struct free_place *place, const struct fat *fat, uint32_t first, uint32_t n,
		      uint8_t *tables[2], struct img_err *err)
{
	const uint64_t at = (uint64_t)first / 8 * fat->bits;
	const size_t len = ((size_t)n * fat->bits + 7) / 8;

	for (int i = 0; i < 2; i++)
		if (!free_place_read(place, fat->tables[i] + at, tables[i], len, err))
			return false;
	if (!place->why && memcmp(tables[0], tables[1], len))
		place->why = N_("its two tables differ");
	return true;
}

static bool read_table(struct free_place *place, const struct fat *fat, uint8_t *tables[2],
		       struct img_err *err)
{
	const uint32_t end = fat->n_clusters + 2;

	for (uint32_t first = 0; first < end; first += ENTRIES) {
		const uint32_t n = end - first < ENTRIES ? end - first : ENTRIES;

		if (!read_step(place, fat, first, n, tables, err))
			return false;
		if (place->why || (!first && !is_settled(place, fat, tables[0])))
			return true;
		if (!add_runs(place, fat, tables[0], first, n, err))
			return false;
	}
	return true;
}

bool free_read_fat(struct free_place *place, struct img_err *err)
{
	/* The last entry of 12 bits is read as two bytes. */
	uint8_t boot[512], *room = calloc(2, STEP_BYTES + 1);
	uint8_t *tables[2] = { room, room + STEP_BYTES + 1 };
	struct fat fat;
	bool ok;

	if (!room)
		return out_of_memory(err);
	ok = free_place_read(place, 0, boot, sizeof(boot), err);
	if (ok && !place->why) {
		if (!decode(boot, &fat))
			place->why = N_("it is damaged, or newer than what is known here");
		else if (fat.data + (uint64_t)fat.cluster * fat.n_clusters > place->len)
			place->why = N_("it is larger than its partition");
		else if (fat.one_kept)
			place->why = N_("only one of its tables is kept");
		else
			ok = read_table(place, &fat, tables, err);
	}
	free(room);
	return ok;
}
