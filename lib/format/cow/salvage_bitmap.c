/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bitmap of a salvage, held against the data, line by line.  A sector that has data is in the
 * file, whatever its bit says; one that has none may have been written with zeros, or never.  Where
 * many bits are wrong the line was overwritten, and all of it is a guess from the data.
 */
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "extent/extent.h"
#include "format/cow/salvage.h"

enum {
	LINE_BYTES	= 64,
	LINE_WORDS	= LINE_BYTES / 8,
	LINE_BITS	= LINE_BYTES * 8,
	CHUNK_LINES	= 1024,		/* of the bitmap that are read together */
	WRONG_FEW	= 2,		/* bits of a line that may be wrong by themselves */
	NOISE_RUNS	= LINE_BITS / 3,	/* so many runs are random */
};

struct walk {
	struct cow_salvage *s;
	uint64_t there;			/* bits that the file is long enough for */
	uint8_t *bitmap;		/* CHUNK_LINES lines; owned */
	bool damaged;			/* some line was overwritten */
	/* Guest bytes of lines that may have been overwritten, too: no data speak for them. */
	struct img_rangeset weak;
};

/* A line: whose bits are set, and which of its sectors have data. */
struct line {
	uint64_t first;			/* sector */
	uint64_t set[LINE_WORDS], full[LINE_WORDS];
	unsigned n_set, n_full, n_wrong;	/* wrong: has data, and no bit */
	unsigned runs;
};

/* ---- What the file has ----------------------------------------------------------------------- */

static void mark(struct line *line, uint64_t sector, uint64_t n)
{
	for (uint64_t i = sector - line->first; i < sector - line->first + n; i++)
		line->full[i / 64] |= UINT64_C(1) << i % 64;
}

struct finding {
	const struct cow_header *hdr;
	struct line *line;
};

static bool mark_data(void *ctx, uint64_t at, const uint8_t *bytes, size_t len, struct img_err *err)
{
	const struct finding *f = ctx;
	size_t run;
	bool zero;

	(void)err;
	for (size_t i = 0; i < len; i += run) {
		run = img_zero_run(bytes + i, len - i, f->hdr->sector, &zero);
		if (!zero)
			mark(f->line, (at + i - f->hdr->data_off) / f->hdr->sector,
			     img_div_up(run, f->hdr->sector));
	}
	return true;
}

static bool find_data(struct walk *w, struct line *line, struct img_err *err)
{
	const struct cow_header *hdr = &w->s->hdr;
	const uint64_t last = img_min_u64(line->first + LINE_BITS, w->there);
	const uint64_t end = img_min_u64(hdr->data_off + last * hdr->sector, w->s->file_size);
	struct finding finding = { .hdr = hdr, .line = line };
	const struct img_store_scan scan = { .run = mark_data, .ctx = &finding };

	return img_store_scan(w->s->file, hdr->data_off + line->first * hdr->sector, end,
			      hdr->sector, &scan, err);
}

/* ---- Lines ----------------------------------------------------------------------------------- */

static bool is_set(const uint64_t *bits, unsigned i)
{
	return bits[i / 64] >> i % 64 & 1;
}

static void count(struct line *line)
{
	for (unsigned i = 0; i < LINE_WORDS; i++) {
		line->n_set += (unsigned)__builtin_popcountll(line->set[i]);
		line->n_full += (unsigned)__builtin_popcountll(line->full[i]);
		line->n_wrong += (unsigned)__builtin_popcountll(line->full[i] & ~line->set[i]);
	}
	for (unsigned i = 1; i < LINE_BITS; i++)
		line->runs += is_set(line->set, i) != is_set(line->set, i - 1);
}

/* All of the line may be wrong. */
static bool is_overwritten(const struct line *line)
{
	return line->n_wrong > WRONG_FEW || line->runs > NOISE_RUNS;
}

static uint64_t guest_of(const struct walk *w, uint64_t sector)
{
	return img_min_u64(sector * w->s->hdr.sector, w->s->hdr.size);
}

static bool doubt(const struct walk *w, struct img_rangeset *set, uint64_t first, uint64_t end,
		  struct img_err *err)
{
	const uint64_t guest = guest_of(w, first);

	return img_rangeset_include(set, guest, guest_of(w, end) - guest, err);
}

static bool doubt_wrong(struct walk *w, const struct line *line, struct img_err *err)
{
	for (unsigned i = 0; i < LINE_BITS; i++)
		if (is_set(line->full, i) && !is_set(line->set, i) &&
		    !doubt(w, &w->s->guessed, line->first + i, line->first + i + 1, err))
			return false;
	return true;
}

/* Bits behind the end of the file stay: nobody knows what was there. */
static void rebuild(const struct walk *w, struct line *line, bool all)
{
	const struct cow_header *hdr = &w->s->hdr;
	const uint64_t size = w->s->file_size;
	const uint64_t in_file = size > hdr->data_off
		? img_div_up(size - hdr->data_off, hdr->sector) : 0;

	for (unsigned i = 0; all && i < LINE_BITS && line->first + i < in_file; i++)
		line->set[i / 64] &= ~(UINT64_C(1) << i % 64);
	for (unsigned i = 0; i < LINE_WORDS; i++)
		line->set[i] |= line->full[i];
}

