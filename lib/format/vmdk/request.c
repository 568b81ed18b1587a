/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests to a disk in use, grain by grain; a grain gets its place when it is first written. */
#include <inttypes.h>
#include "base/lock.h"
#include "base/num.h"
#include "format/vmdk/disk.h"

/* What a request wants of one grain, or of a part that is flat. */
struct want {
	struct vmdk_part *part;
	uint64_t at, len;		/* bytes of the part */
	uint64_t grain;			/* its number in the part; a flat part has none */
	const uint8_t *bytes;		/* NULL: zeros */
	bool unmap;			/* zeros need no space */
};

/* Its first byte on the disk stands for the grain. */
static struct img_claim claim_of(const struct want *want)
{
	const uint64_t at = want->part->start + want->grain * want->part->sparse.hdr.grain;

	return (struct img_claim){ .first = at, .end = at + 1 };
}

/* ---- Bytes that have their place ------------------------------------------------------------- */

static bool change_place(const struct vmdk *v, const struct want *want, uint64_t host,
			 struct img_err *err)
{
	struct img_store *file = want->part->file;

	vmdk_disk_touch(v, want->part);
	if (want->bytes)
		return img_store_write(file, host, want->bytes, want->len, err);
	return img_store_zero(file, host, want->len, !want->unmap, err);
}

/* ---- A new grain ----------------------------------------------------------------------------- */

/* Takes the place behind all others; the lock is held. */
static bool take_place(struct vmdk_sparse *sp, uint64_t *host, struct img_err *err)
{
	struct vmdk_live *live = sp->live;

	if (live->end / VMDK_SECTOR > UINT32_MAX)
		return img_fail(err, IMG_E_RANGE, _("the image is larger than 2 TiB, which no "
				"entry of a grain table can name"));
	*host = live->end;
	live->end += sp->hdr.grain;
	return true;
}

/* Makes the grain's place in the file whole, and zeros where nothing will be written. */
static bool make_room(const struct vmdk_sparse *sp, const struct want *want, uint64_t host,
		      struct img_err *err)
{
	static const uint8_t zeros[VMDK_SECTOR];
	const uint64_t end = host + sp->hdr.grain;

	if (want->bytes && want->len == sp->hdr.grain)
		return true;
	if (host < sp->live->old_end && !img_store_zero(sp->file, host, end - host, false, err))
		return false;
	return img_store_write(sp->file, end - VMDK_SECTOR, zeros, VMDK_SECTOR, err);
}

/* What the request leaves of the grain comes from below; hides: it does not. */
static bool fill(const struct img_layer *ly, const struct want *want, uint64_t host, bool hides,
		 struct img_err *err)
{
	const struct vmdk_part *part = want->part;
	const struct vmdk_sparse *sp = &part->sparse;
	const uint64_t start = want->grain * sp->hdr.grain, skip = want->at - start;
	const uint64_t end = start + vmdk_grain_len(&sp->hdr, want->grain);
	const uint64_t behind = want->at + want->len;

	if (!make_room(sp, want, host, err))
		return false;
	if (!hides && ly->below &&
	    (!img_below_copy(ly->below, part->start + start, part->start + want->at, part->file,
			     host, err) ||
	     !img_below_copy(ly->below, part->start + behind, part->start + end, part->file,
			     host + (behind - start), err)))
		return false;
	return !want->bytes ||
	       img_store_write(part->file, host + skip, want->bytes, want->len, err);
}

/* The grain has no place; the lock is held, and is let go meanwhile. */
static bool add_grain(struct img_layer *ly, const struct want *want, bool hides,
		      struct img_err *err)
{
	const struct vmdk *v = ly->priv;
	struct vmdk_sparse *sp = &want->part->sparse;
	struct vmdk_disk *disk = v->disk;
	struct img_claim claim = claim_of(want);
	uint64_t host = 0;
	bool ok;

	if (!vmdk_live_prepare(sp->live, sp->hdr.gt_entries, want->grain, err) ||
	    !take_place(sp, &host, err))
		return false;
	img_claim(&disk->claims, &claim);
	pthread_mutex_unlock(&disk->lock);
	ok = fill(ly, want, host, hides, err);
	vmdk_disk_touch(v, want->part);
	pthread_mutex_lock(&disk->lock);
	if (ok) {
		sp->file_size = img_max_u64(sp->file_size, host + sp->hdr.grain);
		vmdk_live_set(sp->live, sp->hdr.gt_entries, want->grain,
			      (uint32_t)(host / VMDK_SECTOR));
	}
	img_unclaim(&disk->claims, &claim);
	return ok;
}

