/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rebuilds tables from each other, entry by entry.  Where both entries can be right neither is
 * touched; nothing is taken away that readers find.  Each write leaves the disk as readable as it
 * was: a table is whole and durable before a directory leads to it.
 */
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/vmdk/repair.h"

struct repair {
	struct vmdk_file_check *f;
	bool unaligned;			/* grains that both tables agree on are */
	uint8_t *table;			/* room for one; owned */
	bool directory_changed[2];
};

/* Two tables of one place, and what is known of their entries. */
struct twins {
	const struct vmdk_pair *pair;
	uint64_t number;
	size_t n;
	enum vmdk_verdict *verdicts[2];	/* n each; owned */
	size_t good[2], bad[2];
};

static size_t table_bytes(const struct vmdk_sparse *sp)
{
	return (size_t)sp->hdr.gt_entries * sp->hdr.entry_len;
}

static const uint8_t *table_of(const struct twins *t, int side)
{
	return side ? t->pair->second : t->pair->first;
}

/* ---- Entries --------------------------------------------------------------------------------- */

static bool judge_entry(struct repair *r, struct twins *t, int side, size_t i, struct img_err *err)
{
	const struct vmdk_sparse *sp = &r->f->sp;
	const uint64_t raw = vmdk_pairs_raw(sp, table_of(t, side), i);
	const uint64_t twin = vmdk_pairs_raw(sp, table_of(t, !side), i);
	enum vmdk_verdict *verdict = &t->verdicts[side][i];

	if (raw != twin) {
		if (!vmdk_judge(r->f, t->number * sp->hdr.gt_entries + i, raw, r->unaligned, verdict,
				err))
			return false;
	} else {
		*verdict = raw ? VMDK_POSSIBLE : VMDK_SAYS_NOTHING;
	}
	t->good[side] += *verdict == VMDK_POSSIBLE;
	t->bad[side] += *verdict == VMDK_IMPOSSIBLE;
	return true;
}

static bool judge_twins(struct repair *r, struct twins *t, struct img_err *err)
{
	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < t->n; i++)
			if (!judge_entry(r, t, side, i, err))
				return false;
	return true;
}

/* Whether a table was overwritten, and the other one is without a fault: no entry of it counts. */
static bool is_ruined(const struct twins *t, int side)
{
	return t->bad[side] > t->good[side] && !t->bad[!side] && t->good[!side];
}

/* Whether the second table says what the first did before. */
static bool is_behind(const struct repair *r, const struct twins *t, size_t i)
{
	const struct vmdk_sparse *sp = &r->f->sp;
	const uint64_t grain = t->number * sp->hdr.gt_entries + i;
	const struct vmdk_entry first =
		vmdk_pairs_grain(sp, vmdk_pairs_raw(sp, t->pair->first, i), grain);
	const struct vmdk_entry second =
		vmdk_pairs_grain(sp, vmdk_pairs_raw(sp, t->pair->second, i), grain);

	return vmdk_is_behind(&first, &second);
}

/* The side whose entry is right; -1: nobody knows, or both are the same. */
static int choose(const struct repair *r, const struct twins *t, size_t i)
{
	const struct vmdk_sparse *sp = &r->f->sp;
	const enum vmdk_verdict first = t->verdicts[0][i], second = t->verdicts[1][i];

	if (vmdk_pairs_raw(sp, t->pair->first, i) == vmdk_pairs_raw(sp, t->pair->second, i))
		return -1;
	if (first == VMDK_UNKNOWN || second == VMDK_UNKNOWN)
		return -1;
	if (is_ruined(t, 0) || is_ruined(t, 1))
		return is_ruined(t, 0);
	if ((first == VMDK_POSSIBLE) == (second == VMDK_POSSIBLE))
		return first == VMDK_POSSIBLE && is_behind(r, t, i) ? 0 : -1;
	return second == VMDK_POSSIBLE;
}

/* Makes the table of that side, in r->table, say what is right; true: it is another one now. */
static bool improve(struct repair *r, const struct twins *t, int side)
{
	const size_t len = r->f->sp.hdr.entry_len;
	bool changed = false;

	memcpy(r->table, table_of(t, side), t->n * len);
	for (size_t i = 0; i < t->n; i++) {
		if (choose(r, t, i) != !side)
			continue;
		memcpy(r->table + i * len, table_of(t, !side) + i * len, len);
		changed = true;
	}
	return changed;
}

