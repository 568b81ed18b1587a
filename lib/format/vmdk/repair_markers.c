/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Markers of a stream and its tables, each mended from the other.  The stream is walked from marker
 * to marker.  Where one is missing or wrong, tables, directory and footer say what has to be there:
 * it is written, and the walk goes on.  A grain that no table leads to gets its entry when that is
 * empty.  A grain counts only when it can be decoded.
 */
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/vmdk/marker.h"
#include "format/vmdk/repair.h"

enum { ENTRY = sizeof(uint32_t) };

/* Where the entry of a grain leads to, or should. */
struct listed { uint32_t sector, grain; };

struct list {
	struct listed *v;		/* owned */
	size_t n, cap;
};

struct mending {
	struct vmdk_file_check *f;
	struct vmdk_unpacker unpacker;
	struct list listed;		/* by sector */
	struct list unlisted;
	enum vmdk_marker_kind before;	/* the marker in front of the one that is looked at */
};

static bool add(struct list *list, uint64_t host, uint64_t grain, struct img_err *err)
{
	struct listed *v = img_grow_by_one(list->v, list->n, &list->cap, sizeof(*v), err);

	if (!v)
		return false;
	list->v = v;
	v[list->n++] = (struct listed){ (uint32_t)(host / VMDK_SECTOR), (uint32_t)grain };
	return true;
}

/* ---- What the tables say --------------------------------------------------------------------- */

static bool list_pair(struct mending *m, const struct vmdk_pair *pair, uint64_t number,
		      struct img_err *err)
{
	const struct vmdk_sparse *sp = &m->f->sp;
	const uint8_t *table = pair->first ? pair->first : pair->second;
	const size_t n = vmdk_table_len(&sp->hdr, number) / ENTRY;

	for (size_t i = 0; table && i < n; i++) {
		const uint64_t grain = number * sp->hdr.gt_entries + i;
		const struct vmdk_entry entry =
			vmdk_pairs_grain(sp, vmdk_pairs_raw(sp, table, i), grain);

		if (entry.kind == VMDK_ENTRY_PLACE && !add(&m->listed, entry.host, grain, err))
			return false;
	}
	return true;
}

static int by_sector(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;

	return (x->sector > y->sector) - (x->sector < y->sector);
}

/* More grains than the file has sectors: many directory entries lead to one table. */
static bool is_crowded(const struct mending *m)
{
	return m->listed.n > m->f->sp.file_size / VMDK_SECTOR;
}

static bool list_all(struct mending *m, struct img_err *err)
{
	struct vmdk_pairs pairs;
	bool ok = vmdk_pairs_init(&pairs, &m->f->sp, err);

	for (uint64_t i = 0; ok && i < m->f->sp.hdr.n_gd && !is_crowded(m); i += pairs.n) {
		ok = vmdk_pairs_read(&pairs, i, err);
		for (size_t k = 0; ok && k < pairs.n; k++)
			ok = list_pair(m, &pairs.v[k], i + k, err);
	}
	vmdk_pairs_clear(&pairs);
	if (m->listed.n)
		qsort(m->listed.v, m->listed.n, sizeof(*m->listed.v), by_sector);
	return ok;
}

/* The only grain whose entry leads to host; false: there is none, or more than one. */
static bool grain_at(const struct mending *m, uint64_t host, uint64_t *grain)
{
	const struct listed *v = m->listed.v;
	const struct listed key = { .sector = (uint32_t)(host / VMDK_SECTOR) };
	const struct listed *at = v ? bsearch(&key, v, m->listed.n, sizeof(*v), by_sector) : NULL;

	if (!at || (at > v && at[-1].sector == key.sector) ||
	    (at + 1 < v + m->listed.n && at[1].sector == key.sector))
		return false;
	*grain = at->grain;
	return true;
}

