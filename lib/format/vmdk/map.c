/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a place on the disk to a place in the file.  Where the first directory or the first grain
 * table says nothing, or nothing that can be, and the second one does, the second one is believed:
 * reading zeros instead would lose what is still there.
 */
#include "base/bytes.h"
#include "base/num.h"
#include "format/vmdk/live.h"

enum { WINDOW_ENTRIES = 512 };

/* Grains that lie behind one directory entry, from one of them on. */
struct window {
	uint64_t first;			/* number of the grain on the disk */
	size_t n;
	struct vmdk_entry entries[WINDOW_ENTRIES];
};

static bool fits(const struct vmdk_sparse *sp, uint64_t host, uint64_t len)
{
	return host <= sp->file_size && len <= sp->file_size - host;
}

/* ---- Directories ----------------------------------------------------------------------------- */

static struct vmdk_entry table_of(const struct vmdk_sparse *sp, const uint64_t *gd, size_t n,
				  uint64_t i)
{
	struct vmdk_entry entry = { .kind = VMDK_ENTRY_BAD, .bad = &vmdk_found_directory_cut };

	if (!gd || i >= n)
		return entry;
	entry = vmdk_directory_entry(&sp->hdr, gd[i]);
	if (entry.kind == VMDK_ENTRY_PLACE &&
	    !fits(sp, entry.host, vmdk_table_len(&sp->hdr, i))) {
		entry.kind = VMDK_ENTRY_BAD;
		entry.bad = &vmdk_found_directory_outside;
	}
	return entry;
}

struct vmdk_entry vmdk_sparse_table(const struct vmdk_sparse *sp, bool second, uint64_t i)
{
	return second ? table_of(sp, sp->rgd, sp->n_rgd, i) : table_of(sp, sp->gd, sp->n_gd, i);
}

static bool says_nothing(const struct vmdk_entry *entry)
{
	return entry->kind == VMDK_ENTRY_NOTHING || entry->kind == VMDK_ENTRY_BAD;
}

/* The better one of two. */
static void prefer(struct vmdk_sparse *sp, struct vmdk_entry *first,
		   const struct vmdk_entry *second)
{
	if (!says_nothing(first) || says_nothing(second))
		return;
	*first = *second;
	atomic_store_explicit(&sp->repaired, true, memory_order_relaxed);
}

/* What the directories together say. */
static struct vmdk_entry believed(struct vmdk_sparse *sp, uint64_t i)
{
	struct vmdk_entry first = table_of(sp, sp->gd, sp->n_gd, i);
	const struct vmdk_entry second = table_of(sp, sp->rgd, sp->n_rgd, i);

	if (sp->rgd)
		prefer(sp, &first, &second);
	return first;
}

void vmdk_sparse_compare(struct vmdk_sparse *sp)
{
	for (uint64_t i = 0; i < sp->n_rgd; i++)
		(void)believed(sp, i);	/* remembers what it finds */
}

/* ---- Grain tables ---------------------------------------------------------------------------- */

/* A grain of which not even the start is in the file is none. */
static struct vmdk_entry grain_of(const struct vmdk_sparse *sp, uint64_t number)
{
	struct vmdk_entry entry = vmdk_grain_entry(&sp->hdr, number);

	if (entry.kind == VMDK_ENTRY_PLACE && entry.host >= sp->file_size)
		return (struct vmdk_entry){ .kind = VMDK_ENTRY_BAD, .bad = &vmdk_found_grain_outside };
	return entry;
}

/* Fills the window from the table at host, or improves what is in it with the second table. */
static bool fill(struct vmdk_sparse *sp, uint64_t host, struct window *w, bool improve,
		 struct img_err *err)
{
	uint8_t raw[WINDOW_ENTRIES * sizeof(uint64_t)];
	const uint64_t table_index = w->first / sp->hdr.gt_entries;
	const struct vmdk_table table = {
		.file = sp->file, .host = host, .len = vmdk_table_len(&sp->hdr, table_index),
	};
	const size_t at = w->first % sp->hdr.gt_entries * sp->hdr.entry_len;

	if (!vmdk_tables_copy(sp->tables, &table, at, raw, w->n * sp->hdr.entry_len, err))
		return false;
	for (size_t i = 0; i < w->n; i++) {
		const uint8_t *at_i = raw + i * sp->hdr.entry_len;
		const struct vmdk_entry entry =
			grain_of(sp, sp->hdr.entry_len == sizeof(uint32_t) ? img_get_le32(at_i)
									   : img_get_le64(at_i));

		if (improve)
			prefer(sp, &w->entries[i], &entry);
		else
			w->entries[i] = entry;
	}
	return true;
}

/* Of a file that is open for writing: what both copies say is in memory. */
static void fill_live(const struct vmdk_sparse *sp, struct window *w)
{
	for (size_t i = 0; i < w->n; i++)
		w->entries[i] = grain_of(sp, vmdk_live_get(sp->live, sp->hdr.gt_entries,
							   w->first + i));
}

