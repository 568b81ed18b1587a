/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Another size for the disk.  The bitmap stays where it is and the data follow it: where it needs
 * more, or less, than the room in front of them, all sectors that are in the file move by as much.
 */
#include "base/num.h"
#include "format/cow/disk.h"

struct resizing {
	struct cow *cow;
	struct img_store *file;
	const struct img_job *job;
	const struct cow_header old;
	struct cow_header now;
	uint64_t kept;			/* sectors of the disk that are on it before and afterwards */
};

static bool plan(struct resizing *r, const struct img_layer_resize *how, struct img_err *err)
{
	if (how->preallocation != IMG_PREALLOC_OFF)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("a cow image has no space for what was not written yet"));
	if (!cow_header_resize(&r->now, how->size, err))
		return false;
	r->kept = img_min_u64(r->old.n_sectors, r->now.n_sectors);
	return true;
}

/* ---- Data ------------------------------------------------------------------------------------ */

/* Of a large disk all pieces would be too much; what was written to it has been flushed. */
static void leave_piece(const struct resizing *r, uint64_t bit, uint64_t next)
{
	if (next / COW_PIECE_BITS != bit / COW_PIECE_BITS)
		cow_map_forget(&r->cow->map, bit);
}

/* Sectors [first, end); what they leave is a hole again. */
static bool move_run(const struct resizing *r, uint64_t first, uint64_t end, struct img_err *err)
{
	const uint64_t at = first * r->old.sector, len = (end - first) * r->old.sector;
	const uint64_t from = r->old.data_off + at, to = r->now.data_off + at;
	const uint64_t left = img_min_u64(len, from > to ? from - to : to - from);

	return img_move(r->file, to, from, len, r->job, err) &&
	       img_store_zero(r->file, from > to ? from + len - left : from, left, false, err);
}

/* Of a large disk most of the bitmap is a hole of the file, in which no bit is set. */
static bool is_hole(const struct resizing *r, uint64_t bit, bool *hole, struct img_err *err)
{
	const uint64_t at = r->old.bitmap_off + bit / COW_PIECE_BITS * COW_PIECE_BYTES;
	struct img_extent ex = { .len = 0 };

	if (r->cow->map.file_size >= at + COW_PIECE_BYTES &&
	    !img_store_extent(r->file, at, at + COW_PIECE_BYTES, &ex, err))
		return false;
	*hole = ex.kind == IMG_EXTENT_ZERO && ex.len == COW_PIECE_BYTES;
	return true;
}

/* n sectors from `at` on, all of them in the file or none. */
static bool run_from(const struct resizing *r, uint64_t at, uint64_t *n, bool *set,
		     struct img_err *err)
{
	const _Atomic uint64_t *piece;
	bool hole = false;

	if (at % COW_PIECE_BITS == 0 && !is_hole(r, at, &hole, err))
		return false;
	*n = img_min_u64(COW_PIECE_BITS, r->kept - at);
	*set = false;
	if (hole)
		return true;
	piece = cow_map_piece(&r->cow->map, at, err);
	if (piece)
		*n = cow_piece_run(piece, at, r->kept, set);
	return piece;
}

/* The same in front of `end`. */
static bool run_before(const struct resizing *r, uint64_t end, uint64_t *n, bool *set,
		       struct img_err *err)
{
	const _Atomic uint64_t *piece;
	bool hole = false;

	if (end % COW_PIECE_BITS == 0 && !is_hole(r, end - 1, &hole, err))
		return false;
	*n = COW_PIECE_BITS;
	*set = false;
	if (hole)
		return true;
	piece = cow_map_piece(&r->cow->map, end - 1, err);
	if (piece)
		*n = cow_piece_run_back(piece, end, set);
	return piece;
}

static bool move_down(struct resizing *r, struct img_err *err)
{
	uint64_t n;
	bool set;

	for (uint64_t at = 0; at < r->kept; at += n) {
		if (!run_from(r, at, &n, &set, err) ||
		    (set && !move_run(r, at, at + n, err)))
			return false;
		leave_piece(r, at, at + n);
	}
	return true;
}

/* The last run first: no sector comes to where another one still is. */
static bool move_up(struct resizing *r, struct img_err *err)
{
	uint64_t n;
	bool set;

	for (uint64_t end = r->kept; end; end -= n) {
		if (!run_before(r, end, &n, &set, err) ||
		    (set && !move_run(r, end - n, end, err)))
			return false;
		leave_piece(r, end - 1, end - n - 1);
	}
	return true;
}

/* Where data will be, bits of sectors that are gone are none of them. */
static bool clear_room(const struct resizing *r, struct img_err *err)
{
	return img_store_zero(r->file, r->now.data_off, r->old.data_off - r->now.data_off, false,
			      err);
}

static bool move_data(struct resizing *r, struct img_err *err)
{
	if (r->now.data_off == r->old.data_off)
		return true;
	if (r->now.data_off > r->old.data_off)
		return move_up(r, err);
	return clear_room(r, err) && move_down(r, err);
}

/* ---- What is around them --------------------------------------------------------------------- */

/* Up to the data: what is new is not there yet, and what is gone must not come back. */
static bool clear_bits(const struct resizing *r, struct img_err *err)
{
	const unsigned used = r->kept % 8;
	uint64_t at = r->now.bitmap_off + r->kept / 8;
	uint8_t byte;

	if (used) {
		if (!img_store_read(r->file, at, &byte, 1, err))
			return false;
		byte &= (uint8_t)~(0xff << used);
		if (!img_store_write(r->file, at++, &byte, 1, err))
			return false;
	}
	return img_store_zero(r->file, at, r->now.data_off - at, false, err);
}

static bool set_length(const struct resizing *r, struct img_err *err)
{
	return !(r->file->caps & IMG_STORE_RESIZE) ||
	       img_store_resize(r->file, cow_file_end(&r->now), err);
}

static bool write_header(const struct resizing *r, struct img_err *err)
{
	uint8_t raw[COW_DECODE_LEN];

	cow_header_encode(&r->now, raw);
	return img_store_write(r->file, 0, raw, cow_layouts[r->now.kind].len, err);
}

static bool start_again(const struct resizing *r, struct img_err *err)
{
	r->cow->header = r->now;
	return cow_disk_restart(r->cow, r->file, err);
}

/* The rest of the sector in which the disk ends, or ended, if that is in the file. */
static bool clean_tail(const struct resizing *r, struct img_err *err)
{
	const uint64_t end = img_min_u64(r->old.size, r->now.size);
	const uint64_t rest = img_round_up(end, r->now.sector) - end;
	struct img_extent ex;

	if (!rest || !cow_map_extent(&r->cow->map, end - 1, end, &ex, err))
		return !rest;
	return ex.kind == IMG_EXTENT_HOLE ||
	       img_store_zero(r->file, r->now.data_off + end, rest, true, err);
}

bool cow_resize(struct img_layer *ly, const struct img_layer_resize *how, struct img_err *err)
{
	struct cow *cow = ly->priv;
	struct resizing r = {
		.cow = cow, .file = ly->store, .job = how->job, .old = cow->header,
		.now = cow->header,
	};
	bool freed;

	if (!plan(&r, how, err) || !move_data(&r, err) || !clear_bits(&r, err) ||
	    !set_length(&r, err) || !write_header(&r, err) || !start_again(&r, err) ||
	    !clean_tail(&r, err))
		return false;
	ly->size = how->size;
	return how->size < r.old.size || (img_below_hide(ly, r.old.size, how->size, err) &&
					  cow_disk_flush(ly, &freed, err));
}