/* Zeros where the grain has no place; the lock is held. */
static bool zero_nothing(struct img_layer *ly, const struct want *want,
			 enum vmdk_entry_kind kind, struct img_err *err)
{
	struct vmdk_sparse *sp = &want->part->sparse;

	if (kind == VMDK_ENTRY_ZEROS || !ly->below)
		return true;
	if (want->len < vmdk_grain_len(&sp->hdr, want->grain) ||
	    !(sp->hdr.flags & VMDK_FLAG_ZERO_GRAIN))
		return add_grain(ly, want, false, err);
	if (!vmdk_live_prepare(sp->live, sp->hdr.gt_entries, want->grain, err))
		return false;
	vmdk_live_set(sp->live, sp->hdr.gt_entries, want->grain, VMDK_ENTRY_ZERO);
	return true;
}

/* ---- Parts of requests ----------------------------------------------------------------------- */

static struct vmdk_entry entry_of(const struct want *want)
{
	const struct vmdk_sparse *sp = &want->part->sparse;

	return vmdk_grain_entry(&sp->hdr,
				vmdk_live_get(sp->live, sp->hdr.gt_entries, want->grain));
}

static bool change_grain(struct img_layer *ly, const struct want *want, struct img_err *err)
{
	const struct vmdk *v = ly->priv;
	struct vmdk_disk *disk = v->disk;
	const struct img_claim grain = claim_of(want);
	struct vmdk_entry entry;

	{
		IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&disk->lock);

		img_claims_wait(&disk->claims, grain.first, grain.end);
		entry = entry_of(want);
		if (entry.kind != VMDK_ENTRY_PLACE && !want->bytes)
			return zero_nothing(ly, want, entry.kind, err);
		if (entry.kind != VMDK_ENTRY_PLACE)
			return add_grain(ly, want, entry.kind == VMDK_ENTRY_ZEROS, err);
	}
	return change_place(v, want, entry.host + want->at % want->part->sparse.hdr.grain, err);
}

static bool change(struct img_layer *ly, const struct want *want, struct img_err *err)
{
	if (want->part->type == VMDK_EXTENT_FLAT)
		return change_place(ly->priv, want, want->part->at + want->at, err);
	return change_grain(ly, want, err);
}

/* The first piece of [at, at + len) of the disk that lies in one part and, if it has any, grain. */
static struct want want_at(const struct vmdk *v, uint64_t at, uint64_t len)
{
	struct vmdk_part *part = vmdk_part_at(v, at);
	struct want want = {
		.part = part, .at = at - part->start,
		.len = img_min_u64(len, part->start + part->len - at),
	};
	const uint64_t grain = part->sparse.hdr.grain;

	if (part->type != VMDK_EXTENT_FLAT) {
		want.grain = want.at / grain;
		want.len = img_min_u64(want.len, grain - want.at % grain);
	}
	return want;
}

bool vmdk_disk_write(struct img_layer *ly, uint64_t at, const void *buf, size_t len,
		     struct img_err *err)
{
	const uint8_t *bytes = buf;

	if (!vmdk_disk_mark(ly->priv, ly->store, err))
		return false;
	while (len) {
		struct want want = want_at(ly->priv, at, len);

		want.bytes = bytes;
		if (!change(ly, &want, err))
			return false;
		at += want.len;
		bytes += want.len;
		len -= want.len;
	}
	return true;
}

bool vmdk_disk_zero(struct img_layer *ly, uint64_t at, uint64_t len, bool unmap,
		    struct img_err *err)
{
	if (!vmdk_disk_mark(ly->priv, ly->store, err))
		return false;
	while (len) {
		struct want want = want_at(ly->priv, at, len);

		want.unmap = unmap;
		if (!change(ly, &want, err))
			return false;
		at += want.len;
		len -= want.len;
	}
	return true;
}

/* Where it has a place the grain keeps it and gives its space back. */
static bool discard_piece(struct vmdk *v, const struct want *want, struct img_err *err)
{
	uint64_t host = want->part->at + want->at;

	if (!(want->part->file->caps & IMG_STORE_ZERO))
		return true;	/* where nothing is gained the bytes stay */
	if (want->part->type != VMDK_EXTENT_FLAT) {
		const struct vmdk_entry entry = entry_of(want);

		if (entry.kind != VMDK_ENTRY_PLACE)
			return true;
		host = entry.host + want->at % want->part->sparse.hdr.grain;
	}
	return change_place(v, want, host, err);
}

bool vmdk_disk_discard(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err)
{
	if (!vmdk_disk_mark(ly->priv, ly->store, err))
		return false;
	while (len) {
		struct want want = want_at(ly->priv, at, len);

		want.unmap = true;
		if (!discard_piece(ly->priv, &want, err))
			return false;
		at += want.len;
		len -= want.len;
	}
	return true;
}
