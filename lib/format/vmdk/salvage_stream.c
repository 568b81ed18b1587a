/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A stream is its own index: each grain tells where it belongs.  All of it is walked, from marker to
 * marker, and from sector to sector where there is none; a grain counts when it can be decoded.  The
 * new tables go behind the end of an overlay.
 */
#include <inttypes.h>
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/vmdk/marker.h"
#include "format/vmdk/salvage.h"

enum { ENTRY_LOST = -1 };		/* leads behind the end of any file */

struct found {
	uint64_t grain, host;		/* number on the disk; of its marker */
	bool behind_damage;		/* what lies before it in the file is not all understood */
};

struct walk {
	struct vmdk_salvage *s;
	struct vmdk_sparse *sp;
	struct vmdk_unpacker unpacker;
	struct found *v;		/* owned */
	size_t n, cap;
	bool damage;			/* since the last grain */
	bool unsorted;
	bool ended;			/* all grains have been seen: tables or the end were there */
};

/* ---- Grains ---------------------------------------------------------------------------------- */

static bool add(struct walk *w, const struct vmdk_marker *m, struct img_err *err)
{
	struct found *v = img_grow_by_one(w->v, w->n, &w->cap, sizeof(*v), err);
	const uint64_t grain = m->guest / w->sp->hdr.grain;

	if (!v)
		return false;
	w->v = v;
	w->unsorted |= w->n && grain <= v[w->n - 1].grain;
	v[w->n++] = (struct found){ .grain = grain, .host = m->at, .behind_damage = w->damage };
	w->damage = false;
	return true;
}

/* ---- The walk -------------------------------------------------------------------------------- */

/* Zeros look like an end; the true one is the last sector. */
static bool is_end(const struct walk *w, const struct vmdk_marker *m)
{
	return m->kind == VMDK_MARKER_END && w->sp->file_size - m->end < VMDK_SECTOR;
}

static bool is_behind_grains(const struct walk *w, const struct vmdk_marker *m)
{
	return m->kind == VMDK_MARKER_TABLE || m->kind == VMDK_MARKER_DIRECTORY ||
	       m->kind == VMDK_MARKER_FOOTER || is_end(w, m);
}

/* Some writers put each table behind its grains: only the directory comes when all is over. */
static void pass(struct walk *w, const struct vmdk_marker *m)
{
	w->ended |= m->kind != VMDK_MARKER_TABLE;
}

/* In front of the first marker lies the descriptor, and zeros. */
static bool is_front(const struct walk *w, const uint8_t *raw, size_t len)
{
	if (w->n)
		return false;
	for (size_t i = 0; i < len; i++)
		if (raw[i] && !vmdk_is_text(raw[i]))
			return false;
	return true;
}

/* A sector that is none of a marker.  Behind the end nothing can be missing. */
static bool skip(struct walk *w, uint64_t at, struct img_err *err)
{
	uint8_t raw[VMDK_SECTOR];
	size_t got;

	if (w->damage || w->ended)
		return true;
	if (!img_store_read_some(w->sp->file, at, raw, sizeof(raw), &got, err))
		return false;
	w->damage = !is_front(w, raw, got);
	return true;
}

static bool step(struct walk *w, struct vmdk_marker *m, struct img_err *err)
{
	const uint64_t at = m->end;
	bool grain = false;

	if (!vmdk_marker_read(w->sp, at, m, err) ||
	    (m->kind == VMDK_MARKER_GRAIN &&
	     !vmdk_unpacks(&w->unpacker, w->sp, m, &grain, err)))
		return false;
	if (grain)
		return add(w, m, err);
	if (is_behind_grains(w, m)) {
		pass(w, m);
		return true;
	}
	m->end = at + VMDK_SECTOR;
	return skip(w, at, err);
}

static bool walk(struct walk *w, uint64_t start, struct img_err *err)
{
	struct vmdk_marker m = { .end = start };

	while (m.end < w->sp->file_size)
		if (!step(w, &m, err))
			return false;
	return true;
}

/* ---- What is nowhere ------------------------------------------------------------------------- */

