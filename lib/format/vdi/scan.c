/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The whole block map of a file, read in bulk, for those who look at every entry once. */
#include "base/job.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/vdi/vdi.h"

enum { RUN_ENTRIES = 256 << 10 };	/* that are read at once */

uint32_t vdi_entries_there(const struct vdi_header *hdr, uint64_t file_size)
{
	const uint64_t left = hdr->map_off < file_size ? file_size - hdr->map_off : 0;

	return (uint32_t)img_min_u64(hdr->n_blocks, left / VDI_ENTRY_LEN);
}

bool vdi_scan(const struct vdi_header *hdr, struct img_store *file, uint64_t file_size,
	      const struct vdi_scan *scan, struct img_err *err)
{
	const uint32_t n = vdi_entries_there(hdr, file_size);
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(img_min_u64(RUN_ENTRIES, n + 1) *
						       VDI_ENTRY_LEN, err);
	uint32_t run;

	if (!raw)
		return false;
	for (uint32_t i = 0; i < n; i += run) {
		run = (uint32_t)img_min_u64(RUN_ENTRIES, n - i);
		if (!img_job_goes_on(scan->job, err))
			return false;
		if (!img_store_read(file, vdi_entry_off(hdr, i), raw, run * VDI_ENTRY_LEN, err) ||
		    !scan->run(scan->ctx, i, run, raw, err))
			return false;
	}
	return true;
}
