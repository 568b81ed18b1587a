/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The block map of a salvage.  First what a repair would be sure of; then blocks are given to entries
 * that were lost by the order of the file: between two parts of the disk whose blocks are known there
 * must be as many blocks as entries.  What is left is lost, and blocks that are left have no place.
 */
#include <stdlib.h>
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/vdi/salvage.h"
#include "store/overlay.h"

/* Steps of searching for blocks that nobody has, in a map without any order. */
#define STEPS_MOST (UINT64_C(1) << 28)

struct mapping {
	struct vdi_salvage *s;
	struct vdi_repair r;
	struct img_paged entries;	/* as they lie in the overlay */
	uint64_t steps;
};

static uint32_t entry_at(struct mapping *m, uint32_t i)
{
	return img_get_le32(img_paged_at(&m->entries, (uint64_t)i * VDI_ENTRY_LEN, false));
}

static void set_entry(struct mapping *m, uint32_t i, uint32_t entry)
{
	img_put_le32(img_paged_at(&m->entries, (uint64_t)i * VDI_ENTRY_LEN, true), entry);
}

static void guess(struct mapping *m, uint32_t i)
{
	img_bits_set(&m->s->guessed, i);
}

/* ---- What a repair is sure of ---------------------------------------------------------------- */

/* While the map of the file is compared with that of the overlay. */
struct comparing {
	struct mapping *m;
	uint8_t *old;			/* room for the entries of a run; owned */
	size_t len;
};

static bool note_mended(struct mapping *m, uint32_t index, struct img_err *err)
{
	struct vdi_salvage *s = m->s;

	guess(m, index);
	return vdi_salvage_note(s, &vdi_noted_entry, vdi_entry_off(&s->hdr, index),
				(uint64_t)index * s->hdr.block_size, 0, err);
}

/* What was mended differs from what is in the file. */
static bool compare_run(void *ctx, uint32_t first, uint32_t n, const uint8_t *raw,
			struct img_err *err)
{
	struct comparing *c = ctx;
	const struct vdi_salvage *s = c->m->s;
	const uint32_t most = first < s->n_entries ? s->n_entries - first : 0;
	const size_t len = img_min_u64(n, most) * VDI_ENTRY_LEN;

	if (len > c->len) {
		free(c->old);
		c->old = img_alloc_aligned(len, err);
		c->len = c->old ? len : 0;
	}
	if (len > c->len ||
	    (len && !img_store_read(s->file, vdi_entry_off(&s->hdr, first), c->old, len, err)))
		return false;
	for (size_t i = 0; i < len; i += VDI_ENTRY_LEN)
		if (memcmp(raw + i, c->old + i, VDI_ENTRY_LEN) != 0 &&
		    !note_mended(c->m, (uint32_t)(first + i / VDI_ENTRY_LEN), err))
			return false;
	return true;
}

static bool note_all_mended(struct mapping *m, struct img_err *err)
{
	const struct vdi_salvage *s = m->s;
	struct comparing c = { .m = m };
	const struct vdi_scan compare = { .run = compare_run, .ctx = &c };
	const bool ok = !img_overlay_changed(s->overlay) ||
			vdi_scan(&s->hdr, s->overlay, s->file_size, &compare, err);

	free(c.old);
	return ok;
}

static bool mend(struct mapping *m, struct img_err *err)
{
	struct vdi_salvage *s = m->s;

	s->n_entries = (uint32_t)img_min_u64(vdi_entries_there(&s->hdr, s->file_size),
					     vdi_blocks_used(&s->hdr));
	return img_bits_init(&s->guessed, s->n_entries, s->memory / 4, err) &&
	       vdi_repair_entries(&m->r, err) && note_all_mended(m, err) &&
	       img_paged_init(&m->entries, s->overlay, s->hdr.map_off,
			      (uint64_t)s->n_entries * VDI_ENTRY_LEN, s->memory / 4, err);
}

/* ---- Entries that cannot be right ------------------------------------------------------------ */

static bool is_truncated(const struct mapping *m, uint32_t entry)
{
	return entry < m->r.hdr.n_blocks && entry < m->r.hdr.n_allocated;
}

static int by_entry(const void *x, const void *y)
{
	const struct vdi_suspect *a = x, *b = y;

	return (a->entry > b->entry) - (a->entry < b->entry);
}