/* What one side takes over is in use from now on, and no longer possible for another entry. */
static bool mark_choices(struct repair *r, struct twins *t, struct img_err *err)
{
	for (size_t i = 0; i < t->n; i++) {
		const int side = choose(r, t, i);
		enum vmdk_verdict now;

		if (side < 0)
			continue;
		const uint64_t raw = vmdk_pairs_raw(&r->f->sp, table_of(t, side), i);
		const uint64_t grain = t->number * r->f->sp.hdr.gt_entries + i;

		if (!vmdk_judge(r->f, grain, raw, r->unaligned, &now, err))
			return false;
		if (now != t->verdicts[side][i])
			t->verdicts[side][i] = t->verdicts[!side][i] = VMDK_UNKNOWN;
		else if (!vmdk_judge_take(r->f, grain, raw, err))
			return false;
	}
	return true;
}

static bool write_twin(struct repair *r, const struct twins *t, int side, struct img_err *err)
{
	const struct vmdk_entry *dir = side ? &t->pair->second_dir : &t->pair->first_dir;

	return !improve(r, t, side) ||
	       img_store_write(r->f->sp.file, dir->host, r->table, t->n * r->f->sp.hdr.entry_len, err);
}

static bool repair_twins(struct repair *r, struct twins *t, struct img_err *err)
{
	if (!memcmp(t->pair->first, t->pair->second, t->n * r->f->sp.hdr.entry_len) ||
	    t->pair->first_dir.host == t->pair->second_dir.host)
		return true;
	return judge_twins(r, t, err) && mark_choices(r, t, err) && write_twin(r, t, 0, err) &&
	       write_twin(r, t, 1, err);
}

/* ---- Tables that a directory lost ------------------------------------------------------------ */

/* Whether what is left of the directory has its tables there. */
static bool is_usual(const struct vmdk_sparse *sp, int side)
{
	for (uint64_t i = 0; i < sp->hdr.n_gd; i++) {
		const struct vmdk_entry entry = side
			? vmdk_pairs_directory(sp, sp->rgd, sp->n_rgd, i)
			: vmdk_pairs_directory(sp, sp->gd, sp->n_gd, i);

		if (entry.kind == VMDK_ENTRY_PLACE && entry.host != vmdk_usual_place(sp, side, i))
			return false;
	}
	return true;
}

static bool is_free(const struct vmdk_file_check *f, uint64_t host, uint64_t len)
{
	const uint64_t end = img_round_up(host + len, VMDK_SECTOR);

	return end <= f->sp.file_size && end <= f->used.to * VMDK_SECTOR &&
	       (!f->overhead || end <= f->overhead) &&
	       vmdk_usage_of(&f->used, host, len) == VMDK_USED_NOT;
}

/* Whether the old table says of some grain what the other one does not: it has to stay then. */
static bool knows_more(const struct repair *r, const uint8_t *old, const struct twins *t, int side)
{
	const struct vmdk_sparse *sp = &r->f->sp;
	bool more = false;

	for (size_t i = 0; i < t->n; i++) {
		const uint64_t raw = vmdk_pairs_raw(sp, old, i);
		const uint64_t twin = vmdk_pairs_raw(sp, table_of(t, !side), i);
		const uint64_t grain = t->number * sp->hdr.gt_entries + i;

		if (vmdk_pairs_grain(sp, raw, grain).kind == VMDK_ENTRY_BAD)
			return false;	/* it was overwritten */
		more |= raw && raw != twin;
	}
	return more;
}

static void put_directory(struct repair *r, int side, uint64_t number, uint64_t host)
{
	uint64_t *gd = side ? r->f->sp.rgd : r->f->sp.gd;

	gd[number] = host / VMDK_SECTOR;
	r->directory_changed[side] = true;
}

/* The table of one side is lost, that of the other is there. */
static bool rebuild(struct repair *r, const struct twins *t, int side, struct img_err *err)
{
	const struct vmdk_sparse *sp = &r->f->sp;
	const size_t len = t->n * sp->hdr.entry_len;
	const uint64_t host = vmdk_usual_place(sp, side, t->number);

	if (t->number >= (side ? sp->n_rgd : sp->n_gd) || !is_free(r->f, host, len))
		return true;
	if (!img_store_read(sp->file, host, r->table, len, err))
		return false;
	if (knows_more(r, r->table, t, side))
		return true;
	if (memcmp(r->table, table_of(t, !side), len) &&
	    !img_store_write(sp->file, host, table_of(t, !side), len, err))
		return false;
	(void)vmdk_usage_table(&r->f->used, host, len);
	put_directory(r, side, t->number, host);
	return true;
}

