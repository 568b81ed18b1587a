/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests to a disk in use.  Each sector has its place; the bitmap says whether it is there.  Who
 * brings sectors into the file claims them, so that nobody else does it at the same time.
 */
#include <string.h>
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/cow/disk.h"

/* A request, or the part of one that is in one piece of the bitmap. */
struct part {
	struct img_layer *ly;
	struct cow *cow;
	_Atomic uint64_t *piece;
	uint64_t at, len;
	const uint8_t *bytes;		/* NULL: zeros */
	bool unmap;			/* zeros need no space */
};

static uint64_t host_of(const struct part *p, uint64_t guest)
{
	return p->cow->header.data_off + guest;
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

static bool put(const struct part *p, uint64_t at, uint64_t len, struct img_err *err)
{
	if (p->bytes)
		return img_store_write(p->ly->store, host_of(p, at), p->bytes + (at - p->at), len,
				       err);
	return img_store_zero(p->ly->store, host_of(p, at), len, !p->unmap, err);
}

/* The sector, of which the part has some bytes and the layers below the others. */
static bool merge(const struct part *p, uint64_t sector, struct img_err *err)
{
	const uint32_t size = p->cow->header.sector;
	const uint64_t start = sector * size;
	const uint64_t from = img_max_u64(start, p->at);
	const uint64_t to = img_min_u64(start + size, p->at + p->len);
	IMG_AUTO_FREE uint8_t *buf = img_calloc(1, size, err);

	if (!buf)
		return false;
	if (p->ly->below && !p->ly->below->read(p->ly->below, start, buf,
						img_min_u64(size, p->ly->size - start), err))
		return false;
	if (p->bytes)
		memcpy(buf + (from - start), p->bytes + (from - p->at), to - from);
	else
		memset(buf + (from - start), 0, to - from);
	return img_store_write(p->ly->store, host_of(p, start), buf, size, err);
}

static bool is_set(const struct part *p, uint64_t sector)
{
	return p->piece[sector % COW_PIECE_BITS / 64] >> sector % 64 & 1;
}

/* Whether the sector is not there yet, and the part does not fill it as far as the disk goes. */
static bool needs_merge(const struct part *p, uint64_t sector)
{
	const uint32_t size = p->cow->header.sector;
	const uint64_t start = sector * size, end = img_min_u64(start + size, p->ly->size);

	return !is_set(p, sector) && (p->at > start || p->at + p->len < end);
}

/* Sectors [first, end) are claimed, and are all that the part touches. */
static bool fill(const struct part *p, uint64_t first, uint64_t end, struct img_err *err)
{
	const uint32_t size = p->cow->header.sector;
	uint64_t from = p->at, to = p->at + p->len;

	if (needs_merge(p, first)) {
		if (!merge(p, first, err))
			return false;
		from = img_min_u64(to, (first + 1) * size);
	}
	if (from < to && end - 1 > first && needs_merge(p, end - 1)) {
		if (!merge(p, end - 1, err))
			return false;
		to = (end - 1) * size;
	}
	return from == to || put(p, from, to - from, err);
}

/* ---- Parts ----------------------------------------------------------------------------------- */

/* Sets the bits; the lock is held. */
static void note(const struct part *p, uint64_t first, uint64_t end)
{
	struct cow *cow = p->cow;
	const uint64_t host_end = cow->header.data_off + end * cow->header.sector;

	cow_piece_set(p->piece, first, end - first);
	cow->map.file_size = img_max_u64(cow->map.file_size, host_end);
	img_granules_mark(&cow->disk->bitmap, first / 8, img_div_up(end, 8));
}

/* The lock is held, and is let go meanwhile. */
static bool bring(const struct part *p, uint64_t first, uint64_t end, struct img_err *err)
{
	struct cow_disk *disk = p->cow->disk;
	struct img_claim claim = { .first = first, .end = end };
	bool ok;

	img_claim(&disk->claims, &claim);
	pthread_mutex_unlock(&disk->lock);
	ok = fill(p, first, end, err);
	pthread_mutex_lock(&disk->lock);
	if (ok)
		note(p, first, end);
	img_unclaim(&disk->claims, &claim);
	return ok;
}

/* Zeros where nothing is and nothing shows through need no sector. */
static bool is_needless(const struct part *p, bool set)
{
	return !set && !p->bytes && !p->ly->below;
}

/*
 * As much of the part as is there, or as much as is not; what is written goes on over sectors that
 * are there already.  *done: its bytes.
 */
static bool change_run(const struct part *p, uint64_t *done, struct img_err *err)
{
	struct cow_disk *disk = p->cow->disk;
	const uint32_t size = p->cow->header.sector;
	const uint64_t first = p->at / size, last = (p->at + p->len - 1) / size;
	struct part run = *p;
	bool set;

	{
		IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&disk->lock);

		img_claims_wait(&disk->claims, first, last + 1);
		uint64_t end = first + cow_piece_run(p->piece, first, last + 1, &set);

		if (!set && !is_needless(p, set))
			end = last + 1;
		run.len = *done = img_min_u64(p->len, end * size - p->at);
		if (is_needless(p, set))
			return true;
		if (!set)
			return bring(&run, first, end, err);
	}
	return put(&run, run.at, run.len, err);
}

static bool change(struct img_layer *ly, uint64_t at, uint64_t len, const uint8_t *bytes,
		   bool unmap, struct img_err *err)
{
	struct cow *cow = ly->priv;
	const uint64_t reach = COW_PIECE_BITS * cow->header.sector;
	uint64_t done;

	for (; len; at += done, len -= done, bytes = bytes ? bytes + done : NULL) {
		const struct part part = {
			.ly = ly, .cow = cow, .at = at, .len = img_min_u64(len, reach - at % reach),
			.bytes = bytes, .unmap = unmap,
			.piece = cow_map_piece(&cow->map, at / cow->header.sector, err),
		};

		if (!part.piece || !change_run(&part, &done, err))
			return false;
	}
	return true;
}

bool cow_disk_write(struct img_layer *ly, uint64_t at, const void *buf, size_t len,
		    struct img_err *err)
{
	return change(ly, at, len, buf, false, err);
}

bool cow_disk_zero(struct img_layer *ly, uint64_t at, uint64_t len, bool unmap,
		   struct img_err *err)
{
	return change(ly, at, len, NULL, unmap, err);
}

/* A sector that is there gives its space back; where nothing is gained the bytes stay. */
bool cow_disk_discard(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err)
{
	struct cow *cow = ly->priv;
	struct img_extent ex;

	for (uint64_t end = at + len; at < end && (ly->store->caps & IMG_STORE_ZERO);
	     at += ex.len) {
		if (!cow_map_extent(&cow->map, at, end, &ex, err))
			return false;
		if (ex.kind == IMG_EXTENT_DATA &&
		    !img_store_zero(ly->store, ex.host, ex.len, false, err))
			return false;
	}
	return true;
}
