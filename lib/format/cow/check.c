/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is wrong with an image: its bitmap against the disk, the length of the file and its holes.  All
 * else is fixed by the header.
 */
#include "base/bytes.h"
#include "base/job.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/cow/cow.h"

struct check {
	struct cow_header hdr;
	struct cow_map map;		/* only of the bitmap that is read */
	struct cow_unlisted unlisted;
	struct img_findings *out;
	uint64_t n_set, last;		/* sectors that are there; behind the last of them */
};

static bool tell(struct check *c, const struct img_finding_kind *kind, uint64_t host,
		 uint64_t guest, uint64_t expected, uint64_t found, struct img_err *err)
{
	const struct img_finding one = {
		.kind = kind, .n = 1, .host = host, .guest = guest, .expected = expected,
		.found = found,
	};

	return img_findings_add(c->out, one, 0, err);
}

/* *usable: there is a header to go on from. */
static bool check_header(struct check *c, struct img_layer *ly, bool *usable, struct img_err *err)
{
	struct img_err why = { 0 };
	struct img_finding one = {
		.kind = &cow_found_header_broken, .n = 1, .host = 0, .guest = IMG_NOWHERE,
		.expected = IMG_NOWHERE, .found = IMG_NOWHERE,
	};

	*usable = cow_header_read(ly->store, &c->hdr, &why);
	if (*usable) {
		ly->stands_alone = !c->hdr.name[0];
		return c->hdr.n_bits == c->hdr.n_sectors ||
		       tell(c, &cow_found_header_bits, IMG_NOWHERE, c->hdr.n_bits * c->hdr.sector,
			    c->hdr.n_sectors, c->hdr.n_bits, err);
	}
	if (!img_code_is_damage(why.code)) {
		if (err)
			*err = why;
		return false;
	}
	one.detail = img_strdup(why.text, err);
	return one.detail && img_findings_add(c->out, one, 0, err);
}

/* ---- The bitmap ------------------------------------------------------------------------------ */

/* Sectors [first, end) should be in the file. */
static bool check_sectors(struct check *c, uint64_t first, uint64_t end, struct img_err *err)
{
	const uint64_t guest = first * c->hdr.sector;
	const uint64_t guest_end = img_min_u64(end * c->hdr.sector, c->hdr.size);
	const uint64_t host = c->hdr.data_off + guest;

	c->n_set += end - first;
	c->last = end;
	if (c->hdr.data_off + guest_end <= c->map.file_size)
		return true;
	return tell(c, &cow_found_data_outside, host, guest, c->hdr.data_off + guest_end,
		    c->map.file_size, err);
}

/* *n: bits from `at` on for which the file has a hole, in whole pieces. */
static bool skip_hole(const struct check *c, uint64_t at, uint64_t there, uint64_t *n,
		      struct img_err *err)
{
	const uint64_t off = c->hdr.bitmap_off;
	struct img_extent ex;

	*n = 0;
	if (!img_store_extent(c->map.file, off + at / 8, off + img_div_up(there, 8), &ex, err))
		return false;
	if (ex.kind == IMG_EXTENT_ZERO)
		*n = img_round_down(img_min_u64(ex.len * 8, there - at), COW_PIECE_BITS);
	return true;
}

/* *n equal bits from `at` on, at least one. */
static bool find_run(struct check *c, uint64_t at, uint64_t there, uint64_t *n, bool *set,
		     struct img_err *err)
{
	const _Atomic uint64_t *piece;

	*set = false;
	*n = 0;
	if (at % COW_PIECE_BITS == 0 && !skip_hole(c, at, there, n, err))
		return false;
	if (*n)
		return true;
	piece = cow_map_piece(&c->map, at, err);
	if (!piece)
		return false;
	*n = cow_piece_run(piece, at, there, set);
	if ((at + *n) % COW_PIECE_BITS == 0)
		cow_map_forget(&c->map, at);
	return true;
}