/* ---- All of them ----------------------------------------------------------------------------- */

static bool repair_pair(struct repair *r, struct twins *t, const bool usual[2], struct img_err *err)
{
	t->good[0] = t->good[1] = t->bad[0] = t->bad[1] = 0;
	if (t->pair->first && t->pair->second)
		return repair_twins(r, t, err);
	if (!t->pair->first && !t->pair->second)
		return true;

	const int lost = t->pair->first ? 1 : 0;

	return r->f->used.from || !usual[lost] || rebuild(r, t, lost, err);
}

static bool repair_batch(struct repair *r, struct vmdk_pairs *pairs, struct twins *t,
			 const bool usual[2], struct img_err *err)
{
	for (size_t i = 0; i < pairs->n; i++) {
		t->pair = &pairs->v[i];
		t->number = pairs->from + i;
		t->n = vmdk_table_len(&r->f->sp.hdr, t->number) / r->f->sp.hdr.entry_len;
		if (!repair_pair(r, t, usual, err))
			return false;
	}
	return true;
}

static bool mark_batch(struct repair *r, const struct vmdk_pairs *pairs, struct img_err *err)
{
	for (size_t i = 0; i < pairs->n; i++)
		if (!vmdk_judge_mark(r->f, &pairs->v[i], pairs->from + i, &r->unaligned, err))
			return false;
	return true;
}

static bool repair_window(struct repair *r, struct vmdk_pairs *pairs, struct twins *t,
			  struct img_err *err)
{
	const bool usual[2] = { is_usual(&r->f->sp, 0), is_usual(&r->f->sp, 1) };
	const uint64_t n = r->f->sp.hdr.n_gd;

	if (!vmdk_check_mark(r->f, err))
		return false;
	for (uint64_t i = 0; i < n; i += pairs->n)
		if (!vmdk_pairs_read(pairs, i, err) || !mark_batch(r, pairs, err))
			return false;
	for (uint64_t i = 0; i < n; i += pairs->n)
		if (!vmdk_pairs_read(pairs, i, err) || !repair_batch(r, pairs, t, usual, err))
			return false;
	return true;
}

static bool write_directory(struct repair *r, int side, struct img_err *err)
{
	const struct vmdk_sparse *sp = &r->f->sp;
	const uint64_t *gd = side ? sp->rgd : sp->gd;
	const size_t n = side ? sp->n_rgd : sp->n_gd;
	IMG_AUTO_FREE uint8_t *raw = NULL;

	if (!r->directory_changed[side])
		return true;
	raw = img_alloc_aligned(n * sizeof(uint32_t), err);
	if (!raw)
		return false;
	for (size_t i = 0; i < n; i++)
		img_put_le32(raw + i * sizeof(uint32_t), (uint32_t)gd[i]);
	return img_store_sync(sp->file, err) &&
	       img_store_write(sp->file, side ? sp->hdr.rgd_at : sp->hdr.gd_at, raw,
			       n * sizeof(uint32_t), err);
}

static bool repair_windows(struct repair *r, struct vmdk_pairs *pairs, struct twins *t,
			   struct img_err *err)
{
	const uint64_t sectors = img_div_up(r->f->sp.file_size, VMDK_SECTOR);
	bool ok;

	do {
		ok = repair_window(r, pairs, t, err);
	} while (ok && vmdk_usage_next(&r->f->used, sectors));
	return ok && write_directory(r, 0, err) && write_directory(r, 1, err);
}

bool vmdk_repair_tables(struct vmdk_file_check *f, struct img_err *err)
{
	const uint64_t sectors = img_div_up(f->sp.file_size, VMDK_SECTOR);
	const size_t n = f->sp.hdr.gt_entries;
	struct repair r = { .f = f };
	struct twins t = { .n = 0 };
	struct vmdk_pairs pairs = { 0 };
	bool ok;

	t.verdicts[0] = img_calloc(2 * n, sizeof(*t.verdicts[0]), err);
	t.verdicts[1] = t.verdicts[0] ? t.verdicts[0] + n : NULL;
	r.table = t.verdicts[0] ? img_alloc_aligned(table_bytes(&f->sp), err) : NULL;
	ok = r.table && vmdk_pairs_init(&pairs, &f->sp, err) &&
	     vmdk_usage_init(&f->used, sectors, f->image->how->memory, err) &&
	     repair_windows(&r, &pairs, &t, err);
	vmdk_usage_clear(&f->used);
	vmdk_pairs_clear(&pairs);
	free(t.verdicts[0]);
	free(r.table);
	return ok;
}
