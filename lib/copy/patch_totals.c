/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the end of a patch says of it, counted by who writes it and by who reads it. */
#include "copy/patch.h"

#include <libdeflate.h>
#include "base/num.h"

enum { SAMPLE = 16 << 10 };

static bool is_sampled(uint64_t index)
{
	return !index || img_is_pow2(index);
}

static bool sample(struct patch_samples *samples, const struct patch_record *rec, struct img *old,
		   struct img_err *err)
{
	const size_t len = img_min_u64(SAMPLE, rec->len);
	uint8_t bytes[SAMPLE];

	if (!img_side_read(old, rec->at, bytes, len, err))
		return false;
	samples->n++;
	samples->crc = libdeflate_crc32(samples->crc, bytes, len);
	return true;
}

bool patch_totals_add(struct patch_totals *totals, const struct patch_record *rec, struct img *old,
		      struct img_err *err)
{
	if (old && is_sampled(totals->records) && !sample(&totals->old, rec, old, err))
		return false;
	totals->records++;
	*(rec->kind == PATCH_ZERO ? &totals->zero : &totals->data) += rec->len;
	return true;
}
