/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a header can be the right one: where a run of bits begins there should be data, and none
 * in front of it and behind it.  Under any other header the runs lie beside their data.
 */
#include "base/num.h"
#include "extent/extent.h"
#include "format/cow/salvage.h"

enum {
	RUNS_MOST	= 64,		/* that are looked at */
	BAD_MOST	= 8,		/* enough to know */
	PIECES_MOST	= 256,		/* of the bitmap: that of a terabyte */
};

struct fitting {
	const struct cow_header *hdr;
	struct img_store *file;
	struct cow_map map;
	unsigned runs;
	struct cow_fit *out;
};

/* *has: the sector is in the file, and not all of it is zeros. */
static bool has_data(struct fitting *f, uint64_t sector, bool *has, struct img_err *err)
{
	uint8_t raw[COW_SECTOR];
	const uint32_t len = f->hdr->sector;
	size_t got = COW_SECTOR;

	*has = false;
	for (uint32_t at = 0; at < len && !*has && got; at += COW_SECTOR) {
		if (!img_store_read_some(f->file, f->hdr->data_off + sector * len + at, raw,
					 sizeof(raw), &got, err))
			return false;
		*has = !img_is_zero(raw, got);
	}
	return true;
}

/* Bits [first, end) are set, those beside them are not; what goes on in another piece is let be. */
static bool judge_run(struct fitting *f, uint64_t first, uint64_t end, struct img_err *err)
{
	bool begins, before = false, behind = false;

	if (!has_data(f, first, &begins, err) ||
	    (first % COW_PIECE_BITS && !has_data(f, first - 1, &before, err)) ||
	    (end % COW_PIECE_BITS && end < f->hdr->n_bits && !has_data(f, end, &behind, err)))
		return false;
	f->runs++;
	f->out->good += begins && !before && !behind;
	f->out->bad += before || behind;
	return true;
}

static bool judge_runs(struct fitting *f, struct img_err *err)
{
	const uint64_t there = img_min_u64(cow_map_bits_there(&f->map),
					   PIECES_MOST * COW_PIECE_BITS);
	uint64_t n;
	bool set;

	for (uint64_t at = 0; at < there && f->runs < RUNS_MOST && f->out->bad < BAD_MOST;
	     at += n) {
		const _Atomic uint64_t *piece = cow_map_piece(&f->map, at, err);

		if (!piece)
			return false;
		n = cow_piece_run(piece, at, there, &set);
		if (set && !judge_run(f, at, at + n, err))
			return false;
	}
	return true;
}

/* Between the last bit and the data are zeros. */
static bool judge_behind(struct fitting *f, struct img_err *err)
{
	uint8_t raw[COW_SECTOR];
	const uint64_t at = f->hdr->bitmap_off + cow_bitmap_bytes(f->hdr);
	const size_t len = img_min_u64(f->hdr->data_off - at, sizeof(raw));
	size_t got;

	if (!img_store_read_some(f->file, at, raw, len, &got, err))
		return false;
	f->out->bad += got && !img_is_zero(raw, got);
	return true;
}

bool cow_measure_fit(struct img_store *file, const struct cow_header *hdr, struct cow_fit *out,
		     struct img_err *err)
{
	struct fitting f = { .hdr = hdr, .file = file, .out = out };
	bool ok;

	*out = (struct cow_fit){ 0 };
	ok = cow_map_init(&f.map, hdr, file, 0, err) && judge_runs(&f, err) && judge_behind(&f, err);
	cow_map_clear(&f.map);
	return ok;
}
