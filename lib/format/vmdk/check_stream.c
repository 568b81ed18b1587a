/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A stream from its first marker to its end, as those see it who cannot seek: each grain must be in
 * a table, and all that is no grain must be known.
 */
#include "base/bytes.h"
#include "base/num.h"
#include "format/vmdk/check.h"
#include "format/vmdk/marker.h"

/* ---- The footer ------------------------------------------------------------------------------ */

/* Places differ, and may: all else says the same. */
static bool same_header(const struct vmdk_header *a, const struct vmdk_header *b)
{
	return a->version == b->version && a->flags == b->flags && a->capacity == b->capacity &&
	       a->grain == b->grain && a->gt_entries == b->gt_entries &&
	       a->compressed == b->compressed && a->desc_at == b->desc_at &&
	       a->desc_len == b->desc_len;
}

bool vmdk_check_footer(struct vmdk_file_check *f, struct img_err *err)
{
	const uint64_t at = img_round_down(f->sp.file_size, VMDK_SECTOR) - 2 * VMDK_SECTOR;
	uint8_t raw[VMDK_HEAD_BYTES];
	struct vmdk_header head;

	if (!img_store_read(f->sp.file, 0, raw, sizeof(raw), err) ||
	    !vmdk_header_decode(raw, sizeof(raw), &head, err))
		return false;
	return same_header(&head, &f->sp.hdr) ||
	       vmdk_tell(f, &vmdk_found_footer_differs, at, IMG_NOWHERE, IMG_NOWHERE, IMG_NOWHERE, 0,
			 err);
}

/* ---- Markers --------------------------------------------------------------------------------- */

static bool is_listed(const struct vmdk_file_check *f, uint64_t at)
{
	return at / VMDK_SECTOR < f->used.from || at / VMDK_SECTOR >= f->used.to ||
	       vmdk_usage_of(&f->used, at, VMDK_SECTOR) == VMDK_USED_GRAIN;
}

static bool check_grain(struct vmdk_file_check *f, const struct vmdk_marker *m, uint64_t *highest,
			bool *unsorted, struct img_err *err)
{
	if (!is_listed(f, m->at) &&
	    !vmdk_tell(f, &vmdk_found_stream_unlisted, m->at, m->guest, IMG_NOWHERE, IMG_NOWHERE, 0,
		       err))
		return false;
	if (m->guest < *highest && !*unsorted && f->first_pass) {
		*unsorted = true;
		return vmdk_tell(f, &vmdk_found_stream_unsorted, m->at, m->guest, *highest, m->guest,
				 0, err);
	}
	*highest = img_max_u64(*highest, m->guest);
	return true;
}

/* The end of the stream must be that of the file; a stream without a footer has none. */
static bool check_end(struct vmdk_file_check *f, const struct vmdk_marker *m, struct img_err *err)
{
	if (!f->first_pass || m->kind != VMDK_MARKER_END || m->end >= f->sp.file_size)
		return true;
	return vmdk_tell(f, &vmdk_found_stream_behind, m->end, IMG_NOWHERE, m->end, f->sp.file_size,
			 0, err);
}

bool vmdk_check_stream(struct vmdk_file_check *f, struct img_err *err)
{
	struct vmdk_marker m = { .end = img_max_u64(f->overhead, VMDK_SECTOR) };
	uint64_t highest = 0;
	bool unsorted = false;

	/* A stream of QEMU has no end, and one of an empty disk no marker at all. */
	while (m.kind != VMDK_MARKER_END && m.end < f->sp.file_size) {
		if (!vmdk_marker_read(&f->sp, m.end, &m, err))
			return false;
		if (m.kind == VMDK_MARKER_NONE)
			return !f->first_pass ||
			       vmdk_tell(f, &vmdk_found_stream_marker, m.at, IMG_NOWHERE, IMG_NOWHERE,
					 IMG_NOWHERE, 0, err);
		if (m.kind == VMDK_MARKER_GRAIN && !check_grain(f, &m, &highest, &unsorted, err))
			return false;
	}
	return check_end(f, &m, err);
}