/* Two that have a block: both are read.  Of more the one that fits in keeps it, if there is one. */
static bool judge_doubled(struct mapping *m, const struct vdi_suspect *v, size_t n,
			  struct img_err *err)
{
	struct vdi_salvage *s = m->s;
	size_t settled = 0;

	for (size_t i = 0; i < n; i++)
		settled += v[i].settled;
	for (size_t i = 0; i < n; i++) {
		const bool keeps = settled == 1 ? v[i].settled || n == 2 : n == 2;

		if (!keeps)
			set_entry(m, v[i].index, VDI_NO_PLACE);
		if (settled == 1 && v[i].settled)
			continue;
		guess(m, v[i].index);
		if (!vdi_salvage_note(s, &vdi_noted_doubled, vdi_host(&s->hdr, v[i].entry),
				      (uint64_t)v[i].index * s->hdr.block_size, 0, err))
			return false;
	}
	if (n > 2 && settled != 1)
		img_bits_clear(&m->r.marks->used, v[0].entry);
	return true;
}

/*
 * Two neighbours that have a block, which a repair cannot settle: all entries behind may have been
 * moved by one.  Sets *from to the first of those, if it was behind.
 */
static void doubt_moved(const struct vdi_suspect *v, size_t n, uint32_t *from)
{
	if (n == 2 && (v[0].index + 1 == v[1].index || v[1].index + 1 == v[0].index))
		*from = (uint32_t)img_min_u64(*from, v[0].index);
}

static bool judge_suspects(struct mapping *m, struct img_err *err)
{
	struct vdi_suspect *v = m->r.suspects;
	const size_t total = m->r.n_suspects;
	uint32_t moved = m->s->n_entries;
	size_t n;

	if (total)
		qsort(v, total, sizeof(*v), by_entry);
	for (size_t i = 0; i < total; i += n) {
		for (n = 1; v[i].doubled && i + n < total && v[i + n].entry == v[i].entry;)
			n++;
		if (v[i].doubled && !judge_doubled(m, v + i, n, err))
			return false;
		if (v[i].doubled)
			doubt_moved(v + i, n, &moved);
		if (!v[i].doubled && !is_truncated(m, v[i].entry))
			set_entry(m, v[i].index, VDI_NO_PLACE);
	}
	for (uint32_t i = moved; i < m->s->n_entries; i++)
		guess(m, i);
	return true;
}

/* ---- By the order of the file ---------------------------------------------------------------- */

/* A run of entries between two whose blocks are known, [first, end), and the blocks between those. */
struct gap {
	uint32_t first, end;
	uint32_t from, to;
	uint32_t n_lost, n_free;
};

static uint32_t count_orphans(struct mapping *m, uint32_t from, uint32_t to, uint32_t most)
{
	uint32_t n = 0;

	for (uint32_t i = from; i < to && n <= most && m->steps < STEPS_MOST; i++, m->steps++)
		n += vdi_repair_is_orphan(&m->r, i);
	return m->steps < STEPS_MOST ? n : 0;
}

/* Of two that have a block one that lies behind what follows it is not in order. */
static bool is_lost(const struct mapping *m, const struct gap *gap, uint32_t entry)
{
	return entry == VDI_NO_PLACE ||
	       (entry < gap->from && vdi_repair_is_disputed(&m->r, entry));
}

static bool is_wanted(const struct mapping *m, const struct gap *gap, uint32_t entry,
		      bool with_free)
{
	return is_lost(m, gap, entry) || (with_free && entry == VDI_ENTRY_FREE);
}

static bool fill(struct mapping *m, const struct gap *gap, bool with_free, struct img_err *err)
{
	struct vdi_salvage *s = m->s;
	uint32_t block = gap->from;

	for (uint32_t i = gap->first; i < gap->end; i++) {
		if (!is_wanted(m, gap, entry_at(m, i), with_free))
			continue;
		while (block < m->r.n_whole && !vdi_repair_is_orphan(&m->r, block))
			block++;
		set_entry(m, i, block);
		img_bits_set(&m->r.marks->used, block);
		guess(m, i);
		if (!vdi_salvage_note(s, &vdi_noted_order, vdi_host(&s->hdr, block),
				      (uint64_t)i * s->hdr.block_size, vdi_stride(&s->hdr), err))
			return false;
	}
	return true;
}

