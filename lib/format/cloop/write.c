/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writing a new image: block behind block in the order of the disk, none left out.  The places of
 * zeros follow from the gaps between slots, so they are written when their turn comes.
 */
#include <assert.h>
#include <inttypes.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/cloop/new.h"

static uint64_t blocks_of(const struct cloop_header *hdr, const struct img_slot *slot)
{
	return img_div_up(slot->len, hdr->block_size);
}

static bool is_packed(const struct img_slot *slot)
{
	return slot->flags & IMG_SLOT_COMPRESSED;
}

/* Bytes that the blocks of a slot take; plain ones are whole. */
static uint64_t stored_len(const struct cloop_header *hdr, const struct img_slot *slot)
{
	return is_packed(slot) ? slot->stored_len : blocks_of(hdr, slot) * hdr->block_size;
}

static bool reserve(struct img_layer *ly, struct img_slot *slots, size_t n, struct img_err *err)
{
	const struct cloop *c = ly->priv;
	struct cloop_new *fresh = c->fresh;

	for (size_t i = 0; i < n; i++) {
		const uint64_t first = slots[i].at / c->header.block_size;

		slots[i].store = ly->store;
		slots[i].host = fresh->next_host + (first - fresh->reserved) * fresh->zero_len;
		fresh->next_host = slots[i].host + stored_len(&c->header, &slots[i]);
		fresh->reserved = first + blocks_of(&c->header, &slots[i]);
		if (fresh->reserved > UINT32_MAX)
			return img_fail(err, IMG_E_RANGE, _("the disk has more blocks of %" PRIu32
					" bytes than an image can have"), c->header.block_size);
	}
	return true;
}

/* Notes n blocks of len bytes each behind those that there are. */
static bool add_entries(struct cloop_new *fresh, enum cloop_compressor compressor, uint64_t n,
			uint64_t len, struct img_err *err)
{
	for (uint64_t i = 0; i < n; i++) {
		uint64_t *v = img_grow_by_one(fresh->entries, fresh->n_entries,
					      &fresh->cap_entries, sizeof(*v), err);

		if (!v)
			return false;
		fresh->entries = v;
		v[fresh->n_entries++] = (uint64_t)compressor << CLOOP_ENTRY_SHIFT | fresh->end;
		fresh->end += len;
	}
	return true;
}

/* n packed blocks of zeros at host. */
static bool write_zeros(const struct cloop_new *fresh, struct img_store *st, uint64_t host,
			uint64_t n, struct img_err *err)
{
	while (n) {
		const size_t some = img_min_u64(n, fresh->run_blocks);

		if (!img_store_write(st, host, fresh->run, some * fresh->zero_len, err))
			return false;
		host += some * fresh->zero_len;
		n -= some;
	}
	return true;
}

bool cloop_add_zeros(struct img_layer *ly, uint64_t n, struct img_err *err)
{
	const struct cloop *c = ly->priv;
	struct cloop_new *fresh = c->fresh;
	const uint64_t host = fresh->end;

	if (!add_entries(fresh, fresh->compressor, n, fresh->zero_len, err))
		return false;
	if (fresh->run)
		return write_zeros(fresh, ly->store, host, n, err);
	return fresh->fresh || img_store_zero(ly->store, host, fresh->end - host, false, err);
}

static bool zero(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err)
{
	const struct cloop *c = ly->priv;

	assert(at == c->fresh->n_entries * (uint64_t)c->header.block_size);
	return cloop_add_zeros(ly, img_div_up(len, c->header.block_size), err);
}

/* What the last block of the disk lacks. */
static bool fill_up(struct img_layer *ly, const struct img_slot *slot, uint64_t stored,
		    struct img_err *err)
{
	const struct cloop *c = ly->priv;
	const uint64_t end = slot->host + slot->len;

	return is_packed(slot) || stored == slot->len || c->fresh->fresh ||
	       img_store_zero(ly->store, end, stored - slot->len, false, err);
}

static enum cloop_compressor compressor_of(const struct cloop_new *fresh, const struct img_slot *slot)
{
	if (!is_packed(slot))
		return CLOOP_NONE;
	return slot->codec ? fresh->others[slot->codec - 1] : fresh->compressor;
}

static bool publish(struct img_layer *ly, const struct img_slot *slots, size_t n,
		    struct img_err *err)
{
	const struct cloop *c = ly->priv;
	struct cloop_new *fresh = c->fresh;

	for (size_t i = 0; i < n; i++) {
		const uint64_t blocks = blocks_of(&c->header, &slots[i]);
		const uint64_t stored = stored_len(&c->header, &slots[i]);

		assert(slots[i].host == fresh->end);
		if (!fill_up(ly, &slots[i], stored, err) ||
		    !add_entries(fresh, compressor_of(fresh, &slots[i]), blocks, stored / blocks,
				 err))
			return false;
	}
	return true;
}

const struct img_write_ops cloop_write_ops = {
	.reserve = reserve,
	.publish = publish,
	.zero = zero,
	.finish = cloop_finish,
};
