/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Directory entries that both directories have lost: their tables lie where all writers put them.  And
 * first tables that were overwritten, whose second ones are whole.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/zero.h"
#include "format/vmdk/salvage.h"

struct lookup {
	struct vmdk_sparse *sp;
	uint8_t *raw[2];		/* tables; owned, both behind the first pointer */
	uint64_t places[2];
};

static size_t table_bytes(const struct vmdk_sparse *sp)
{
	return (size_t)sp->hdr.gt_entries * sp->hdr.entry_len;
}

/* Whether all entries of a table can be, and some lead somewhere. */
static bool is_table(const struct vmdk_sparse *sp, const uint8_t *raw, uint64_t i)
{
	const size_t n = vmdk_table_len(&sp->hdr, i) / sp->hdr.entry_len;
	bool any = false;

	if (img_is_zero(raw, n * sp->hdr.entry_len))
		return false;
	for (size_t k = 0; k < n; k++) {
		const struct vmdk_entry entry = vmdk_grain_entry(&sp->hdr,
								 vmdk_pairs_raw(sp, raw, k));

		if (entry.kind == VMDK_ENTRY_BAD ||
		    (entry.kind == VMDK_ENTRY_PLACE &&
		     (entry.host >= sp->file_size || entry.host & (sp->hdr.grain - 1))))
			return false;
		any |= entry.kind == VMDK_ENTRY_PLACE;
	}
	return any;
}

/* Looks where the tables of entry i should be; *found: which directory's is there, -1: neither. */
static bool look(struct lookup *l, uint64_t i, int *found, struct img_err *err)
{
	const struct vmdk_sparse *sp = l->sp;
	const size_t len = vmdk_table_len(&sp->hdr, i);

	*found = -1;
	for (int side = 1; side >= 0; side--) {
		size_t got;

		l->places[side] = vmdk_usual_place(sp, side, i);
		if (side && !sp->hdr.rgd_at)
			continue;
		if (!img_store_read_some(sp->file, l->places[side], l->raw[side], len, &got, err))
			return false;
		if (got == len && is_table(sp, l->raw[side], i))
			*found = side;
	}
	return true;
}

static bool is_lost(const struct vmdk_sparse *sp, uint64_t i)
{
	const struct vmdk_entry first = vmdk_pairs_directory(sp, sp->gd, sp->n_gd, i);
	const struct vmdk_entry second = vmdk_pairs_directory(sp, sp->rgd, sp->n_rgd, i);

	return vmdk_says_nothing(&first) && vmdk_says_nothing(&second);
}

static bool find_tables(struct vmdk_salvage *s, struct vmdk_part *part, struct lookup *l,
			struct img_err *err)
{
	for (uint64_t i = 0; i < l->sp->n_gd; i++) {
		int side;

		if (!is_lost(l->sp, i))
			continue;
		if (!look(l, i, &side, err))
			return false;
		if (side < 0)
			continue;
		l->sp->gd[i] = l->places[side] / VMDK_SECTOR;
		part->guessed = true;
		if (!vmdk_salvage_note(s, &vmdk_noted_directory, l->sp->hdr.gd_at + i * sizeof(uint32_t),
				       l->places[side], err))
			return false;
	}
	return true;
}

/* ---- Tables that were overwritten ------------------------------------------------------------ */

/* Entries of a table that can and that cannot be. */
static void count(const struct vmdk_sparse *sp, const uint8_t *raw, uint64_t i, size_t *good,
		  size_t *bad)
{
	const size_t n = vmdk_table_len(&sp->hdr, i) / sp->hdr.entry_len;

	*good = *bad = 0;
	for (size_t k = 0; k < n; k++) {
		const struct vmdk_entry entry = vmdk_grain_entry(&sp->hdr,
								 vmdk_pairs_raw(sp, raw, k));
		const bool place = entry.kind == VMDK_ENTRY_PLACE;

		if (entry.kind == VMDK_ENTRY_BAD || (place && entry.host >= sp->file_size))
			(*bad)++;
		else if (place)
			(*good)++;
	}
}

/* Whether the first table is noise and the second one is without a fault: no hole in it is a loss. */
static bool is_ruined(const struct vmdk_sparse *sp, const struct vmdk_pair *pair, uint64_t i)
{
	size_t good, bad, good_second, bad_second;

	if (!pair->first || !pair->second || img_is_zero(pair->first, vmdk_table_len(&sp->hdr, i)))
		return false;
	count(sp, pair->first, i, &good, &bad);
	count(sp, pair->second, i, &good_second, &bad_second);
	return bad > good && good_second && !bad_second;
}

static bool replace_ruined(struct vmdk_sparse *sp, struct img_err *err)
{
	struct vmdk_pairs pairs;
	bool ok = true;

	if (!sp->rgd)
		return true;
	if (!vmdk_pairs_init(&pairs, sp, err))
		return false;
	for (uint64_t i = 0; ok && i < sp->n_gd && i < sp->n_rgd; i += pairs.n) {
		ok = vmdk_pairs_read(&pairs, i, err);
		for (size_t k = 0; ok && k < pairs.n; k++)
			if (is_ruined(sp, &pairs.v[k], i + k))
				sp->gd[i + k] = sp->rgd[i + k];
	}
	vmdk_pairs_clear(&pairs);
	return ok;
}

bool vmdk_salvage_directory(struct vmdk_salvage *s, struct vmdk_part *part, struct img_err *err)
{
	const size_t len = table_bytes(&part->sparse);
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(2 * len, err);
	struct lookup l = { .sp = &part->sparse, .raw = { raw, raw ? raw + len : NULL } };

	return raw && find_tables(s, part, &l, err) && replace_ruined(&part->sparse, err);
}
