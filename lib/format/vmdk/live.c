/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables in memory for writing: read in long runs, and checked against each other on the way. */
#include "format/vmdk/live.h"

#include <inttypes.h>
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"

enum { BUFFER = 1 << 20, ENTRY = sizeof(uint32_t) };

/* Sectors of the file that are in use. */
struct piece { uint32_t at, n; };

struct loading {
	struct vmdk_sparse *sp;
	struct vmdk_live *live;
	uint8_t *first, *second;	/* BUFFER bytes each, of tables */
	struct piece *pieces;
	size_t n_pieces, cap_pieces;
	bool sorted;
};

static bool refuse(uint64_t grain, enum img_code code, const struct img_finding_kind *why,
		   struct img_err *err)
{
	return img_fail(err, code, _("a damaged image cannot be written: grain %" PRIu64 ": %s"),
			grain, _(why->text));
}

/* ---- What is in use -------------------------------------------------------------------------- */

/* Places that no entry can name are nobody's trouble. */
static bool add_piece(struct loading *load, uint64_t host, uint64_t len, struct img_err *err)
{
	struct piece *v;

	if (!len || host / VMDK_SECTOR > UINT32_MAX)
		return true;
	v = img_grow_by_one(load->pieces, load->n_pieces, &load->cap_pieces, sizeof(*v), err);
	if (!v)
		return false;
	load->pieces = v;
	v[load->n_pieces] = (struct piece){
		.at = (uint32_t)(host / VMDK_SECTOR),
		.n = (uint32_t)img_min_u64(img_div_up(len, VMDK_SECTOR), UINT32_MAX),
	};
	load->sorted = load->sorted &&
		       (!load->n_pieces || v[load->n_pieces - 1].at <= v[load->n_pieces].at);
	load->n_pieces++;
	load->live->end = img_max_u64(load->live->end, host + len);
	return true;
}

