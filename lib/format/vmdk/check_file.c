/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One file of grains: its header, what its tables use of it, and what nothing uses.  A file that is
 * too long for the memory is looked at in windows.
 */
#include "base/bytes.h"
#include "base/num.h"
#include "format/vmdk/check.h"

/* ---- Opening --------------------------------------------------------------------------------- */

/* Why the footer was not found where it has to be. */
static bool find_footer(struct img_store *file, const struct img_finding_kind **kind,
			struct img_err *err)
{
	struct vmdk_header hdr;
	uint64_t size;

	if (!img_store_size(file, &size, err))
		return false;
	*kind = vmdk_footer_read(file, size + VMDK_SECTOR, &hdr, NULL) ? &vmdk_found_stream_end
								       : &vmdk_found_footer_missing;
	return true;
}

/* Which of the two headers fails: only the first is all right in a stream without its end. */
static bool blame(struct img_store *file, const struct img_finding_kind **kind,
		  struct img_err *err)
{
	uint8_t raw[VMDK_HEAD_BYTES];
	struct vmdk_header hdr;
	size_t got;

	*kind = &vmdk_found_header_broken;
	if (!img_store_read_some(file, 0, raw, sizeof(raw), &got, err))
		return false;
	return !vmdk_header_decode(raw, got, &hdr, NULL) || !hdr.gd_at_end ||
	       find_footer(file, kind, err);
}

bool vmdk_check_open(struct vmdk_file_check *f, struct img_store *file, bool *usable,
		     struct img_err *err)
{
	const struct img_finding_kind *kind;
	struct img_err why = { 0 };

	*usable = vmdk_sparse_open(&f->sp, file, NULL, &why);
	if (*usable)
		return true;
	if (!img_code_is_damage(why.code)) {
		if (err)
			*err = why;
		return false;
	}
	return blame(file, &kind, err) &&
	       vmdk_tell_broken(f->image, kind, f->name,
				kind == &vmdk_found_header_broken ? &why : NULL, err);
}

/* ---- What is in use -------------------------------------------------------------------------- */

static bool mark(struct vmdk_file_check *f, uint64_t host, uint64_t len, struct img_err *err)
{
	if (!len || vmdk_usage_table(&f->used, host, len) == VMDK_USED_NOT)
		return true;
	return vmdk_tell(f, &vmdk_found_overlap, host, IMG_NOWHERE, IMG_NOWHERE, IMG_NOWHERE, 0,
			 err);
}

static uint64_t header_len(enum vmdk_kind kind)
{
	return kind == VMDK_KIND_COWD ? 4 * VMDK_SECTOR : VMDK_SECTOR;
}

/* What lies in the file at places that the header knows. */
static bool mark_header(struct vmdk_file_check *f, struct img_err *err)
{
	const struct vmdk_header *hdr = &f->sp.hdr;
	const uint64_t gd_len = hdr->n_gd * hdr->entry_len;
	const uint64_t end = img_round_down(f->sp.file_size, VMDK_SECTOR);

	return mark(f, 0, header_len(hdr->kind), err) &&
	       (hdr->kind != VMDK_KIND_SESPARSE || mark(f, hdr->volatile_at, VMDK_SECTOR, err)) &&
	       mark(f, hdr->desc_at, hdr->desc_len, err) && mark(f, hdr->gd_at, gd_len, err) &&
	       (!hdr->rgd_at || mark(f, hdr->rgd_at, gd_len, err)) &&
	       (!f->footer || mark(f, end - 2 * VMDK_SECTOR, 2 * VMDK_SECTOR, err));
}

bool vmdk_check_mark(struct vmdk_file_check *f, struct img_err *err)
{
	return mark_header(f, err) && vmdk_check_mark_tables(f, err);
}

/* ---- What is not ----------------------------------------------------------------------------- */

/*
 * Only when all is understood: what lost its table is a suspect, no garbage.  COWD and seSparse
 * files are made larger in steps, and streams have markers in between.
 */
