/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * streamOptimized: compressed grains, each behind a marker that says for which sector of the disk it
 * is, and a footer when the directory is written last.
 */
#include <inttypes.h>
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/vmdk/sparse.h"
#include "format/vmdk/told.h"

/* ---- The footer ------------------------------------------------------------------------------ */

/* §"Stream-Optimized": footer and end-of-stream marker are the last two sectors. */
bool vmdk_footer_read(struct img_store *file, uint64_t file_size, struct vmdk_header *hdr,
		      struct img_err *err)
{
	uint8_t raw[VMDK_HDR_LEN];
	const uint64_t end = img_round_down(file_size, VMDK_SECTOR);

	if (end < 2 * VMDK_SECTOR + VMDK_HDR_LEN ||
	    !img_store_read(file, end - 2 * VMDK_SECTOR, raw, sizeof(raw), err) ||
	    memcmp(raw, VMDK_MAGIC, 4) != 0)
		return img_fail(err, IMG_E_INCOMPLETE, _("the file ends before its footer, which "
				"tells where the grain directory is"));
	if (!vmdk_header_decode(raw, sizeof(raw), hdr, err))
		return img_within(err, _("footer"));
	return !hdr->gd_at_end || img_fail(err, IMG_E_CORRUPT, _("the footer does not tell where "
			"the grain directory is"));
}

/* ---- Where a grain is ------------------------------------------------------------------------ */

/* The most that deflate makes of a grain, and some more. */
uint64_t vmdk_packed_max(uint64_t grain)
{
	return 2 * grain + VMDK_SECTOR;
}

/* Whether the file has so many bytes; of one that is coming they come now. */
static bool reaches(const struct vmdk_sparse *sp, uint64_t end, bool *yes, struct img_err *err)
{
	uint8_t last;
	size_t got = 1;

	if (sp->coming && !img_store_read_some(sp->file, end - 1, &last, 1, &got, err))
		return false;
	*yes = got && end <= sp->file_size;
	return true;
}

static bool bad_place(struct vmdk_packed *out, const struct img_finding_kind *why,
		      enum img_code loss)
{
	*out = (struct vmdk_packed){ .bad = why, .loss = loss };
	return true;
}

static bool find_behind_marker(const struct vmdk_sparse *sp, uint64_t at, uint64_t host,
			       struct vmdk_packed *out, struct img_err *err)
{
	uint8_t raw[VMDK_MARK_GRAIN_LEN];
	uint64_t len;
	bool all;

	if (!reaches(sp, host + sizeof(raw), &all, err))
		return false;
	if (!all)
		return bad_place(out, &vmdk_found_grain_outside, IMG_E_INCOMPLETE);
	if (!img_store_read(sp->file, host, raw, sizeof(raw), err))
		return false;
	len = img_get_le32(raw + VMDK_MARK_SIZE);
	if (img_get_le64(raw + VMDK_MARK_VALUE) != at / sp->hdr.grain * (sp->hdr.grain / VMDK_SECTOR) ||
	    !len || len > vmdk_packed_max(sp->hdr.grain))
		return bad_place(out, &vmdk_found_grain_marker, IMG_E_CORRUPT);
	if (!reaches(sp, host + sizeof(raw) + len, &all, err))
		return false;
	if (!all)
		return bad_place(out, &vmdk_found_grain_outside, IMG_E_INCOMPLETE);
	*out = (struct vmdk_packed){
		.store = sp->file, .host = host + sizeof(raw), .len = len,
	};
	return true;
}

bool vmdk_packed_find(const struct vmdk_sparse *sp, uint64_t at, uint64_t host,
		      struct vmdk_packed *out, struct img_err *err)
{
	if (host >= sp->file_size)
		return bad_place(out, &vmdk_found_grain_outside, IMG_E_INCOMPLETE);
	if (sp->hdr.markers)
		return find_behind_marker(sp, at, host, out, err);
	*out = (struct vmdk_packed){
		.store = sp->file, .host = host,
		.len = img_min_u64(vmdk_packed_max(sp->hdr.grain), sp->file_size - host),
	};
	return true;
}

/* ---- Reading --------------------------------------------------------------------------------- */

struct decoding {
	struct vmdk_sparse *sp;
	void *cx;
	uint8_t *stored;		/* room bytes for what is compressed; owned */
	uint64_t room;
	uint8_t *grain;			/* room for one, when not all of it is wanted; owned */
};

/*
 * Makes room for what a grain really has.  The most that it could have is so much that the system
 * would hand out fresh pages each time.
 */