static int by_place(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

/* Writing to what two have in common would change both. */
static bool check_overlaps(struct loading *load, struct img_err *err)
{
	uint64_t end = 0;

	if (!load->sorted)
		qsort(load->pieces, load->n_pieces, sizeof(*load->pieces), by_place);
	for (size_t i = 0; i < load->n_pieces; i++) {
		const struct piece *p = &load->pieces[i];

		if (p->at < end)
			return img_fail(err, IMG_E_CORRUPT,
					_("a damaged image cannot be written: what lies at 0x%" PRIx64
					  " of \"%s\" is used twice"), p->at * VMDK_SECTOR,
					load->sp->file->name);
		end = (uint64_t)p->at + p->n;
	}
	return true;
}

static bool add_metadata(struct loading *load, struct img_err *err)
{
	const struct vmdk_header *hdr = &load->sp->hdr;
	const uint64_t gd_len = hdr->n_gd * ENTRY;

	return add_piece(load, 0, VMDK_SECTOR, err) &&
	       add_piece(load, hdr->desc_at, hdr->desc_len, err) &&
	       add_piece(load, hdr->gd_at, gd_len, err) &&
	       (!load->sp->rgd || add_piece(load, hdr->rgd_at, gd_len, err));
}

/* ---- One table ------------------------------------------------------------------------------- */

/* A grain that an entry names; where the disk ends inside it, so may the file. */
static bool note_grain(struct loading *load, uint64_t grain, uint32_t raw, struct img_err *err)
{
	const struct vmdk_header *hdr = &load->sp->hdr;
	const struct vmdk_entry entry = vmdk_grain_entry(hdr, raw);

	if (entry.kind != VMDK_ENTRY_PLACE)
		return true;
	if (entry.host > load->live->old_end ||
	    load->live->old_end - entry.host < vmdk_grain_len(hdr, grain))
		return refuse(grain, IMG_E_INCOMPLETE, &vmdk_found_grain_outside, err);
	return add_piece(load, entry.host, hdr->grain, err);
}

/* As a reader has it: the second copy counts where the first one says nothing that can be. */
static uint32_t choose(const struct vmdk_sparse *sp, uint32_t a, uint32_t b)
{
	const struct vmdk_entry first = vmdk_grain_entry(&sp->hdr, a);
	const struct vmdk_entry second = vmdk_grain_entry(&sp->hdr, b);
	const bool nothing = first.kind == VMDK_ENTRY_NOTHING ||
			     (first.kind == VMDK_ENTRY_PLACE && first.host >= sp->file_size);

	if (!nothing || second.kind == VMDK_ENTRY_NOTHING ||
	    (second.kind == VMDK_ENTRY_PLACE && second.host >= sp->file_size))
		return a;
	return b;
}

/* n entries of table i; second may be first. */
static bool note_table(struct loading *load, uint64_t i, const uint8_t *first,
		       const uint8_t *second, size_t n, struct img_err *err)
{
	const uint32_t gt_entries = load->sp->hdr.gt_entries;

	for (size_t k = 0; k < n; k++) {
		const uint32_t a = img_get_le32(first + k * ENTRY);
		const uint32_t b = img_get_le32(second + k * ENTRY);
		const uint32_t entry = choose(load->sp, a, b);
		const uint64_t grain = i * gt_entries + k;

		if (!entry && !a && !b)
			continue;
		if (!note_grain(load, grain, entry, err) ||
		    !vmdk_live_prepare(load->live, gt_entries, grain, err))
			return false;
		load->live->tables[i][k] = entry;
		load->live->dirty[i] |= a != b;
	}
	return true;
}

/* ---- Runs of tables -------------------------------------------------------------------------- */

/* Where table i is, which must be in the file. */
static bool place_of(const struct vmdk_sparse *sp, bool second, uint64_t i, uint64_t *host,
		     struct img_err *err)
{
	const struct vmdk_entry entry = vmdk_sparse_table(sp, second, i);

	if (entry.kind == VMDK_ENTRY_BAD)
		return refuse(i * sp->hdr.gt_entries, IMG_E_CORRUPT, entry.bad, err);
	if (entry.kind != VMDK_ENTRY_PLACE)
		return img_fail(err, IMG_E_UNSUPPORTED, _("an image without the grain table %" PRIu64
				" can only be read"), i);
	*host = entry.host;
	return true;
}

/* Tables that lie behind each other in both copies. */
struct run {
	uint64_t first, n;
	uint64_t host, second;		/* second: of the other copy; equals host when there is none */
	uint64_t len;			/* bytes of all */
};

static bool places_of(const struct vmdk_sparse *sp, uint64_t i, uint64_t *host, uint64_t *second,
		      struct img_err *err)
{
	return place_of(sp, false, i, host, err) &&
	       (sp->rgd ? place_of(sp, true, i, second, err) : (*second = *host, true));
}

static bool find_run(const struct vmdk_sparse *sp, uint64_t first, struct run *run,
		     struct img_err *err)
{
	uint64_t host, second;

	*run = (struct run){ .first = first, .n = 1, .len = vmdk_table_len(&sp->hdr, first) };
	if (!places_of(sp, first, &run->host, &run->second, err))
		return false;
	for (uint64_t i = first + 1; i < sp->hdr.n_gd; i++) {
		const size_t len = vmdk_table_len(&sp->hdr, i);

		if (run->len + len > BUFFER)
			break;
		if (!places_of(sp, i, &host, &second, err))
			return false;
		if (host != run->host + run->len || second != run->second + run->len)
			break;
		run->n++;
		run->len += len;
	}
	return true;
}

/* Whether the file has a hole there, which costs nothing to look at. */
static bool is_gap(struct img_store *file, uint64_t at, uint64_t len)
{
	struct img_extent ex;

	return (file->caps & IMG_STORE_EXTENTS) && img_store_extent(file, at, at + len, &ex, NULL) &&
	       ex.kind == IMG_EXTENT_ZERO && ex.len >= len;
}

static bool load_run(struct loading *load, const struct run *run, struct img_err *err)
{
	struct vmdk_sparse *sp = load->sp;
	const size_t stride = (size_t)sp->hdr.gt_entries * ENTRY;
	const bool two = run->second != run->host;

	if (!add_piece(load, run->host, run->len, err) ||
	    (two && !add_piece(load, run->second, run->len, err)))
		return false;
	if (is_gap(sp->file, run->host, run->len) && is_gap(sp->file, run->second, run->len))
		return true;
	if (!img_store_read(sp->file, run->host, load->first, run->len, err) ||
	    (two && !img_store_read(sp->file, run->second, load->second, run->len, err)))
		return false;
	for (uint64_t i = 0; i < run->n; i++) {
		const uint8_t *first = load->first + i * stride;
		const uint8_t *second = two ? load->second + i * stride : first;

		if (!note_table(load, run->first + i, first, second,
				vmdk_table_len(&sp->hdr, run->first + i) / ENTRY, err))
			return false;
	}
	return true;
}

static bool load_all(struct loading *load, struct img_err *err)
{
	struct run run = { 0 };

	for (uint64_t i = 0; i < load->sp->hdr.n_gd; i += run.n)
		if (!find_run(load->sp, i, &run, err) || !load_run(load, &run, err))
			return false;
	return true;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static bool check_kind(const struct vmdk_sparse *sp, struct img_err *err)
{
	const struct vmdk_header *hdr = &sp->hdr;

	if (hdr->kind != VMDK_KIND_HOSTED || hdr->compressed)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("VMDK images with compressed grains, COWD and seSparse images can "
				  "only be read"));
	if (sp->n_gd < hdr->n_gd || (sp->rgd && sp->n_rgd < hdr->n_gd))
		return refuse(0, IMG_E_INCOMPLETE, &vmdk_found_directory_cut, err);
	return true;
}

static struct vmdk_live *new_live(const struct vmdk_sparse *sp, struct img_err *err)
{
	struct vmdk_live *live = img_calloc(1, sizeof(*live), err);

	if (!live)
		return NULL;
	live->old_end = sp->file_size;
	live->n = sp->hdr.n_gd;
	live->tables = img_calloc(live->n, sizeof(*live->tables), err);
	live->dirty = live->tables ? img_calloc(live->n, sizeof(*live->dirty), err) : NULL;
	if (live->dirty)
		return live;
	vmdk_live_free(live);
	return NULL;
}

static bool fill(struct vmdk_sparse *sp, struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *both = img_alloc_aligned((size_t)2 * BUFFER, err);
	struct loading load = {
		.sp = sp, .live = sp->live, .first = both, .second = both + BUFFER, .sorted = true,
	};
	const bool ok = both && add_metadata(&load, err) && load_all(&load, err) &&
			check_overlaps(&load, err);

	free(load.pieces);
	sp->live->end = img_round_up(sp->live->end, sp->hdr.grain);
	return ok;
}

bool vmdk_live_load(struct vmdk_sparse *sp, struct img_err *err)
{
	if (!check_kind(sp, err))
		return false;
	sp->live = new_live(sp, err);
	return sp->live && fill(sp, err);
}

void vmdk_live_free(struct vmdk_live *live)
{
	if (!live)
		return;
	for (size_t i = 0; live->tables && i < live->n; i++)
		free(atomic_load(&live->tables[i]));
	free(live->tables);
	free(live->dirty);
	free(live);
}

/* ---- Entries --------------------------------------------------------------------------------- */

uint32_t vmdk_live_get(const struct vmdk_live *live, uint32_t gt_entries, uint64_t grain)
{
	const _Atomic uint32_t *table = live->tables[grain / gt_entries];

	return table ? table[grain % gt_entries] : 0;
}

bool vmdk_live_prepare(struct vmdk_live *live, uint32_t gt_entries, uint64_t grain,
		       struct img_err *err)
{
	const size_t i = grain / gt_entries;

	if (!live->tables[i])
		live->tables[i] = img_calloc(gt_entries, sizeof(_Atomic uint32_t), err);
	return live->tables[i];
}

void vmdk_live_set(struct vmdk_live *live, uint32_t gt_entries, uint64_t grain, uint32_t entry)
{
	const size_t i = grain / gt_entries;

	live->tables[i][grain % gt_entries] = entry;
	live->dirty[i] = true;
}
