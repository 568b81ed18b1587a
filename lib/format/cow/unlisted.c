/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Data of sectors whose bits say that they are not in the file: a bitmap of any content is legal, and
 * nothing else contradicts one that was overwritten.  Holes of the file are not read.
 */
#include "base/mem.h"
#include "base/num.h"
#include "base/zero.h"
#include "format/cow/cow.h"

enum { READ_BYTES = 64 << 10 };

bool cow_unlisted_init(struct cow_unlisted *u, const struct cow_map *map, struct img_findings *out,
		       struct img_err *err)
{
	*u = (struct cow_unlisted){ .map = map, .out = out };
	u->buf = img_alloc_aligned(img_max_u64(READ_BYTES, map->hdr->sector), err);
	return u->buf;
}

void cow_unlisted_clear(struct cow_unlisted *u)
{
	free(u->buf);
	u->buf = NULL;
}

/* Sectors in len bytes of the file that are not zeros. */
static bool tell(const struct cow_unlisted *u, uint64_t host, uint64_t len, struct img_err *err)
{
	const struct cow_header *hdr = u->map->hdr;
	const struct img_finding one = {
		.kind = &cow_found_data_unlisted, .n = img_div_up(len, hdr->sector), .host = host,
		.guest = host - hdr->data_off, .expected = IMG_NOWHERE, .found = IMG_NOWHERE,
	};

	return img_findings_add(u->out, one, hdr->sector, err);
}

static bool look(const struct cow_unlisted *u, uint64_t at, size_t len, struct img_err *err)
{
	size_t run;
	bool zero;

	if (!img_store_read(u->map->file, at, u->buf, len, err))
		return false;
	for (size_t i = 0; i < len; i += run) {
		run = img_zero_run(u->buf + i, len - i, u->map->hdr->sector, &zero);
		if (!zero && !tell(u, at + i, run, err))
			return false;
	}
	return true;
}

/* How much of [at, end), which begins with a sector, is a hole; less than a sector is none. */
static bool find_hole(struct cow_unlisted *u, uint64_t at, uint64_t end, uint64_t *len,
		      struct img_err *err)
{
	struct img_extent *ex = &u->ex;

	/* Of many short runs most lie in the extent that the last one was in. */
	if ((at < ex->start || at - ex->start >= ex->len) &&
	    !img_store_extent(u->map->file, at, u->map->file_size, ex, err))
		return false;
	*len = ex->kind == IMG_EXTENT_ZERO ? img_min_u64(ex->start + ex->len, end) - at : 0;
	if (at + *len < end)
		*len = img_round_down(*len, u->map->hdr->sector);
	return true;
}

bool cow_unlisted_look(struct cow_unlisted *u, uint64_t first, uint64_t n, struct img_err *err)
{
	const struct cow_header *hdr = u->map->hdr;
	const uint64_t end = img_min_u64(hdr->data_off + (first + n) * hdr->sector,
					 u->map->file_size);
	const size_t most = img_max_u64(READ_BYTES, hdr->sector);
	uint64_t len;

	for (uint64_t at = hdr->data_off + first * hdr->sector; at < end; at += len) {
		if (!find_hole(u, at, end, &len, err))
			return false;
		if (len)
			continue;
		len = img_min_u64(most, end - at);
		if (!look(u, at, len, err))
			return false;
	}
	return true;
}
