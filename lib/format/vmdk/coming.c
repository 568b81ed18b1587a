/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file of grains that comes through a pipe: whether it can be read as it comes.  One that tells
 * where its directory is at the end can, by its markers (told.c).  One that has directory and tables
 * in front, as QEMU writes it, can if the grains are in order, and is read by them as ever.
 */
#include "format/vmdk/sparse.h"
#include "format/vmdk/told.h"

/* Larger than any file; sums with what a 32-bit entry says do not wrap. */
#define ANY_SIZE ((uint64_t)INT64_MAX / 2)

static bool is_stream(const struct vmdk_header *hdr)
{
	return hdr->kind == VMDK_KIND_HOSTED && hdr->compressed && hdr->markers && hdr->capacity &&
	       hdr->overhead;
}

static bool open_told(struct vmdk_sparse *sp, enum img_pass *pass, struct img_err *err)
{
	sp->told = vmdk_told_new(sp->file, &sp->hdr, err);
	*pass = IMG_PASS_TOLD;
	return sp->told;
}

static bool open_ordered(struct vmdk_sparse *sp, enum img_pass *pass, struct img_err *err)
{
	bool rising = false;

	sp->coming = true;
	sp->file_size = ANY_SIZE;
	if (!vmdk_sparse_read_directories(sp, err) || !vmdk_sparse_is_rising(sp, &rising, err)) {
		vmdk_sparse_clear(sp);
		return false;
	}
	if (!rising)
		vmdk_sparse_clear(sp);
	*pass = rising ? IMG_PASS_ORDERED : IMG_PASS_NONE;
	return true;
}

bool vmdk_coming_open(struct vmdk_sparse *sp, struct img_store *file, struct vmdk_tables *tables,
		      enum img_pass *pass, struct img_err *err)
{
	uint8_t raw[VMDK_HEAD_BYTES];
	size_t got;

	*sp = (struct vmdk_sparse){ .file = file, .tables = tables };
	if (!img_store_read_some(file, 0, raw, sizeof(raw), &got, err) ||
	    !vmdk_header_decode(raw, got, &sp->hdr, err))
		return false;
	if (is_stream(&sp->hdr))
		return sp->hdr.gd_at_end ? open_told(sp, pass, err) : open_ordered(sp, pass, err);
	*pass = IMG_PASS_NONE;
	return true;
}