/*
 * Whether a grain that was not found may have been in the file.  In a stream in order a grain that is
 * missing between two of which one follows the other was never there.  next: index of the first one
 * found that has a higher number.
 */
static bool may_be_lost(const struct walk *w, size_t next)
{
	if (w->unsorted) {
		for (size_t i = 0; i < w->n; i++)
			if (w->v[i].behind_damage)
				return true;
		return w->damage || !w->ended;
	}
	return next < w->n ? w->v[next].behind_damage : w->damage || !w->ended;
}

static int by_grain(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->grain != y->grain)
		return x->grain < y->grain ? -1 : 1;
	return (x->host > y->host) - (x->host < y->host);
}

/* ---- Tables ---------------------------------------------------------------------------------- */

struct tables {
	struct walk *w;
	struct img_store *overlay;
	uint64_t end;			/* of the overlay */
	uint8_t *raw, *old;		/* a table each; owned */
	uint64_t *gd;			/* the new directory; owned */
	bool unsorted_lost;		/* of an unsorted stream: all that is missing may be lost */
};

static bool is_lost(const struct tables *t, size_t next)
{
	return t->w->unsorted ? t->unsorted_lost : may_be_lost(t->w, next);
}

/* What is left of the old table, or no table; it must know all that was found. */
static bool read_old(struct tables *t, uint64_t i, size_t first, size_t end, bool *there,
		     struct img_err *err)
{
	const struct vmdk_sparse *sp = t->w->sp;
	const struct vmdk_entry dir = vmdk_pairs_directory(sp, sp->gd, sp->n_gd, i);
	const size_t len = vmdk_table_len(&sp->hdr, i);

	*there = dir.kind == VMDK_ENTRY_PLACE;
	memset(t->old, 0, (size_t)sp->hdr.gt_entries * sizeof(uint32_t));
	if (!*there)
		return true;
	if (!img_store_read(sp->file, dir.host, t->old, len, err))
		return false;
	for (size_t k = first; k < end; k++)
		*there &= img_get_le32(t->old + t->w->v[k].grain % sp->hdr.gt_entries *
					       sizeof(uint32_t)) == t->w->v[k].host / VMDK_SECTOR;
	return true;
}

/* An entry for a grain that was not found: the old table knows whether there was one. */
static uint32_t missing_entry(const struct tables *t, size_t index, bool old, size_t next)
{
	const bool lost = old ? img_get_le32(t->old + index * sizeof(uint32_t)) : is_lost(t, next);

	return lost ? (uint32_t)ENTRY_LOST : 0;
}

/* Grains [first, end) of what was found are in table i. */
static bool put_table(struct tables *t, uint64_t i, size_t first, size_t end, struct img_err *err)
{
	const struct vmdk_header *hdr = &t->w->sp->hdr;
	const size_t n = vmdk_table_len(hdr, i) / sizeof(uint32_t);
	bool old, any = false;

	if (!read_old(t, i, first, end, &old, err))
		return false;
	for (size_t k = 0, next = first; k < n; k++) {
		const uint64_t grain = i * hdr->gt_entries + k;
		uint32_t entry = 0;

		if (next < end && t->w->v[next].grain == grain) {
			while (next < end && t->w->v[next].grain == grain)
				entry = (uint32_t)(t->w->v[next++].host / VMDK_SECTOR);
		} else {
			entry = missing_entry(t, k, old, next);
		}
		img_put_le32(t->raw + k * sizeof(uint32_t), entry);
		any |= entry;
	}
	if (!any)
		return true;
	t->gd[i] = t->end / VMDK_SECTOR;
	if (!img_store_write(t->overlay, t->end, t->raw, n * sizeof(uint32_t), err))
		return false;
	t->end += img_round_up(n * sizeof(uint32_t), VMDK_SECTOR);
	return true;
}

/* A table of which nothing was found, and of which no old one is left, needs no place. */
static bool put_empty(struct tables *t, uint64_t i, size_t next)
{
	const struct vmdk_sparse *sp = t->w->sp;

	if (vmdk_pairs_directory(sp, sp->gd, sp->n_gd, i).kind == VMDK_ENTRY_PLACE)
		return false;
	t->gd[i] = is_lost(t, next) ? UINT32_MAX : 0;
	return true;
}

