/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The log of XFS, as far as it says whether there is anything to replay.  It is a ring of sectors of
 * 512 bytes, each of which carries the number of the round that it was written in; where the number
 * drops the last record ends.  (XFS Algorithms & Data Structures, "Journaling Log".)
 */
#include <stdlib.h>
#include <string.h>
#include "common/text.h"
#include "guest/bytes.h"
#include "guest/free_xfs.h"

enum {
	SECTOR = 512,
	HEADER_MAGIC = 0xfeedbabe,
	HEADER_LEN = 12,		/* where in a record's header what lies ... */
	HEADER_OPS = 40,
	HEADER_SIZE = 320,
	CYCLES_PER_SECTOR = 32768,	/* bytes of a record that one sector of its header is for */
	OP_FLAGS = 9,
	OP_UNMOUNT = 0x20,
	AROUND = 4096,			/* sectors that may be under way at once */
};

struct log {
	const struct xfs *fs;
	uint64_t start;		/* bytes of the volume */
	uint32_t n;		/* sectors */
};

static bool not_clean(const struct log *log)
{
	return free_place_forced(log->fs->place, N_("its journal has to be replayed"));
}

static bool read_sectors(const struct log *log, uint32_t first, uint32_t n, uint8_t *buf)
{
	return free_place_get(log->fs->place, log->start + (uint64_t)first * SECTOR, buf,
			      (size_t)n * SECTOR);
}

static bool is_header(const uint8_t *sector)
{
	return get_be32(sector) == HEADER_MAGIC;
}

static uint32_t round_of(const uint8_t *sector)
{
	return get_be32(sector + (is_header(sector) ? 4 : 0));
}

static bool read_round(const struct log *log, uint32_t i, uint32_t *round)
{
	uint8_t sector[SECTOR];

	if (!read_sectors(log, i, 1, sector))
		return false;
	*round = round_of(sector);
	return true;
}

/* The first sector that is not of the round of sector 0. */
static bool find_head(const struct log *log, uint32_t *head, uint32_t *round)
{
	uint32_t low = 0, high = log->n, here;

	if (!read_round(log, 0, round))
		return false;
	while (high - low > 1) {
		const uint32_t middle = low + (high - low) / 2;

		if (!read_round(log, middle, &here))
			return false;
		if (here == *round)
			low = middle;
		else
			high = middle;
	}
	*head = high;
	return true;
}

/* Whether sectors [first, first + n) change their round at head alone, and by one. */
static bool is_settled(const uint8_t *sectors, uint32_t first, uint32_t n, uint32_t head,
		       uint32_t round)
{
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t here = round_of(sectors + (size_t)i * SECTOR);

		if (first + i < head ? here != round : here != round - 1 && here)
			return false;
	}
	return true;
}

/* Of a record whose header is at sectors: it says "unmounted", nothing else, and n sectors hold it. */
static bool says_unmounted(const uint8_t *sectors, uint32_t n)
{
	const uint32_t size = get_be32(sectors + HEADER_SIZE), len = get_be32(sectors + HEADER_LEN);
	const uint32_t headers = size > CYCLES_PER_SECTOR
		? (size - 1) / CYCLES_PER_SECTOR + 1 : 1;

	return get_be32(sectors + HEADER_OPS) == 1 && headers < n && len &&
	       (len - 1) / SECTOR + 1 == n - headers &&
	       (sectors[(size_t)headers * SECTOR + OP_FLAGS] & OP_UNMOUNT);
}

/* n sectors in front of the head. */
static bool ends_unmounted(const uint8_t *sectors, uint32_t n)
{
	for (uint32_t i = n; i-- > 0;)
		if (is_header(sectors + (size_t)i * SECTOR))
			return says_unmounted(sectors + (size_t)i * SECTOR, n - i);
	return false;
}

static bool look_around(const struct log *log, uint8_t *sectors)
{
	uint32_t head, round, first, end;

	if (!find_head(log, &head, &round))
		return false;
	first = head > AROUND ? head - AROUND : 0;
	end = log->n - head > AROUND ? head + AROUND : log->n;
	if (!read_sectors(log, first, end - first, sectors))
		return false;
	return (is_settled(sectors, first, end - first, head, round) &&
		ends_unmounted(sectors, head - first)) || not_clean(log);
}

bool xfs_was_unmounted(const struct xfs *fs)
{
	const uint64_t group = fs->log >> fs->ag_bits;
	const uint64_t inside = fs->log & ((UINT64_C(1) << fs->ag_bits) - 1);
	const struct log log = {
		.fs = fs, .start = (group * fs->ag_blocks + inside) * fs->block,
		.n = (uint32_t)((uint64_t)fs->log_blocks * fs->block / SECTOR),
	};
	uint8_t *sectors;
	bool ok;

	if (!fs->log)
		return free_place_doubt(fs->place, N_("its journal is on another device"));
	if (group >= fs->n_ags || inside >= fs->ag_blocks || log.n < 2)
		return free_place_doubt(fs->place, N_("it is damaged, or newer than what is known here"));
	sectors = free_place_room(fs->place, (size_t)2 * AROUND, SECTOR);
	ok = sectors && look_around(&log, sectors);
	free(sectors);
	return ok;
}