/* Whether neither says more than the other: both lead nowhere for the same reason. */
static bool same_nowhere(const struct vmdk_entry *a, const struct vmdk_entry *b)
{
	return a->kind != VMDK_ENTRY_PLACE && a->kind == b->kind && a->bad == b->bad;
}

/* The first directory entry behind i that differs from what that says, which leads nowhere. */
static uint64_t nowhere_end(struct vmdk_sparse *sp, uint64_t i, uint64_t limit)
{
	const struct vmdk_entry first = believed(sp, i);
	const bool cut = i >= sp->n_gd && i >= sp->n_rgd;

	if (cut)
		return limit;
	while (++i < limit) {
		const struct vmdk_entry next = believed(sp, i);

		if (!same_nowhere(&first, &next))
			break;
	}
	return i;
}

/* What both pairs of tables say about the grains of the window; the first directory entry does. */
static bool look(struct vmdk_sparse *sp, const struct vmdk_entry *believed, struct window *w,
		 struct img_err *err)
{
	const struct vmdk_entry second = table_of(sp, sp->rgd, sp->n_rgd,
						  w->first / sp->hdr.gt_entries);

	if (believed->kind != VMDK_ENTRY_PLACE) {
		w->entries[0] = *believed;
		return true;
	}
	if (sp->live) {
		fill_live(sp, w);
		return true;
	}
	if (!fill(sp, believed->host, w, false, err))
		return false;
	if (second.kind != VMDK_ENTRY_PLACE || second.host == believed->host)
		return true;
	return fill(sp, second.host, w, true, err);
}

/* The grains from the one at `at` to the one before limit, as far as one table goes. */
static void window_of(const struct vmdk_sparse *sp, uint64_t at, uint64_t limit, struct window *w)
{
	const uint64_t first = at / sp->hdr.grain;
	const uint64_t in_table = sp->hdr.gt_entries - first % sp->hdr.gt_entries;
	const uint64_t wanted = img_div_up(limit, sp->hdr.grain) - first;

	w->first = first;
	w->n = img_min_u64(img_min_u64(in_table, wanted), WINDOW_ENTRIES);
}

/* Guest bytes behind one directory entry. */
static uint64_t table_span(const struct vmdk_sparse *sp)
{
	return sp->hdr.grain * sp->hdr.gt_entries;
}

bool vmdk_sparse_grain(struct vmdk_sparse *sp, uint64_t at, struct vmdk_entry *out,
		       struct img_err *err)
{
	struct window w;
	const struct vmdk_entry table = believed(sp, at / table_span(sp));

	window_of(sp, at, at + 1, &w);
	if (!look(sp, &table, &w, err))
		return false;
	*out = w.entries[0];
	return true;
}

/* ---- Extents --------------------------------------------------------------------------------- */

/* How many entries from the first on say the same, each going on where the one before ends. */
static size_t alike(const struct vmdk_sparse *sp, const struct window *w)
{
	const struct vmdk_entry *first = &w->entries[0];
	size_t n = 1;

	while (n < w->n && w->entries[n].kind == first->kind && w->entries[n].bad == first->bad &&
	       (first->kind != VMDK_ENTRY_PLACE ||
		w->entries[n].host == first->host + n * sp->hdr.grain))
		n++;
	return n;
}

static void lose(struct img_extent *out, const struct img_finding_kind *why, enum img_code loss)
{
	*out = (struct img_extent){
		.start = out->start, .len = out->len, .kind = IMG_EXTENT_LOST, .loss = loss,
		.why = why->text,
	};
}

/* Bytes as they are, as far as the file has them. */
static void plain(const struct vmdk_sparse *sp, uint64_t host, struct img_extent *out)
{
	const uint64_t left = host < sp->file_size ? sp->file_size - host : 0;

	if (!left) {
		lose(out, &vmdk_found_grain_outside, IMG_E_INCOMPLETE);
		return;
	}
	out->kind = IMG_EXTENT_DATA;
	out->store = sp->file;
	out->host = host;
	out->len = out->host_len = img_min_u64(out->len, left);
}

/* One grain that has to be decoded. */
static bool packed(const struct vmdk_sparse *sp, uint64_t host, struct img_extent *out,
		   struct img_err *err)
{
	const uint64_t grain_end = (out->start / sp->hdr.grain + 1) * sp->hdr.grain;
	struct vmdk_packed place;

	out->len = img_min_u64(out->len, grain_end - out->start);
	if (!vmdk_packed_find(sp, out->start, host, &place, err))
		return false;
	if (place.bad) {
		lose(out, place.bad, place.loss);
		return true;
	}
	out->kind = IMG_EXTENT_ENCODED;
	out->store = sp->file;
	/* Whoever reads the grain reads its marker again, which must be there still. */
	out->host = sp->coming ? host : place.host;
	out->host_len = place.len;
	return true;
}

static enum img_code loss_of(const struct img_finding_kind *why)
{
	return why == &vmdk_found_directory_reserved || why == &vmdk_found_grain_reserved
		       ? IMG_E_CORRUPT : IMG_E_INCOMPLETE;
}

