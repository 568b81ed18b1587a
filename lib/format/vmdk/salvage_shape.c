/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The geometry of a hosted sparse file whose header is gone.  All writers put the tables right behind
 * their directory, in order: a directory is numbers that grow by the sectors of a table, and the first
 * of them is the next sector behind it.
 */
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/vmdk/salvage.h"

enum {
	GT_ENTRIES = 512, GT_SECTORS = 4, SECTOR_ENTRIES = 128,
	SCAN_BYTES = 1 << 20,
	PIECES_MAX = 512,		/* that are looked at; tables behind a directory are none */
	DIRECTORY_MAX = VMDK_GD_ENTRIES_MAX * sizeof(uint32_t),
	GRAIN_USUAL = 128,		/* sectors */
	SAMPLES = 1 << 16,		/* entries from which the size of grains is found */
};

uint32_t vmdk_shape_directory(const uint8_t *raw, size_t len, uint64_t sector)
{
	const size_t most = len / sizeof(uint32_t);
	const uint64_t first = most ? img_get_le32(raw) : 0;
	size_t n = 1;

	while (n < most && img_get_le32(raw + n * sizeof(uint32_t)) == first + n * GT_SECTORS)
		n++;
	if (first != sector + img_div_up(n, SECTOR_ENTRIES))
		return 0;
	for (size_t i = n; i < most && i % SECTOR_ENTRIES; i++)
		if (img_get_le32(raw + i * sizeof(uint32_t)))
			return 0;
	return (uint32_t)n;
}

/* ---- Directories ----------------------------------------------------------------------------- */

struct shape {
	struct vmdk_sparse *sp;
	uint8_t *raw;			/* SCAN_BYTES; owned */
	uint64_t dirs[2];		/* sectors; 0: not found */
	uint32_t n;			/* entries of each */
};

/* Whether all of raw counts on, as a directory does that is longer. */
static bool counts_on(const uint8_t *raw, size_t len)
{
	const uint64_t first = img_get_le32(raw);
	size_t n = 1;

	while (n < len / sizeof(uint32_t) &&
	       img_get_le32(raw + n * sizeof(uint32_t)) == first + n * GT_SECTORS)
		n++;
	return n == len / sizeof(uint32_t);
}

/* A directory of `len` bytes, of which the piece has only the start. */
static bool measure_long(struct shape *sh, uint64_t sector, size_t len, uint32_t *n,
			 struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(len, err);
	size_t got;

	if (!raw || !img_store_read_some(sh->sp->file, sector * VMDK_SECTOR, raw, len, &got, err))
		return false;
	*n = got == len ? vmdk_shape_directory(raw, len, sector) : 0;
	return true;
}

/*
 * raw: what the piece has from a sector on.  The first entry of a directory says how long it is.  Of
 * sectors that count on to the end of the piece at most one is such a start: no file can make this slow.
 */
static bool measure(struct shape *sh, uint64_t sector, const uint8_t *raw, size_t len, uint32_t *n,
		    struct img_err *err)
{
	const uint64_t first = img_get_le32(raw);
	const uint64_t wanted = first > sector ? (first - sector) * VMDK_SECTOR : 0;

	*n = 0;
	if (!wanted || wanted > DIRECTORY_MAX)
		return true;
	if (wanted > len)
		return !counts_on(raw, len) || measure_long(sh, sector, wanted, n, err);
	*n = vmdk_shape_directory(raw, wanted, sector);
	return true;
}

/* Takes the first directory, and as the second one only what is as long. */
static void take(struct shape *sh, uint64_t sector, uint32_t n)
{
	const int which = sh->dirs[0] ? 1 : 0;

	if (!n || (which && n != sh->n))
		return;
	sh->dirs[which] = sector;
	sh->n = n;
}

/* The first directory of a piece from `sector` on; *next: where to go on. */
static bool scan_piece(struct shape *sh, uint64_t sector, uint64_t *next, struct img_err *err)
{
	size_t got;
	uint32_t n;

	if (!img_store_read_some(sh->sp->file, sector * VMDK_SECTOR, sh->raw, SCAN_BYTES, &got, err))
		return false;
	*next = got < SCAN_BYTES ? UINT64_MAX : sector + SCAN_BYTES / VMDK_SECTOR;
	for (size_t at = 0; at + VMDK_SECTOR <= got; at += VMDK_SECTOR) {
		const uint64_t here = sector + at / VMDK_SECTOR;

		if (!measure(sh, here, sh->raw + at, got - at, &n, err))
			return false;
		if (!n)
			continue;
		take(sh, here, n);
		*next = here + img_div_up(n, SECTOR_ENTRIES) + (uint64_t)n * GT_SECTORS;
		return true;
	}
	return true;
}