static bool put_line(struct walk *w, const struct line *line, struct img_err *err)
{
	const struct cow_header *hdr = &w->s->hdr;
	const uint64_t at = hdr->bitmap_off + line->first / 8;
	uint8_t raw[LINE_BYTES];

	for (unsigned i = 0; i < LINE_WORDS; i++)
		img_put_le64(raw + i * 8, line->set[i]);
	return img_store_write(w->s->overlay, at, raw,
			       img_min_u64(LINE_BYTES, img_div_up(w->there - line->first, 8)),
			       err) &&
	       cow_salvage_note(w->s, &cow_noted_bitmap, at, guest_of(w, line->first), LINE_BYTES,
				err);
}

static bool judge_line(struct walk *w, struct line *line, struct img_err *err)
{
	const uint64_t end = img_min_u64(line->first + LINE_BITS, w->there);
	const bool all = is_overwritten(line);

	if (!all && line->n_full == line->n_wrong &&
	    !doubt(w, &w->weak, line->first, end, err))
		return false;
	if (!all && !line->n_wrong)
		return true;
	if (all ? !doubt(w, &w->s->guessed, line->first, end, err) : !doubt_wrong(w, line, err))
		return false;
	w->damaged |= all;
	rebuild(w, line, all);
	return put_line(w, line, err);
}

static bool walk_line(struct walk *w, uint64_t first, const uint8_t *raw, struct img_err *err)
{
	struct line line = { .first = first };

	for (unsigned i = 0; i < LINE_WORDS; i++)
		line.set[i] = img_get_le64(raw + i * 8);
	for (uint64_t i = w->there - first; i < LINE_BITS; i++)
		line.set[i / 64] &= ~(UINT64_C(1) << i % 64);
	if (!find_data(w, &line, err))
		return false;
	count(&line);
	return judge_line(w, &line, err);
}

/* ---- All of them ----------------------------------------------------------------------------- */

/* How many sectors from `first` on have no bits and no data, because the file has a hole there. */
static bool find_nothing(struct walk *w, uint64_t first, uint64_t *n, struct img_err *err)
{
	const struct cow_header *hdr = &w->s->hdr;
	const uint64_t bits_at = hdr->bitmap_off + first / 8;
	const uint64_t data_at = hdr->data_off + first * hdr->sector, size = w->s->file_size;
	struct img_extent ex;
	uint64_t sectors = (w->there - first) / LINE_BITS * LINE_BITS;

	*n = 0;
	if (!sectors)
		return true;
	if (!img_store_extent(w->s->file, bits_at, bits_at + sectors / 8, &ex, err))
		return false;
	sectors = ex.kind == IMG_EXTENT_ZERO ? img_round_down(ex.len * 8, LINE_BITS) : 0;
	if (sectors && data_at < size) {
		if (!img_store_extent(w->s->file, data_at, size, &ex, err))
			return false;
		if (ex.kind != IMG_EXTENT_ZERO)
			sectors = 0;
		else if (data_at + ex.len < size)
			sectors = img_min_u64(sectors, img_round_down(ex.len / hdr->sector,
								      LINE_BITS));
	}
	*n = sectors;
	return true;
}

static bool walk_chunk(struct walk *w, uint64_t first, uint64_t *next, struct img_err *err)
{
	const uint64_t left = w->there - first;
	size_t len = CHUNK_LINES * LINE_BYTES, got;

	if (!find_nothing(w, first, next, err))
		return false;
	if (*next)
		return doubt(w, &w->weak, first, first + *next, err);
	len = img_min_u64(len, img_div_up(left, 8));
	memset(w->bitmap, 0, CHUNK_LINES * LINE_BYTES);
	if (!img_store_read_some(w->s->file, w->s->hdr.bitmap_off + first / 8, w->bitmap, len, &got,
				 err))
		return false;
	*next = img_min_u64(left, CHUNK_LINES * LINE_BITS);
	for (uint64_t i = 0; i < *next; i += LINE_BITS)
		if (!walk_line(w, first + i, w->bitmap + i / 8, err))
			return false;
	return true;
}

static bool walk_all(struct walk *w, struct img_err *err)
{
	uint64_t n;

	for (uint64_t at = 0; at < w->there; at += n)
		if (!walk_chunk(w, at, &n, err))
			return false;
	return true;
}

static bool add_weak(struct walk *w, struct img_err *err)
{
	for (size_t i = 0; w->damaged && i < w->weak.n; i++)
		if (!img_rangeset_include(&w->s->guessed, w->weak.v[i].start,
					  w->weak.v[i].end - w->weak.v[i].start, err))
			return false;
	return true;
}

bool cow_salvage_bitmap(struct cow_salvage *s, struct img_err *err)
{
	const struct cow_map map = { .hdr = &s->hdr, .file_size = s->file_size };
	struct walk w = { .s = s, .there = cow_map_bits_there(&map) };
	bool ok;

	w.bitmap = img_alloc_aligned(CHUNK_LINES * LINE_BYTES, err);
	ok = w.bitmap && walk_all(&w, err) && add_weak(&w, err);
	img_rangeset_clear(&w.weak);
	free(w.bitmap);
	return ok;
}