static bool may_leak(const struct vmdk_file_check *f)
{
	return !f->damaged && f->sp.hdr.kind == VMDK_KIND_HOSTED && !f->sp.hdr.compressed &&
	       f->overhead && !(f->overhead & (f->sp.hdr.grain - 1)) && f->lowest >= f->overhead;
}

static bool check_leaks(struct vmdk_file_check *f, struct img_err *err)
{
	const uint64_t grain = f->sp.hdr.grain;
	const uint64_t from = img_max_u64(f->overhead, f->used.from * VMDK_SECTOR);
	const uint64_t end = f->sp.file->caps & IMG_STORE_DEVICE ? f->end : f->sp.file_size;
	const uint64_t to = img_min_u64(end, f->used.to * VMDK_SECTOR);

	for (uint64_t at = img_round_up(from, grain); at < to && to - at >= grain; at += grain)
		if (vmdk_usage_of(&f->used, at, grain) == VMDK_USED_NOT &&
		    !vmdk_tell(f, &vmdk_found_grain_leak, at, IMG_NOWHERE, IMG_NOWHERE, IMG_NOWHERE,
			       grain, err))
			return false;
	return true;
}

/* ---- All of it ------------------------------------------------------------------------------- */

static bool check_header(struct vmdk_file_check *f, struct img_err *err)
{
	if (f->sp.hdr.unclean &&
	    !vmdk_tell(f, &vmdk_found_header_unclean, VMDK_HDR_UNCLEAN, IMG_NOWHERE, 0, 1, 0, err))
		return false;
	return !f->footer || vmdk_check_footer(f, err);
}

static bool check_overhead(struct vmdk_file_check *f, struct img_err *err)
{
	if (!f->overhead || f->lowest >= f->overhead)
		return true;
	return vmdk_tell(f, &vmdk_found_header_overhead, VMDK_HDR_OVERHEAD, IMG_NOWHERE, f->lowest,
			 f->overhead, 0, err);
}

static bool check_window(struct vmdk_file_check *f, struct img_err *err)
{
	if (!vmdk_check_mark(f, err) || !vmdk_check_tables(f, err) ||
	    (f->sp.hdr.markers && !vmdk_check_stream(f, err)))
		return false;
	if (f->first_pass && !check_overhead(f, err))
		return false;
	f->first_pass = false;
	return !may_leak(f) || check_leaks(f, err);
}

bool vmdk_check_more(struct vmdk_file_check *f, struct img_err *err)
{
	uint8_t raw[VMDK_HEAD_BYTES];
	uint64_t sectors;

	if (f->sp.hdr.kind != VMDK_KIND_HOSTED)
		return true;
	if (!img_store_read(f->sp.file, 0, raw, sizeof(raw), err))
		return false;
	sectors = img_get_le64(raw + VMDK_HDR_OVERHEAD);
	f->footer = img_get_le64(raw + VMDK_HDR_GD_AT) == VMDK_GD_AT_END;
	f->overhead = sectors <= f->sp.file_size / VMDK_SECTOR ? sectors * VMDK_SECTOR : 0;
	return true;
}

bool vmdk_check_file(struct vmdk_file_check *f, struct img_err *err)
{
	const uint64_t sectors = img_div_up(f->sp.file_size, VMDK_SECTOR);
	bool ok;

	f->first_pass = true;
	f->lowest = f->previous = IMG_NOWHERE;
	if (!vmdk_check_more(f, err) || !check_header(f, err) ||
	    !vmdk_usage_init(&f->used, sectors, f->image->how->memory, err))
		return false;
	do {
		ok = check_window(f, err);
	} while (ok && vmdk_usage_next(&f->used, sectors));
	vmdk_usage_clear(&f->used);
	f->image->has_grains = true;
	f->image->total += img_div_up(f->sp.hdr.capacity, f->sp.hdr.grain);
	return ok;
}
