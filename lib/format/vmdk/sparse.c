/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening a file of grains: its headers and its directories. */
#include <inttypes.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/vmdk/live.h"
#include "format/vmdk/sparse.h"
#include "format/vmdk/told.h"

static bool read_headers(struct vmdk_sparse *sp, struct img_err *err)
{
	uint8_t raw[VMDK_HEAD_BYTES];
	uint64_t size;
	size_t got;

	if (!img_store_size(sp->file, &size, err))
		return false;
	sp->file_size = size;
	if (!img_store_read_some(sp->file, 0, raw, sizeof(raw), &got, err) ||
	    !vmdk_header_decode(raw, got, &sp->hdr, err))
		return false;
	sp->footer = sp->hdr.gd_at_end;
	if (sp->footer)
		return vmdk_footer_read(sp->file, sp->file_size, &sp->hdr, err);
	if (sp->hdr.kind != VMDK_KIND_SESPARSE)
		return true;
	return img_store_read(sp->file, sp->hdr.volatile_at, raw, VMDK_SE_HEAD_LEN, err) &&
	       vmdk_volatile_check(raw, err);
}

static void decode_entries(uint64_t *entries, size_t n, uint32_t entry_len)
{
	const uint8_t *raw = (const uint8_t *)entries;

	/* From the last one on: narrow ones are spread over the room of their neighbours. */
	for (size_t i = n; i-- > 0;)
		entries[i] = entry_len == sizeof(uint32_t) ? img_get_le32(raw + i * entry_len)
							   : img_get_le64(raw + i * entry_len);
}

/* As many entries as the file has. */
static bool read_directory(struct vmdk_sparse *sp, uint64_t at, uint64_t **out, size_t *n,
			   struct img_err *err)
{
	const uint64_t left = at < sp->file_size ? sp->file_size - at : 0;

	*n = img_min_u64(sp->hdr.n_gd, left / sp->hdr.entry_len);
	*out = img_calloc(img_max_u64(*n, 1), sizeof(uint64_t), err);
	if (!*out)
		return false;
	if (*n && !img_store_read(sp->file, at, *out, *n * sp->hdr.entry_len, err))
		return img_within(err, _("grain directory"));
	decode_entries(*out, *n, sp->hdr.entry_len);
	return true;
}

bool vmdk_sparse_read_directories(struct vmdk_sparse *sp, struct img_err *err)
{
	return read_directory(sp, sp->hdr.gd_at, &sp->gd, &sp->n_gd, err) &&
	       (!sp->hdr.rgd_at || read_directory(sp, sp->hdr.rgd_at, &sp->rgd, &sp->n_rgd, err));
}

bool vmdk_sparse_open(struct vmdk_sparse *sp, struct img_store *file, struct vmdk_tables *tables,
		      struct img_err *err)
{
	*sp = (struct vmdk_sparse){ .file = file, .tables = tables };
	if (read_headers(sp, err) && vmdk_sparse_read_directories(sp, err))
		return true;
	vmdk_sparse_clear(sp);
	return false;
}

void vmdk_sparse_clear(struct vmdk_sparse *sp)
{
	vmdk_told_free(sp->told);
	free(sp->gd);
	free(sp->rgd);
	vmdk_live_free(sp->live);
	sp->told = NULL;
	sp->gd = sp->rgd = NULL;
	sp->live = NULL;
}
