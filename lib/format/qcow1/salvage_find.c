/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the L1 table of a salvage is: at the place of which most entries lead to something like an
 * L2 table.  What leads nowhere is lost.
 */
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow1/salvage.h"

enum {
	FRONT		= QCOW1_HDR_LEN + QCOW1_NAME_MAX + QCOW1_ENTRY_LEN,	/* it begins before */
	ENTRIES_LOOKED	= 32,		/* of a place that may be that of the table */
	ENTRIES_MOST	= 16 << 20,	/* that are rebuilt */
	ENTRIES_UNKNOWN	= 1 << 16,	/* where nobody says how many there are */
	GOOD_FOR_BAD	= 64,		/* entries */
	STEPS_MOST	= 256,		/* back from where the table was found */
	READ_BYTES	= 1 << 20,
	IN_MEMORY_MAX	= 1 << 20,	/* bytes of a table for which there is no file */
	SECTORS_MOST	= 256,		/* tried as its beginning, from the end of the file on */
};

struct finding {
	struct qcow1_salvage *s;
	uint8_t *table;			/* of the second level; owned */
	uint8_t *entries;		/* of the first; owned */
	uint64_t best_at;
	unsigned best, best_bad;
};

/* *is: what the entry leads to can be an L2 table. */
static bool is_lead(struct finding *f, uint64_t entry, bool *is, struct img_err *err)
{
	struct qcow1_salvage *s = f->s;
	struct qcow1_shape shape;

	*is = false;
	if (entry < QCOW1_HDR_LEN || qcow1_l1_damage(&s->hdr, entry, s->file_size))
		return true;
	if (!qcow1_read_table(s, entry, f->table, err))
		return false;
	shape = qcow1_measure_shape(&s->hdr, f->table, qcow1_l2_entries(&s->hdr), s->file_size);
	/* What begins beside a table is bad where that ends. */
	*is = shape.good > GOOD_FOR_BAD * shape.bad;
	return true;
}

/* Tables do not lie over each other. */
static bool is_apart(const struct qcow1_salvage *s, uint64_t host, uint64_t last)
{
	return (host > last ? host - last : last - host) >= qcow1_l2_bytes(&s->hdr);
}

/* The place counts for as many tables as it leads to before it is no table of any kind. */
static bool try_place(struct finding *f, uint64_t at, struct img_err *err)
{
	struct qcow1_salvage *s = f->s;
	const uint32_t needed = s->size_known ? qcow1_l1_needed(&s->hdr, s->hdr.size)
					      : ENTRIES_LOOKED;
	const uint32_t most = (uint32_t)img_min_u64(needed, ENTRIES_LOOKED);
	unsigned good = 0, bad = 0;
	uint64_t last = 0;
	bool is;
	size_t got;

	if (!img_store_read_some(s->file, at, f->entries, (size_t)most * QCOW1_ENTRY_LEN, &got, err))
		return false;
	for (uint32_t i = 0; i < got / QCOW1_ENTRY_LEN && bad <= good + 1; i++) {
		const uint64_t entry = img_get_be64(f->entries + i * QCOW1_ENTRY_LEN);

		if (!is_lead(f, entry, &is, err))
			return false;
		is = is && (!last || is_apart(s, entry, last));
		last = is ? entry : last;
		good += is;
		bad += entry && !is;
	}
	if (good > f->best || (good == f->best && bad < f->best_bad)) {
		f->best = good;
		f->best_bad = bad;
		f->best_at = at;
	}
	return true;
}

/* Behind the header and the name; of a disk that came from a stream, at the end of the file. */
static bool try_all(struct finding *f, struct img_err *err)
{
	struct qcow1_salvage *s = f->s;

	f->best_at = s->hdr.l1_off;
	f->best_bad = UINT32_MAX;
	if (!try_place(f, s->hdr.l1_off, err))
		return false;
	if (f->best > f->best_bad)
		return true;
	for (uint64_t at = QCOW1_HDR_LEN; at < FRONT && at < s->file_size; at += QCOW1_ENTRY_LEN)
		if (!try_place(f, at, err))
			return false;
	for (size_t i = 0; i < s->n_sectors && i < SECTORS_MOST; i++)
		if (!try_place(f, qcow1_sector(s, s->n_sectors - 1 - i), err))
			return false;
	return true;
}

/* Of a table that was found from somewhere in it.  Behind a header it begins where that ends. */
static bool step_back(struct finding *f, struct img_err *err)
{
	uint8_t raw[QCOW1_ENTRY_LEN];
	bool is = f->best;

	for (unsigned i = 0; is && i < STEPS_MOST &&
	     f->best_at >= QCOW1_HDR_LEN + QCOW1_ENTRY_LEN; i++) {
		if (!img_store_read(f->s->file, f->best_at - QCOW1_ENTRY_LEN, raw, sizeof(raw), err) ||
		    !is_lead(f, img_get_be64(raw), &is, err))
			return false;
		is |= f->best_at < FRONT && !img_get_be64(raw);
		f->best_at -= is ? QCOW1_ENTRY_LEN : 0;
	}
	return true;
}

