/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a flush writes, and in which order: data are durable before the bits that tell of them. */
#include "base/bytes.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/cow/disk.h"

enum { GRANULE_BYTES = COW_GRANULE_WORDS * 8 };

/* Parts of the bitmap as they were at one moment. */
struct snapshot {
	uint64_t *granules;	/* their numbers; owned */
	uint8_t *raw;		/* of the file, one granule behind the other; owned */
	size_t n;
};

static size_t count_dirty(const struct cow *cow)
{
	size_t n = 0;

	for (size_t i = 0; i < cow->map.n_pieces; i++)
		n += (size_t)__builtin_popcount(cow->disk->dirty[i]);
	return n;
}

static void take_granule(const struct cow *cow, uint64_t granule, struct snapshot *snap)
{
	const _Atomic uint64_t *words = cow->map.pieces[granule / COW_PIECE_GRANULES] +
					granule % COW_PIECE_GRANULES * COW_GRANULE_WORDS;
	uint8_t *raw = snap->raw + snap->n * GRANULE_BYTES;

	for (size_t i = 0; i < COW_GRANULE_WORDS; i++)
		img_put_le64(raw + i * 8, words[i]);
	snap->granules[snap->n++] = granule;
}

/* Takes what is dirty; the lock is held. */
static bool take_dirty(struct cow *cow, struct snapshot *snap, struct img_err *err)
{
	const size_t n = count_dirty(cow);

	if (!n)
		return true;
	snap->granules = img_calloc(n, sizeof(*snap->granules), err);
	snap->raw = img_calloc(n, GRANULE_BYTES, err);
	if (!snap->granules || !snap->raw)
		return false;
	for (size_t i = 0; i < cow->map.n_pieces; i++) {
		for (unsigned bits = cow->disk->dirty[i]; bits; bits &= bits - 1)
			take_granule(cow, i * COW_PIECE_GRANULES + (unsigned)__builtin_ctz(bits),
				     snap);
		cow->disk->dirty[i] = 0;
	}
	return true;
}

/* They were not written. */
static void give_back(struct cow *cow, const struct snapshot *snap)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&cow->disk->lock);

	for (size_t i = 0; i < snap->n; i++)
		cow->disk->dirty[snap->granules[i] / COW_PIECE_GRANULES] |=
			(uint16_t)(1 << snap->granules[i] % COW_PIECE_GRANULES);
}

/* Neighbours go in one write. */
static bool write_bitmap(const struct cow *cow, const struct snapshot *snap, struct img_err *err)
{
	const struct cow_header *hdr = &cow->header;
	size_t run;

	for (size_t i = 0; i < snap->n; i += run) {
		const uint64_t at = snap->granules[i] * GRANULE_BYTES;

		for (run = 1; i + run < snap->n; run++)
			if (snap->granules[i + run] != snap->granules[i] + run)
				break;
		if (!img_store_write(cow->map.file, hdr->bitmap_off + at,
				     snap->raw + i * GRANULE_BYTES,
				     img_min_u64(run * GRANULE_BYTES, cow_bitmap_bytes(hdr) - at),
				     err))
			return false;
	}
	return true;
}

bool cow_disk_flush(struct img_layer *ly, bool *freed, struct img_err *err)
{
	struct cow *cow = ly->priv;
	struct snapshot snap = { 0 };
	bool ok;

	*freed = false;
	{
		IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&cow->disk->lock);

		ok = take_dirty(cow, &snap, err);
	}
	ok = ok && img_store_sync(ly->store, err) &&
	     (!snap.n || (write_bitmap(cow, &snap, err) && img_store_sync(ly->store, err)));
	if (!ok)
		give_back(cow, &snap);
	free(snap.granules);
	free(snap.raw);
	return ok;
}