static bool is_table(const struct vmdk_sparse *sp, uint64_t host)
{
	for (uint64_t i = 0; i < sp->hdr.n_gd; i++) {
		const struct vmdk_entry entry = vmdk_pairs_directory(sp, sp->gd, sp->n_gd, i);

		if (entry.kind == VMDK_ENTRY_PLACE && entry.host == host)
			return true;
	}
	return false;
}

/* ---- Markers --------------------------------------------------------------------------------- */

/* What the marker at `at` has to be, when it is for no grain; false: it is for none of these. */
static bool marker_for(const struct mending *m, uint64_t at, uint32_t *type, uint64_t *sectors)
{
	const struct vmdk_sparse *sp = &m->f->sp;
	const uint64_t end = img_round_down(sp->file_size, VMDK_SECTOR), next = at + VMDK_SECTOR;

	*sectors = 1;
	*type = VMDK_MARK_FOOTER;
	if (next == end - 2 * VMDK_SECTOR)
		return true;
	*type = VMDK_MARK_GRAIN_DIRECTORY;
	*sectors = img_div_up(sp->hdr.n_gd * ENTRY, VMDK_SECTOR);
	if (next == sp->hdr.gd_at)
		return true;
	*type = VMDK_MARK_GRAIN_TABLE;
	*sectors = img_div_up((uint64_t)sp->hdr.gt_entries * ENTRY, VMDK_SECTOR);
	if (is_table(sp, next))
		return true;
	*type = VMDK_MARK_END_OF_STREAM;
	*sectors = 0;
	return next == end && m->before == VMDK_MARKER_FOOTER;
}

static bool mend_other(struct mending *m, uint64_t at, struct img_err *err)
{
	uint8_t raw[VMDK_SECTOR] = { 0 };
	uint64_t sectors;
	uint32_t type;

	if (!m->f->footer || !marker_for(m, at, &type, &sectors))
		return true;
	img_put_le64(raw + VMDK_MARK_VALUE, sectors);
	img_put_le32(raw + VMDK_MARK_TYPE, type);
	return img_store_write(m->f->sp.file, at, raw, sizeof(raw), err);
}

/* The marker says another grain than the table that leads to it, or none that can be. */
static bool mend_grain(struct mending *m, uint64_t at, uint64_t grain, struct img_err *err)
{
	const struct vmdk_sparse *sp = &m->f->sp;
	const uint64_t guest = grain * sp->hdr.grain;
	uint8_t raw[VMDK_MARK_GRAIN_LEN];
	struct vmdk_marker is = { .kind = VMDK_MARKER_GRAIN, .at = at, .guest = guest };
	bool whole;

	is.host = at + sizeof(raw);
	if (is.host > sp->file_size)
		return true;
	if (!img_store_read(sp->file, at, raw, sizeof(raw), err))
		return false;
	is.len = img_get_le32(raw + VMDK_MARK_SIZE);
	if (is.len > vmdk_packed_max(sp->hdr.grain) || is.len > sp->file_size - is.host)
		return true;
	if (!vmdk_unpacks(&m->unpacker, sp, &is, &whole, err))
		return false;
	img_put_le64(raw + VMDK_MARK_VALUE, guest / VMDK_SECTOR);
	return !whole || img_store_write(sp->file, at, raw, sizeof(uint64_t), err);
}

/* A grain that no entry leads to. */
static bool note_unlisted(struct mending *m, const struct vmdk_marker *marker, struct img_err *err)
{
	bool whole;

	return vmdk_unpacks(&m->unpacker, &m->f->sp, marker, &whole, err) &&
	       (!whole || add(&m->unlisted, marker->at, marker->guest / m->f->sp.hdr.grain, err));
}

/* What stands at out->at, mended if that is possible. */
static bool look(struct mending *m, struct vmdk_marker *out, struct img_err *err)
{
	const struct vmdk_sparse *sp = &m->f->sp;
	const uint64_t at = out->at;
	uint64_t grain;

	if (!vmdk_marker_read(sp, at, out, err))
		return false;
	if (grain_at(m, at, &grain)) {
		if (out->kind == VMDK_MARKER_GRAIN && out->guest == grain * sp->hdr.grain)
			return true;
		return mend_grain(m, at, grain, err) && vmdk_marker_read(sp, at, out, err);
	}
	if (out->kind == VMDK_MARKER_GRAIN)
		return note_unlisted(m, out, err);
	return out->kind != VMDK_MARKER_NONE ||
	       (mend_other(m, at, err) && vmdk_marker_read(sp, at, out, err));
}

