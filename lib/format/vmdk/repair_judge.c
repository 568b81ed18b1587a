/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which of two entries can be right: what both tables agree on is taken as given, and a place that
 * is in use by that, or does not hold the grain, cannot be.
 */
#include "base/num.h"
#include "base/zero.h"
#include "format/vmdk/repair.h"

/* How many bytes of the file a grain has; *there: they are those of the grain. */
static bool find_bytes(struct vmdk_file_check *f, uint64_t grain, uint64_t host, uint64_t *len,
		       bool *there, struct img_err *err)
{
	struct vmdk_packed packed;

	*there = true;
	*len = vmdk_grain_len(&f->sp.hdr, grain);
	if (!f->sp.hdr.compressed)
		return true;
	if (!vmdk_packed_find(&f->sp, grain * f->sp.hdr.grain, host, &packed, err))
		return false;
	*there = !packed.bad;
	*len = *there && f->sp.hdr.markers ? packed.host + packed.len - host : VMDK_SECTOR;
	return true;
}

static bool is_unaligned(const struct vmdk_file_check *f, uint64_t host)
{
	return !f->sp.hdr.compressed && host & (f->sp.hdr.grain - 1);
}

static bool mark_grain(struct vmdk_file_check *f, uint64_t grain, uint64_t raw, bool *unaligned,
		       struct img_err *err)
{
	const struct vmdk_entry entry = vmdk_pairs_grain(&f->sp, raw, grain);
	uint64_t len;
	bool there;

	if (entry.kind != VMDK_ENTRY_PLACE)
		return true;
	if (!find_bytes(f, grain, entry.host, &len, &there, err))
		return false;
	*unaligned = *unaligned || is_unaligned(f, entry.host);
	(void)vmdk_usage_grain(&f->used, entry.host, len);	/* in use twice is used */
	return true;
}

bool vmdk_judge_mark(struct vmdk_file_check *f, const struct vmdk_pair *pair, uint64_t number,
		     bool *unaligned, struct img_err *err)
{
	const uint8_t *table = pair->first ? pair->first : pair->second;
	const size_t n = vmdk_table_len(&f->sp.hdr, number) / f->sp.hdr.entry_len;

	if (!table || img_is_zero(table, n * f->sp.hdr.entry_len))
		return true;
	for (size_t i = 0; i < n; i++) {
		const uint64_t raw = vmdk_pairs_raw(&f->sp, table, i);

		if (pair->first && pair->second && vmdk_pairs_raw(&f->sp, pair->second, i) != raw)
			continue;
		if (raw && !mark_grain(f, number * f->sp.hdr.gt_entries + i, raw, unaligned, err))
			return false;
	}
	return true;
}

bool vmdk_judge_take(struct vmdk_file_check *f, uint64_t grain, uint64_t raw, struct img_err *err)
{
	bool unaligned = false;

	return mark_grain(f, grain, raw, &unaligned, err);
}

static bool is_in_window(const struct vmdk_file_check *f, uint64_t host, uint64_t len)
{
	return host / VMDK_SECTOR >= f->used.from &&
	       img_div_up(host + len, VMDK_SECTOR) <= f->used.to;
}

bool vmdk_judge(struct vmdk_file_check *f, uint64_t grain, uint64_t raw, bool unaligned,
		enum vmdk_verdict *out, struct img_err *err)
{
	const struct vmdk_entry entry = vmdk_pairs_grain(&f->sp, raw, grain);
	uint64_t len;
	bool there;

	*out = entry.kind == VMDK_ENTRY_NOTHING ? VMDK_SAYS_NOTHING
	       : entry.kind == VMDK_ENTRY_BAD   ? VMDK_IMPOSSIBLE
						: VMDK_POSSIBLE;
	if (entry.kind != VMDK_ENTRY_PLACE)
		return true;
	if (!find_bytes(f, grain, entry.host, &len, &there, err))
		return false;
	if (!there || (!unaligned && is_unaligned(f, entry.host)) ||
	    vmdk_usage_of(&f->used, entry.host, len) != VMDK_USED_NOT)
		*out = VMDK_IMPOSSIBLE;
	else if (!is_in_window(f, entry.host, len))
		*out = VMDK_UNKNOWN;
	return true;
}