/* What an entry means for the extent whose place is known. */
static bool grain_extent(const struct vmdk_sparse *sp, const struct vmdk_entry *entry,
			 struct img_extent *ex, struct img_err *err)
{
	switch (entry->kind) {
	case VMDK_ENTRY_NOTHING:
		ex->kind = IMG_EXTENT_HOLE;
		break;
	case VMDK_ENTRY_ZEROS:
		ex->kind = IMG_EXTENT_ZERO;
		break;
	case VMDK_ENTRY_BAD:
		lose(ex, entry->bad, loss_of(entry->bad));
		break;
	case VMDK_ENTRY_PLACE:
		if (sp->hdr.compressed)
			return packed(sp, entry->host, ex, err);
		plain(sp, entry->host + ex->start % sp->hdr.grain, ex);
		break;
	}
	return true;
}

/* Grains of one table, alike and in one piece. */
static bool table_extent(struct vmdk_sparse *sp, const struct vmdk_entry *table,
			 struct img_extent *ex, struct img_err *err)
{
	struct window w;
	const uint64_t limit = ex->start + ex->len;

	/* A compressed grain is an extent of its own: its neighbours need not be looked at. */
	window_of(sp, ex->start, sp->hdr.compressed ? ex->start + 1 : limit, &w);
	if (!look(sp, table, &w, err))
		return false;
	if (sp->hdr.compressed && w.entries[0].kind != VMDK_ENTRY_PLACE) {
		window_of(sp, ex->start, limit, &w);
		if (!look(sp, table, &w, err))
			return false;
	}
	ex->len = img_min_u64(limit, (w.first + alike(sp, &w)) * sp->hdr.grain) - ex->start;
	return grain_extent(sp, &w.entries[0], ex, err);
}

/* Empty tables behind a table that ends with nothing, whose bytes the file does not even have. */
static bool skip_hollow(struct vmdk_sparse *sp, uint64_t limit, struct img_extent *ex,
			struct img_err *err)
{
	const uint64_t span = table_span(sp), end = ex->start + ex->len;
	uint64_t next;

	if (ex->kind != IMG_EXTENT_HOLE || end % span || end >= limit || sp->live || sp->coming)
		return true;
	if (!vmdk_hollow_end(sp, end / span, img_div_up(limit, span), &next, err))
		return false;
	ex->len = img_min_u64(limit, next * span) - ex->start;
	return true;
}

/* Whether each grain of the window lies behind *end; *end becomes that of the last. */
static bool goes_on(const struct window *w, uint64_t *end)
{
	for (size_t i = 0; i < w->n; i++) {
		if (w->entries[i].kind != VMDK_ENTRY_PLACE)
			continue;
		if (w->entries[i].host < *end)
			return false;
		*end = w->entries[i].host + VMDK_SECTOR;
	}
	return true;
}

/* The tables lie in front of what the header says is the start of the grains. */
static bool is_in_front(const struct vmdk_sparse *sp, const uint64_t *gd, size_t n, uint64_t i)
{
	const struct vmdk_entry table = table_of(sp, gd, n, i);

	return table.kind != VMDK_ENTRY_PLACE ||
	       table.host + vmdk_table_len(&sp->hdr, i) <= sp->hdr.overhead;
}

bool vmdk_sparse_is_rising(struct vmdk_sparse *sp, bool *rising, struct img_err *err)
{
	uint64_t end = sp->hdr.overhead;

	*rising = true;
	for (uint64_t i = 0; *rising && i < sp->hdr.n_gd; i++) {
		const struct vmdk_entry table = believed(sp, i);
		const uint64_t first = i * table_span(sp);
		struct window w;

		*rising = is_in_front(sp, sp->gd, sp->n_gd, i) &&
			  is_in_front(sp, sp->rgd, sp->n_rgd, i);
		if (!*rising || table.kind != VMDK_ENTRY_PLACE)
			continue;
		window_of(sp, first, img_min_u64(first + table_span(sp), sp->hdr.capacity), &w);
		if (!look(sp, &table, &w, err))
			return false;
		*rising = goes_on(&w, &end);
	}
	return true;
}

bool vmdk_sparse_extent(struct vmdk_sparse *sp, uint64_t at, uint64_t limit,
			struct img_extent *out, struct img_err *err)
{
	const uint64_t span = table_span(sp), i = at / span;
	const struct vmdk_entry table = believed(sp, i);
	struct img_extent ex = { .start = at, .len = limit - at };

	if (table.kind == VMDK_ENTRY_PLACE) {
		if (!table_extent(sp, &table, &ex, err) || !skip_hollow(sp, limit, &ex, err))
			return false;
	} else {
		ex.len = img_min_u64(limit, nowhere_end(sp, i, img_div_up(limit, span)) * span) - at;
		if (!grain_extent(sp, &table, &ex, err))
			return false;
	}
	*out = ex;
	return true;
}