/* Behind that no entry leads. */
static bool is_in_reach(uint64_t at)
{
	return at / VMDK_SECTOR <= UINT32_MAX;
}

static bool walk(struct mending *m, struct img_err *err)
{
	struct vmdk_marker marker = { .end = img_max_u64(m->f->overhead, VMDK_SECTOR) };

	do {
		m->before = marker.kind;
		marker.at = marker.end;
		if (!look(m, &marker, err))
			return false;
	} while (marker.kind != VMDK_MARKER_NONE && marker.kind != VMDK_MARKER_END &&
		 marker.end < m->f->sp.file_size && is_in_reach(marker.end));
	return true;
}

/* ---- Entries --------------------------------------------------------------------------------- */

/* Room for the entry in one of both tables, when it is empty. */
static bool find_empty(const struct vmdk_sparse *sp, bool second, uint64_t grain, uint64_t *host,
		       bool *empty, struct img_err *err)
{
	const uint64_t i = grain / sp->hdr.gt_entries;
	const struct vmdk_entry dir = second ? vmdk_pairs_directory(sp, sp->rgd, sp->n_rgd, i)
					     : vmdk_pairs_directory(sp, sp->gd, sp->n_gd, i);
	uint8_t raw[ENTRY];

	*empty = false;
	if (dir.kind != VMDK_ENTRY_PLACE)
		return true;
	*host = dir.host + grain % sp->hdr.gt_entries * ENTRY;
	if (!img_store_read(sp->file, *host, raw, sizeof(raw), err))
		return false;
	*empty = !img_get_le32(raw);
	return true;
}

static bool list(const struct mending *m, const struct listed *one, struct img_err *err)
{
	const struct vmdk_sparse *sp = &m->f->sp;
	uint64_t first, second;
	bool empty, both = false;
	uint8_t raw[ENTRY];

	if (!find_empty(sp, false, one->grain, &first, &empty, err) ||
	    (sp->rgd && !find_empty(sp, true, one->grain, &second, &both, err)))
		return false;
	if (!empty || (sp->rgd && !both))
		return true;
	img_put_le32(raw, one->sector);
	return (!both || img_store_write(sp->file, second, raw, sizeof(raw), err)) &&
	       img_store_write(sp->file, first, raw, sizeof(raw), err);
}

static int by_grain(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;

	return (x->grain > y->grain) - (x->grain < y->grain);
}

/* Of two that say that they are the same grain nobody knows which one counts. */
static bool list_found(struct mending *m, struct img_err *err)
{
	const struct listed *v = m->unlisted.v;
	const size_t n = m->unlisted.n;

	if (n)
		qsort(m->unlisted.v, n, sizeof(*v), by_grain);
	for (size_t i = 0; i < n; i++) {
		if ((i && v[i - 1].grain == v[i].grain) ||
		    (i + 1 < n && v[i + 1].grain == v[i].grain))
			continue;
		if (!list(m, &v[i], err))
			return false;
	}
	return true;
}

bool vmdk_repair_markers(struct vmdk_file_check *f, struct img_err *err)
{
	struct mending m = { .f = f };
	bool ok;

	if (f->sp.hdr.grain > VMDK_PACKED_GRAIN_MAX)
		return true;
	ok = vmdk_unpacker_init(&m.unpacker, f->sp.hdr.grain, err) && list_all(&m, err) &&
	     (is_crowded(&m) || (walk(&m, err) && list_found(&m, err)));
	vmdk_unpacker_clear(&m.unpacker);
	free(m.listed.v);
	free(m.unlisted.v);
	return ok;
}