static bool scan(struct shape *sh, struct img_err *err)
{
	uint64_t sector = 1;

	for (unsigned i = 0; i < PIECES_MAX && sector != UINT64_MAX && !sh->dirs[1]; i++)
		if (!scan_piece(sh, sector, &sector, err))
			return false;
	return true;
}

/* ---- Grains ---------------------------------------------------------------------------------- */

struct places {
	uint32_t *v;			/* of grains, sectors; owned */
	size_t n;
	bool zeros;			/* entries that say zeros */
};

static int by_place(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static bool take_places(void *ctx, uint64_t at, const uint8_t *bytes, size_t len, struct img_err *err)
{
	struct places *p = ctx;

	(void)at;
	(void)err;
	for (size_t i = 0; i < len / sizeof(uint32_t) && p->n < SAMPLES; i++) {
		const uint32_t place = img_get_le32(bytes + i * sizeof(uint32_t));

		p->zeros |= place == VMDK_ENTRY_ZERO;
		if (place > VMDK_ENTRY_ZERO)
			p->v[p->n++] = place;
	}
	return true;
}

static bool has_samples(const void *ctx)
{
	const struct places *p = ctx;

	return p->n == SAMPLES;
}

static bool read_places(const struct shape *sh, struct places *p, struct img_err *err)
{
	const struct img_store_scan tables = { .run = take_places, .has_enough = has_samples, .ctx = p };

	for (int which = 0; which < 2 && !p->n && sh->dirs[which]; which++) {
		const uint64_t at = (sh->dirs[which] + img_div_up(sh->n, SECTOR_ENTRIES)) * VMDK_SECTOR;
		const uint64_t end = at + (uint64_t)sh->n * GT_SECTORS * VMDK_SECTOR;

		/* Holes, of which the tables of a large disk are made, have no places. */
		if (!img_store_scan(sh->sp->file, at, img_min_u64(end, sh->sp->file_size), VMDK_SECTOR,
				    &tables, err))
			return false;
	}
	qsort(p->v, p->n, sizeof(*p->v), by_place);
	return true;
}

/* Two grains that are neighbours in the file show how large one is; 0: there are no two. */
static uint64_t smallest_step(const struct places *p)
{
	uint64_t step = 0;

	for (size_t i = 1; i < p->n; i++) {
		const uint64_t here = p->v[i] - p->v[i - 1];

		if (here && (!step || here < step))
			step = here;
	}
	return step;
}

/* The grain with which a disk of that size has so many tables; 0: there is none, or several. */
static uint64_t grain_of_size(uint64_t sectors, uint32_t n)
{
	uint64_t only = 0;

	for (uint64_t grain = 1; grain <= VMDK_GRAIN_SECTORS_MAX; grain *= 2) {
		if (img_div_up(sectors, grain * GT_ENTRIES) != n)
			continue;
		if (only)
			return 0;
		only = grain;
	}
	return only;
}

/* Sectors of a grain; *sure: it can be no other. */
static uint64_t find_grain(const struct shape *sh, const struct places *p, uint64_t described,
			   bool *sure)
{
	const uint64_t step = smallest_step(p);
	const uint64_t by_size = grain_of_size(described / VMDK_SECTOR, sh->n);
	uint64_t grain = GRAIN_USUAL;

	*sure = by_size && (!step || step >= by_size);
	if (by_size)
		return by_size;
	if (!step)
		return grain;
	for (grain = 1; grain * 2 <= step; grain *= 2)
		continue;
	*sure = grain == step && described &&
		img_div_up(described, grain * VMDK_SECTOR * GT_ENTRIES) == sh->n;
	return grain;
}

/* ---- A header from that ---------------------------------------------------------------------- */

static bool set_header(struct shape *sh, uint64_t described, bool *sure, struct img_err *err)
{
	IMG_AUTO_FREE uint32_t *room = img_calloc(SAMPLES, sizeof(uint32_t), err);
	struct places p = { .v = room };
	struct vmdk_header *hdr = &sh->sp->hdr;

	if (!room || !read_places(sh, &p, err))
		return false;
	*hdr = (struct vmdk_header){
		.kind = VMDK_KIND_HOSTED, .version = 1, .gt_entries = GT_ENTRIES,
		.entry_len = sizeof(uint32_t), .flags = p.zeros ? VMDK_FLAG_ZERO_GRAIN : 0,
	};
	hdr->grain = find_grain(sh, &p, described, sure) * VMDK_SECTOR;
	hdr->capacity = described ? described : sh->n * hdr->grain * GT_ENTRIES;
	hdr->gd_at = sh->dirs[sh->dirs[1] ? 1 : 0] * VMDK_SECTOR;
	hdr->rgd_at = sh->dirs[1] ? sh->dirs[0] * VMDK_SECTOR : 0;
	return vmdk_header_validate(hdr, err) && vmdk_sparse_read_directories(sh->sp, err);
}

bool vmdk_shape_find(struct vmdk_sparse *sp, uint64_t described, bool *found, bool *sure,
		     struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(SCAN_BYTES, err);
	struct shape sh = { .sp = sp, .raw = raw };

	*found = *sure = false;
	if (!raw || !scan(&sh, err))
		return false;
	*found = sh.dirs[0];
	return !*found || set_header(&sh, described, sure, err);
}

/* ---- Compressed grains ----------------------------------------------------------------------- */

/* Whether a grain with a marker lies there; *sectors: the place on the disk that it tells. */
static bool is_marker(const uint8_t *raw, uint64_t *sectors)
{
	const uint8_t *stream = raw + VMDK_MARK_GRAIN_LEN;

	*sectors = img_get_le64(raw + VMDK_MARK_VALUE);
	return img_get_le32(raw + VMDK_MARK_SIZE) && (stream[0] & 15) == 8 &&
	       !(img_get_be16(stream) % 31);
}

static bool look_at_grain(struct vmdk_sparse *sp, uint64_t grain, uint64_t host, bool *packed,
			  struct img_err *err)
{
	uint8_t raw[VMDK_MARK_GRAIN_LEN + 2];
	uint64_t sectors;
	size_t got;

	*packed = false;
	if (!img_store_read_some(sp->file, host, raw, sizeof(raw), &got, err))
		return false;
	if (got < sizeof(raw) || !is_marker(raw, &sectors))
		return true;
	*packed = grain ? sectors % grain == 0 && img_is_pow2(sectors / grain) : !sectors;
	if (*packed && grain && sectors / grain <= VMDK_GRAIN_SECTORS_MAX)
		sp->hdr.grain = sectors / grain * VMDK_SECTOR;
	return true;
}

/* The first grain of the disk tells nothing about the size of grains: another one is better. */
static bool look_at_table(struct vmdk_sparse *sp, const uint8_t *table, uint64_t from, size_t n,
			  bool *packed, struct img_err *err)
{
	for (size_t i = n; i-- > 0;) {
		const uint32_t place = img_get_le32(table + i * sizeof(uint32_t));

		if (place > VMDK_ENTRY_ZERO && place < sp->file_size / VMDK_SECTOR)
			return look_at_grain(sp, from + i, place * VMDK_SECTOR, packed, err);
	}
	return true;
}

bool vmdk_shape_is_packed(struct vmdk_sparse *sp, bool *packed, struct img_err *err)
{
	uint8_t table[GT_ENTRIES * sizeof(uint32_t)];

	*packed = false;
	for (uint64_t i = 0; i < sp->n_gd && !*packed; i++) {
		const struct vmdk_entry dir = vmdk_pairs_directory(sp, sp->gd, sp->n_gd, i);
		const size_t len = vmdk_table_len(&sp->hdr, i);

		if (dir.kind != VMDK_ENTRY_PLACE)
			continue;
		if (!img_store_read(sp->file, dir.host, table, len, err) ||
		    !look_at_table(sp, table, i * GT_ENTRIES, len / sizeof(uint32_t), packed, err))
			return false;
	}
	return true;
}
