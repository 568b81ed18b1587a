/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Equal units are stored once.  Which ones are is decided in the order of the disk, by a hash that nobody
 * can make collide, so that the target does not depend on threads; before a unit that was shared becomes
 * reachable its bytes are compared with those that were stored.
 *
 * Memory is bounded: a table of a fixed size forgets the oldest of those that share a row.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "copy/copy.h"

enum {
	WAYS = 4,			/* entries of a row */
	ROWS_MAX = 1 << 19,		/* 80 MiB of entries: units for 128 GiB of 64 KiB each */
};

struct entry {
	struct img_key key;
	uint64_t at, host;		/* of the slot that was stored */
	uint32_t stored_len;		/* 0: there is none */
	uint32_t flags;
};

struct img_dedup {
	uint32_t unit;
	struct entry (*rows)[WAYS];
	size_t n_rows;			/* a power of two */
	uint32_t turn;			/* of the entries of a row: which goes next */
	uint8_t *stored;		/* a unit as it is in the file */
};

struct img_dedup *img_dedup_new(uint32_t unit, uint64_t size, struct img_err *err)
{
	struct img_dedup *d = img_calloc(1, sizeof(*d), err);

	if (!d)
		return NULL;
	d->unit = unit;
	d->n_rows = 1;
	while (d->n_rows < ROWS_MAX && d->n_rows * WAYS / 2 < size / unit)
		d->n_rows *= 2;
	d->rows = img_calloc(d->n_rows, sizeof(*d->rows), err);
	d->stored = d->rows ? img_alloc_aligned(unit, err) : NULL;
	if (d->stored)
		return d;
	img_dedup_free(d);
	return NULL;
}

void img_dedup_free(struct img_dedup *d)
{
	if (!d)
		return;
	free(d->rows);
	free(d->stored);
	free(d);
}

/* ---- Keys --------------------------------------------------------------------------------------- */

/* What does not fill a unit is never shared: what lies behind it in the file is not looked at. */
static bool is_whole(const struct img_slot *slot, uint32_t unit)
{
	return slot->len == unit && slot->stored_len <= unit;
}

bool img_dedup_hash(const struct img_work *work, struct img_parcel *p, struct img_err *err)
{
	uint8_t sum[IMG_HASH_MAX];

	if (p->cap_keys < p->n_slots) {
		struct img_key *keys = img_grow(p->keys, p->n_slots, sizeof(*keys), err);

		if (!keys)
			return false;
		p->keys = keys;
		p->cap_keys = p->n_slots;
	}
	for (size_t i = 0; i < p->n_slots; i++) {
		if (!is_whole(&p->slots[i], work->unit))
			continue;
		if (!img_hash_add(p->hash, p->bytes[i], p->slots[i].stored_len, err) ||
		    !img_hash_finish(p->hash, sum, err))
			return false;
		memcpy(p->keys[i].sum, sum, sizeof(p->keys[i].sum));
	}
	return true;
}

/* ---- What was stored ---------------------------------------------------------------------------- */

static struct entry *row_of(const struct img_dedup *d, const struct img_key *key)
{
	return d->rows[img_get_be64(key->sum) & (d->n_rows - 1)];
}

static const struct entry *find(const struct img_dedup *d, const struct img_key *key,
				const struct img_slot *slot)
{
	const struct entry *row = row_of(d, key);

	for (size_t i = 0; i < WAYS; i++)
		if (row[i].stored_len == slot->stored_len && row[i].flags == slot->flags &&
		    !memcmp(&row[i].key, key, sizeof(*key)))
			return &row[i];
	return NULL;
}

/* In a free place, in that of the same bytes (where no more can be shared), or in another. */
static void remember(struct img_dedup *d, const struct img_key *key, const struct img_slot *slot,
		     uint32_t flags)
{
	struct entry *row = row_of(d, key), *to = NULL;

	for (size_t i = 0; i < WAYS && !to; i++)
		if (!row[i].stored_len || !memcmp(&row[i].key, key, sizeof(*key)))
			to = &row[i];
	if (!to)
		to = &row[d->turn++ % WAYS];
	*to = (struct entry){ .key = *key, .at = slot->at, .host = slot->host,
			      .stored_len = slot->stored_len, .flags = flags };
}

static bool reserve_one(struct img_dedup *d, struct img_layer *dst, struct img_slot *slot,
			const struct img_key *key, struct img_err *err)
{
	const struct img_write_ops *ops = dst->format->write;
	const uint32_t flags = slot->flags;
	const struct entry *twin = find(d, key, slot);

	if (twin) {
		slot->host = twin->host;
		slot->twin = twin->at;
		if (!ops->share(dst, slot, err))
			return false;
		if (slot->flags & IMG_SLOT_SHARED)
			return true;
	}
	if (!ops->reserve(dst, slot, 1, err))
		return false;
	remember(d, key, slot, flags);
	return true;
}

bool img_dedup_reserve(struct img_dedup *d, struct img_layer *dst, struct img_parcel *p,
		       struct img_err *err)
{
	for (size_t i = 0; i < p->n_slots; i++) {
		struct img_slot *slot = &p->slots[i];

		if (is_whole(slot, d->unit) ? !reserve_one(d, dst, slot, &p->keys[i], err)
					    : !dst->format->write->reserve(dst, slot, 1, err))
			return false;
	}
	return true;
}

bool img_dedup_check(struct img_dedup *d, const struct img_parcel *p, uint64_t *shared,
		     struct img_err *err)
{
	for (size_t i = 0; i < p->n_slots; i++) {
		const struct img_slot *slot = &p->slots[i];

		if (!(slot->flags & IMG_SLOT_SHARED))
			continue;
		if (!img_store_read(slot->store, slot->host, d->stored, slot->stored_len, err))
			return false;
		if (memcmp(d->stored, p->bytes[i], slot->stored_len) != 0)
			return img_fail(err, IMG_E_IO, _("%s: what was written at 0x%" PRIx64
					" is not what is there"), img_store_name(slot->store), slot->host);
		*shared += slot->len;
	}
	return true;
}
