/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes of a file that get another place in it, when an image changes its size. */
#include <string.h>
#include "base/job.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/zero.h"
#include "format/format.h"

enum { MOVE_BYTES = 1 << 20, GRAIN = 4096 };

/* ---- First to last --------------------------------------------------------------------------- */

static bool move_data(struct img_store *st, uint64_t to, struct img_store *from_st, uint64_t from,
		      uint64_t len, struct img_err *err)
{
	const size_t room = img_min_u64(len, MOVE_BYTES);
	IMG_AUTO_FREE uint8_t *buf = img_alloc_aligned(room, err);

	if (!buf)
		return false;
	for (uint64_t done = 0; done < len; done += room) {
		const size_t n = img_min_u64(room, len - done);

		if (!img_store_read(from_st, from + done, buf, n, err) ||
		    !img_store_write(st, to + done, buf, n, err))
			return false;
	}
	return true;
}

/* Shares blocks, as far as that goes, and moves the others. */
static bool copy_data(struct img_store *st, uint64_t to, struct img_store *from_st, uint64_t from,
		      uint64_t len, struct img_err *err)
{
	uint64_t done = 0;

	if (st != from_st && !img_store_copy(st, to, from_st, from, len, &done, err))
		return false;
	return done == len || move_data(st, to + done, from_st, from + done, len - done, err);
}

bool img_copy_bytes(struct img_store *st, uint64_t to, struct img_store *from_st, uint64_t from,
		    uint64_t len, const struct img_job *job, struct img_err *err)
{
	struct img_extent ex;
	uint64_t size;

	if (!img_store_size(from_st, &size, err))
		return false;
	for (uint64_t done = 0; done < len; done += ex.len) {
		const uint64_t at = from + done;
		bool ok;

		if (!img_job_goes_on(job, err))
			return false;
		if (at >= size)
			return img_store_zero(st, to + done, len - done, false, err);
		if (!img_store_extent(from_st, at, img_min_u64(from + len, size), &ex, err))
			return false;
		ok = ex.kind == IMG_EXTENT_ZERO ? img_store_zero(st, to + done, ex.len, false, err)
						: copy_data(st, to + done, from_st, at, ex.len, err);
		if (!ok)
			return false;
	}
	return true;
}

/* ---- Last to first --------------------------------------------------------------------------- */

/* Where a piece overlaps its own place, its holes are overwritten before they are come to. */
static bool write_sparsely(struct img_store *st, uint64_t to, const uint8_t *buf, size_t len,
			   struct img_err *err)
{
	size_t run;

	for (size_t at = 0; at < len; at += run) {
		bool zero;

		run = img_zero_run(buf + at, len - at, GRAIN, &zero);
		if (!(zero ? img_store_zero(st, to + at, run, false, err)
			   : img_store_write(st, to + at, buf + at, run, err)))
			return false;
	}
	return true;
}

/* size: of the file as it was.  buf: room for len bytes. */
static bool move_piece(struct img_store *st, uint64_t to, uint64_t from, size_t len, uint64_t size,
		       uint8_t *buf, struct img_err *err)
{
	const size_t there = size > from ? img_min_u64(len, size - from) : 0;
	struct img_extent ex = { .kind = IMG_EXTENT_ZERO };

	if (there && !img_store_extent(st, from, from + there, &ex, err))
		return false;
	if (ex.kind == IMG_EXTENT_ZERO && ex.len >= there)
		return img_store_zero(st, to, len, false, err);
	memset(buf + there, 0, len - there);
	return img_store_read(st, from, buf, there, err) && write_sparsely(st, to, buf, len, err);
}

static bool move_up(struct img_store *st, uint64_t to, uint64_t from, uint64_t len, uint64_t size,
		    const struct img_job *job, struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *buf = img_alloc_aligned(img_min_u64(len, MOVE_BYTES), err);
	uint64_t left = len;

	while (buf && left) {
		const size_t n = img_min_u64(left, MOVE_BYTES);

		left -= n;
		if (!img_job_goes_on(job, err) ||
		    !move_piece(st, to + left, from + left, n, size, buf, err))
			return false;
	}
	return buf;
}

bool img_move(struct img_store *st, uint64_t to, uint64_t from, uint64_t len,
	      const struct img_job *job, struct img_err *err)
{
	uint64_t size;

	if (to > from && to - from < len)
		return img_store_size(st, &size, err) &&
		       move_up(st, to, from, len, size, job, err);
	return img_copy_bytes(st, to, st, from, len, job, err);
}