static bool find_place(struct finding *f, struct img_err *err)
{
	struct qcow1_salvage *s = f->s;

	if (!try_all(f, err))
		return false;
	/* One entry that leads to a table may be chance, and is little loss. */
	if (f->best_at != s->hdr.l1_off && (f->best < 2 || f->best <= f->best_bad)) {
		f->best = 0;
		f->best_at = s->hdr.l1_off;
	}
	if (!step_back(f, err))
		return false;
	if (f->best && f->best_at == s->hdr.l1_off)
		return true;
	if (f->best)
		s->hdr.l1_off = f->best_at;
	/* Its first entries may have gone with the header. */
	s->l1_guessed = f->best && (f->best_bad || f->best_at > FRONT);
	return qcow1_salvage_note(s, &qcow1_noted_l1, s->hdr.l1_off, IMG_NOWHERE, 0, err);
}

/* ---- Its entries ----------------------------------------------------------------------------- */

/* Of a disk of unknown size as many as lead to tables, with few others between them. */
static uint32_t count_entries(const struct qcow1_salvage *s)
{
	const uint64_t at = s->hdr.l1_off, size = s->file_size;
	const uint64_t left = at < size ? (size - at) / QCOW1_ENTRY_LEN : 0;

	return (uint32_t)img_min_u64(img_min_u64(left, ENTRIES_MOST),
				     s->size_known ? qcow1_l1_needed(&s->hdr, s->hdr.size)
						   : ENTRIES_UNKNOWN);
}

/* Where the size is not known there may be an entry more for each table that is found. */
static bool start_l1(struct qcow1_salvage *s, struct img_err *err)
{
	const uint64_t most = s->n_l1 + (s->size_known ? 0 : (uint64_t)s->n_sectors);
	const uint64_t len = most * QCOW1_ENTRY_LEN;

	s->l1_file = len > IN_MEMORY_MAX ? img_store_temporary(NULL, err)
					 : img_store_mem(NULL, 0, err);
	return s->l1_file && img_paged_init(&s->work->l1, s->l1_file, 0, len,
					    qcow1_work_memory(s), err);
}

/* A place where nothing is found has no entries either, unless the size says how many there were. */
static bool read_entries(struct finding *f, struct img_err *err)
{
	struct qcow1_salvage *s = f->s;
	IMG_AUTO_FREE uint8_t *raw = NULL;

	s->n_l1 = f->best || s->size_known ? count_entries(s) : 0;
	const uint64_t len = s->n_l1 * (uint64_t)QCOW1_ENTRY_LEN;

	if (!start_l1(s, err) || !(raw = img_alloc_aligned(READ_BYTES, err)))
		return false;
	for (uint64_t at = 0, n; at < len; at += n) {
		n = img_min_u64(READ_BYTES, len - at);
		if (!img_store_read(s->file, s->hdr.l1_off + at, raw, n, err) ||
		    !img_store_write(s->l1_file, at, raw, n, err))
			return false;
	}
	return true;
}

/* *leads: into the file, and, where the L1 table may have ended, to a table that none before has. */
static bool judge_entry(struct finding *f, uint64_t entry, bool *leads, struct img_err *err)
{
	struct qcow1_salvage *s = f->s;

	*leads = entry >= QCOW1_HDR_LEN && !qcow1_l1_damage(&s->hdr, entry, s->file_size);
	if (!*leads || s->size_known)
		return true;
	if (!is_lead(f, entry, leads, err))
		return false;
	*leads = *leads && qcow1_take(s, entry, qcow1_l2_bytes(&s->hdr));
	return true;
}

static bool judge_entries(struct finding *f, struct img_err *err)
{
	struct qcow1_salvage *s = f->s;
	bool leads;

	for (uint32_t i = 0; i < s->n_l1; i++) {
		const uint64_t entry = qcow1_l1_at(s, i);

		if (!entry)
			continue;
		if (!judge_entry(f, entry, &leads, err))
			return false;
		if (!leads)
			qcow1_l1_put(s, i, QCOW1_L1_LOST);
		if (!leads && !s->size_known)
			s->n_l1 = i;
	}
	while (!s->size_known && s->n_l1 && !qcow1_l1_at(s, s->n_l1 - 1))
		s->n_l1--;
	return true;
}

bool qcow1_salvage_find_l1(struct qcow1_salvage *s, struct img_err *err)
{
	struct finding f = { .s = s };
	bool ok;

	f.table = img_alloc_aligned(qcow1_l2_bytes(&s->hdr), err);
	f.entries = img_alloc_aligned(ENTRIES_LOOKED * QCOW1_ENTRY_LEN, err);
	ok = f.table && f.entries && find_place(&f, err) && read_entries(&f, err) &&
	     judge_entries(&f, err);
	if (ok)
		qcow1_take_l1(s);
	free(f.table);
	free(f.entries);
	return ok;
}