static bool put_tables(struct tables *t, struct img_err *err)
{
	const struct walk *w = t->w;
	const struct vmdk_header *hdr = &w->sp->hdr;

	for (uint64_t i = 0, first = 0, end; i < hdr->n_gd; i++, first = end) {
		for (end = first; end < w->n && w->v[end].grain / hdr->gt_entries == i; end++)
			continue;
		if ((end > first || !put_empty(t, i, first)) && !put_table(t, i, first, end, err))
			return false;
	}
	return true;
}

/* ---- All of it ------------------------------------------------------------------------------- */

/* The overlay takes the place of the file, and the new directory that of the old one. */
static void adopt(struct tables *t, struct vmdk_part *part)
{
	struct vmdk_sparse *sp = &part->sparse;

	vmdk_sparse_clear(sp);
	sp->gd = t->gd;
	sp->n_gd = sp->hdr.n_gd;
	sp->n_rgd = 0;
	sp->hdr.rgd_at = 0;
	sp->file_size = t->end;
	if (part->own_file)
		part->beneath = part->file;
	part->file = sp->file = t->overlay;
	part->own_file = true;
}

static bool rebuild(struct walk *w, struct vmdk_part *part, struct img_err *err)
{
	const size_t len = (size_t)w->sp->hdr.gt_entries * sizeof(uint32_t);
	struct tables t = { .w = w, .unsorted_lost = w->unsorted && may_be_lost(w, w->n) };
	bool ok;

	qsort(w->v, w->n, sizeof(*w->v), by_grain);
	t.overlay = img_store_overlay(part->file, err);
	t.gd = t.overlay ? img_calloc(w->sp->hdr.n_gd, sizeof(uint64_t), err) : NULL;
	t.raw = t.gd ? img_alloc_aligned(len, err) : NULL;
	t.old = t.raw ? img_alloc_aligned(len, err) : NULL;
	t.end = img_round_up(w->sp->file_size, VMDK_SECTOR);
	ok = t.old && put_tables(&t, err);
	free(t.raw);
	free(t.old);
	if (ok) {
		adopt(&t, part);
		return true;
	}
	free(t.gd);
	img_store_close(t.overlay);
	return false;
}

/* A capacity that nobody knows is guessed from the last grain. */
static bool set_capacity(struct walk *w, bool known, struct img_err *err)
{
	struct vmdk_header *hdr = &w->sp->hdr;
	uint64_t highest = 0;

	if (known)
		return true;
	for (size_t i = 0; i < w->n; i++)
		highest = img_max_u64(highest, w->v[i].grain);
	hdr->capacity = w->s->how->size ? w->s->how->size : (highest + 1) * hdr->grain;
	w->s->told->size_guessed = !w->s->how->size;
	return vmdk_header_validate(hdr, err) &&
	       (w->s->how->size ||
		vmdk_salvage_note(w->s, &vmdk_noted_size, IMG_NOWHERE, hdr->capacity, err));
}

static bool run(struct walk *w, struct vmdk_part *part, uint64_t start, struct img_err *err)
{
	struct vmdk_header *hdr = &w->sp->hdr;
	const bool known = hdr->capacity;

	if (!known)
		hdr->capacity = hdr->grain * hdr->gt_entries * VMDK_GD_ENTRIES_MAX;
	return vmdk_header_validate(hdr, err) && walk(w, start, err) &&
	       (!w->n || (set_capacity(w, known, err) && rebuild(w, part, err) &&
			  vmdk_salvage_note(w->s, &vmdk_noted_stream, IMG_NOWHERE, w->n, err)));
}

bool vmdk_salvage_stream(struct vmdk_salvage *s, struct vmdk_part *part, uint64_t start, size_t *n,
			 struct img_err *err)
{
	struct walk w = { .s = s, .sp = &part->sparse };
	bool ok;

	*n = 0;
	ok = vmdk_unpacker_init(&w.unpacker, w.sp->hdr.grain, err) && run(&w, part, start, err);
	*n = w.n;
	vmdk_unpacker_clear(&w.unpacker);
	free(w.v);
	return ok;
}