static bool check_bits(struct check *c, const struct img_job *job, struct img_err *err)
{
	/* There nobody knows what was in the sectors before. */
	const bool on_device = c->map.file->caps & IMG_STORE_DEVICE;
	const uint64_t there = cow_map_bits_there(&c->map);
	uint64_t n;
	bool set;

	for (uint64_t at = 0; at < there; at += n) {
		if (!img_job_goes_on(job, err))
			return false;
		if (!find_run(c, at, there, &n, &set, err))
			return false;
		if (set ? !check_sectors(c, at, at + n, err)
			: !on_device && !cow_unlisted_look(&c->unlisted, at, n, err))
			return false;
	}
	return there == c->hdr.n_bits ||
	       tell(c, &cow_found_bitmap_cut, c->map.file_size, there * c->hdr.sector,
		    c->hdr.n_bits, there, err);
}

/* ---- What lies behind ------------------------------------------------------------------------ */

/* The bits of the last byte that are for no sector; 0: there are none that are set. */
static bool stray_bits(const struct cow_header *hdr, struct img_store *st, uint64_t *at,
		       uint8_t *byte, uint8_t *stray, struct img_err *err)
{
	size_t got;

	*stray = 0;
	*at = hdr->bitmap_off + hdr->n_bits / 8;
	if (hdr->n_bits % 8 == 0)
		return true;
	if (!img_store_read_some(st, *at, byte, 1, &got, err))
		return false;
	if (got)
		*stray = (uint8_t)(*byte & 0xff << hdr->n_bits % 8);
	return true;
}

static bool check_behind(struct check *c, struct img_err *err)
{
	const uint64_t end = cow_file_end(&c->hdr);
	uint8_t byte, stray;
	uint64_t at;

	if (!stray_bits(&c->hdr, c->map.file, &at, &byte, &stray, err))
		return false;
	if (stray && !tell(c, &cow_found_bitmap_behind, at, IMG_NOWHERE, IMG_NOWHERE, byte, err))
		return false;
	return c->map.file_size <= end || tell(c, &cow_found_data_behind, end, IMG_NOWHERE, end,
					       c->map.file_size, err);
}

static bool cow_check(struct img_layer *ly, const struct img_checking *how,
		      struct img_findings *out, struct img_check_result *result,
		      struct img_err *err)
{
	struct check c = { .out = out };
	bool usable, ok;

	if (!check_header(&c, ly, &usable, err))
		return false;
	if (!usable)
		return true;
	ok = cow_map_init(&c.map, &c.hdr, ly->store, 0, err) &&
	     cow_unlisted_init(&c.unlisted, &c.map, out, err) && check_bits(&c, how->job, err) &&
	     check_behind(&c, err);
	cow_unlisted_clear(&c.unlisted);
	cow_map_clear(&c.map);
	if (!ok)
		return false;
	result->total = c.hdr.n_sectors;
	result->allocated = c.n_set;
	result->compressed = 0;
	result->fragmented = 0;
	result->image_end = c.hdr.data_off + c.last * c.hdr.sector;
	img_findings_sort(out, cow_finding_kinds);
	return true;
}

/* ---- Repair ---------------------------------------------------------------------------------- */

/* Bits for no sector are cleared.  What else is wrong has taken data along. */
static bool cow_repair(struct img_layer *ly, const struct img_checking *how,
		       enum img_repair_level level, struct img_err *err)
{
	struct cow_header hdr;
	uint8_t byte, stray;
	uint64_t at;

	(void)how;
	(void)level;
	if (!cow_header_read(ly->store, &hdr, NULL))
		return true;
	if (!stray_bits(&hdr, ly->store, &at, &byte, &stray, err))
		return false;
	byte &= (uint8_t)~stray;
	return !stray || img_store_write(ly->store, at, &byte, 1, err);
}

const struct img_check_ops cow_check_ops = {
	.kinds = cow_finding_kinds,
	.check = cow_check,
	.repair = cow_repair,
};