/* Entries that say "free" count too when blocks are left: they may have been overwritten. */
static bool try_gap(struct mapping *m, const struct gap *gap, struct img_err *err)
{
	uint32_t n;

	if (gap->from >= gap->to || !(gap->n_lost + gap->n_free))
		return true;
	n = count_orphans(m, gap->from, gap->to, gap->n_lost + gap->n_free);
	if (n && n == gap->n_lost)
		return fill(m, gap, false, err);
	return n && n == gap->n_lost + gap->n_free ? fill(m, gap, true, err) : true;
}

/* An image that was in use has its blocks in the order in which they were written. */
static bool is_in_order(struct mapping *m)
{
	uint64_t pairs = 0, falls = 0;
	uint32_t last = 0;

	for (uint32_t i = 0; i < m->s->n_entries; i++) {
		const uint32_t entry = entry_at(m, i);

		if (entry >= VDI_NO_PLACE)
			continue;
		falls += entry < last;
		last = entry;
		pairs++;
	}
	return falls <= pairs / 64;
}

static bool place_in_order(struct mapping *m, struct img_err *err)
{
	const struct vdi_salvage *s = m->s;
	struct gap gap = { .from = 0 };

	for (uint32_t i = 0; i < s->n_entries; i++) {
		const uint32_t entry = entry_at(m, i);

		gap.n_lost += is_lost(m, &gap, entry);
		gap.n_free += entry == VDI_ENTRY_FREE;
		if (entry >= VDI_NO_PLACE || is_lost(m, &gap, entry))
			continue;
		gap.end = i;
		gap.to = entry;
		if (!try_gap(m, &gap, err))
			return false;
		gap = (struct gap){ .first = i + 1, .from = entry + 1 };
	}
	gap.end = s->n_entries;
	gap.to = m->r.n_whole;
	return try_gap(m, &gap, err);
}

/*
 * In an image of fixed size each block has its place.  Where entries are damaged those that name
 * another block are damaged, too.
 */
static bool place_fixed(struct mapping *m, struct img_err *err)
{
	const bool damaged = m->r.n_suspects;

	for (uint32_t i = 0; i < m->s->n_entries; i++) {
		const struct gap one = { .first = i, .end = i + 1, .from = i, .to = i + 1 };

		if (damaged && i < m->r.n_whole && entry_at(m, i) != i) {
			set_entry(m, i, VDI_NO_PLACE);
			img_bits_clear(&m->r.marks->used, i);
		}
		if (vdi_repair_is_orphan(&m->r, i) && is_wanted(m, &one, entry_at(m, i), true) &&
		    !fill(m, &one, true, err))
			return false;
	}
	return true;
}

/* ---- The end --------------------------------------------------------------------------------- */

static bool tell_unplaced(struct mapping *m, struct img_err *err)
{
	struct vdi_salvage *s = m->s;

	for (uint32_t i = 0; i < m->r.n_whole; i++) {
		if (!vdi_repair_is_orphan(&m->r, i))
			continue;
		/* It may be what should be where nothing is. */
		s->free_guessed = true;
		s->told->unplaced += s->hdr.block_size;
		if (!vdi_salvage_note(s, &vdi_noted_unplaced, vdi_host(&s->hdr, i), IMG_NOWHERE,
				      vdi_stride(&s->hdr), err))
			return false;
	}
	return true;
}

bool vdi_salvage_map(struct vdi_salvage *s, struct img_err *err)
{
	const struct img_checking how = { .threads = 1, .memory = s->memory / 2 };
	struct mapping m = {
		.s = s, .r = {
			.how = &how, .file = s->overlay, .hdr = s->hdr, .file_size = s->file_size,
		},
	};
	const bool ok = mend(&m, err) && judge_suspects(&m, err) &&
			(s->hdr.type != VDI_TYPE_FIXED || place_fixed(&m, err)) &&
			(!is_in_order(&m) || place_in_order(&m, err)) &&
			tell_unplaced(&m, err) && img_paged_flush(&m.entries, err) &&
			vdi_repair_knows(&m.r, err) && img_paged_worked(&s->guessed, err);

	vdi_repair_clear(&m.r);
	img_paged_clear(&m.entries);
	return ok;
}