static bool reserve_stored(struct decoding *d, uint64_t len, struct img_err *err)
{
	if (len <= d->room)
		return true;
	free(d->stored);
	d->room = img_round_up(len, IMG_MEM_ALIGN);
	d->stored = img_alloc_aligned(d->room, err);
	return d->stored;
}

static bool reserve_grain(struct decoding *d, struct img_err *err)
{
	if (!d->grain)
		d->grain = img_alloc_aligned(d->sp->hdr.grain, err);
	return d->grain;
}

static bool find_grain(struct decoding *d, uint64_t at, struct vmdk_packed *place,
		       struct img_err *err)
{
	struct vmdk_entry entry;

	if (d->sp->told)
		return vmdk_told_find(d->sp->told, at, place, err);
	if (!vmdk_sparse_grain(d->sp, at, &entry, err))
		return false;
	if (entry.kind != VMDK_ENTRY_PLACE)
		return img_fail(err, IMG_E_CORRUPT, _("there is no compressed grain"));
	if (!vmdk_packed_find(d->sp, at, entry.host, place, err))
		return false;
	return !place->bad || img_fail(err, place->loss, "%s", _(place->bad->text));
}

bool vmdk_packed_whole(struct vmdk_sparse *sp, uint64_t at, struct vmdk_packed *out, bool *whole,
		       struct img_err *err)
{
	const uint64_t grain = sp->hdr.grain;
	struct vmdk_entry entry;

	*whole = false;
	/* Without markers nothing says how long a stream is. */
	if (!sp->hdr.compressed || !sp->hdr.markers || sp->told || at % grain ||
	    vmdk_grain_len(&sp->hdr, at / grain) != grain)
		return true;
	if (!vmdk_sparse_grain(sp, at, &entry, err))
		return false;
	if (entry.kind != VMDK_ENTRY_PLACE)
		return true;
	if (!vmdk_packed_find(sp, at, entry.host, out, err))
		return false;
	*whole = !out->bad;
	return true;
}

/* The last grain may hold all of a grain, or what the disk has of it. */
static bool decode(struct decoding *d, size_t stored_len, uint64_t disk_len, uint8_t *out,
		   struct img_err *err)
{
	if (img_codec_zlib.decode(d->cx, d->stored, stored_len, out, disk_len, err))
		return true;
	return disk_len < d->sp->hdr.grain &&
	       img_codec_zlib.decode(d->cx, d->stored, stored_len, out, d->sp->hdr.grain, err);
}

/* What is wanted of the grain at `at`; *len becomes that. */
static bool read_grain(struct decoding *d, uint64_t at, uint8_t *buf, size_t *len,
		       struct img_err *err)
{
	const uint64_t grain = d->sp->hdr.grain, skip = at & (grain - 1);
	const uint64_t disk_len = vmdk_grain_len(&d->sp->hdr, at / grain);
	const bool whole = !skip && *len >= grain;
	struct vmdk_packed place;

	if (!find_grain(d, at, &place, err) || !reserve_stored(d, place.len, err) ||
	    (!whole && !reserve_grain(d, err)) ||
	    !img_store_read(place.store, place.host, d->stored, place.len, err) ||
	    !decode(d, place.len, disk_len, whole ? buf : d->grain, err))
		return img_within(err, _("compressed grain at guest offset 0x%" PRIx64), at - skip);
	*len = img_min_u64(*len, disk_len - skip);
	if (!whole)
		memcpy(buf, d->grain + skip, *len);
	return true;
}

static bool read_all(struct decoding *d, uint64_t at, uint8_t *buf, size_t len, struct img_err *err)
{
	while (len) {
		size_t some = len;

		if (!read_grain(d, at, buf, &some, err))
			return false;
		at += some;
		buf += some;
		len -= some;
	}
	return true;
}

bool vmdk_packed_read(struct vmdk_sparse *sp, struct img_codec_pool *decoders, uint64_t at,
		      uint8_t *buf, size_t len, struct img_err *err)
{
	struct decoding d = { .sp = sp };
	bool ok;

	if (sp->hdr.grain > VMDK_PACKED_GRAIN_MAX)
		return img_fail(err, IMG_E_UNSUPPORTED, _("compressed grains of %" PRIu64 " bytes"),
				sp->hdr.grain);
	d.cx = img_codec_pool_get(decoders, err);
	if (!d.cx)
		return false;
	ok = read_all(&d, at, buf, len, err);
	free(d.stored);
	free(d.grain);
	img_codec_pool_put(decoders, d.cx);
	return ok;
}
