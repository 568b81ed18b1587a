/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Another capacity for a file of grains.  Directories and tables are laid out anew behind header and
 * descriptor, where all writers have them; grains that are in their way move behind the others, and
 * where the disk shrinks the last ones move into the gaps, which nobody would fill.
 */
#include <inttypes.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/vmdk/disk.h"
#include "format/vmdk/resize.h"
#include "format/vmdk/sparse_new.h"

enum { ENTRY = sizeof(uint32_t) };

/* Grains have slots: as long as one, one behind the other from the first that is not a table. */
struct resizing {
	struct vmdk_sparse *sp;
	struct vmdk_sparse_new made;	/* header and tables as they will be */
	const struct img_job *job;
	uint64_t first;			/* bytes of the file: where slot 0 is */
	uint64_t n_grains;		/* that have a place */
	uint8_t *used;			/* a bit for each slot */
	uint64_t cursor;		/* no slot below it is free */
	uint64_t end;			/* behind the highest that a grain has */
};

/* Calls back with each entry of the old tables that is on the disk before and afterwards. */
typedef bool for_entry(struct resizing *r, uint64_t grain, uint64_t host, struct img_err *err);

static bool each_place(struct resizing *r, for_entry *call, struct img_err *err)
{
	const struct vmdk_header *hdr = &r->sp->hdr;
	const uint64_t n = img_div_up(img_min_u64(hdr->capacity, r->made.hdr.capacity), hdr->grain);

	for (uint64_t grain = 0; grain < n; grain++) {
		const _Atomic uint32_t *table = r->sp->live->tables[grain / hdr->gt_entries];
		struct vmdk_entry entry;

		if (!table) {
			grain += hdr->gt_entries - 1 - grain % hdr->gt_entries;
			continue;
		}
		entry = vmdk_grain_entry(hdr, table[grain % hdr->gt_entries]);
		if (entry.kind == VMDK_ENTRY_PLACE && !call(r, grain, entry.host, err))
			return false;
	}
	return true;
}

/* ---- Slots ----------------------------------------------------------------------------------- */

static bool count(struct resizing *r, uint64_t grain, uint64_t host, struct img_err *err)
{
	(void)grain;
	(void)host;
	(void)err;
	r->n_grains++;
	return true;
}

/* Whether the grain may stay: slots below n_grains are enough for all. */
static bool stays(const struct resizing *r, uint64_t host)
{
	const uint64_t grain = r->sp->hdr.grain;

	return host >= r->first && (host - r->first) % grain == 0 &&
	       (host - r->first) / grain < r->n_grains;
}

/* One that lies askew, or half among the tables, keeps both of its slots from others. */
static bool mark(struct resizing *r, uint64_t unused, uint64_t host, struct img_err *err)
{
	const uint64_t grain = r->sp->hdr.grain, end = host + grain;

	(void)unused;
	(void)err;
	for (uint64_t at = img_max_u64(host, r->first); at < end;
	     at = r->first + ((at - r->first) / grain + 1) * grain) {
		const uint64_t slot = (at - r->first) / grain;

		r->used[slot / 8] |= (uint8_t)(1 << slot % 8);
	}
	return true;
}

static uint64_t take(struct resizing *r)
{
	while (r->used[r->cursor / 8] & 1 << r->cursor % 8)
		r->cursor++;
	r->used[r->cursor / 8] |= (uint8_t)(1 << r->cursor % 8);
	return r->cursor;
}

/* ---- Grains and tables ----------------------------------------------------------------------- */

static void set_entry(struct resizing *r, uint64_t grain, uint64_t host)
{
	const uint32_t gt_entries = r->sp->hdr.gt_entries;

	img_put_le32(r->made.tables[grain / gt_entries] + grain % gt_entries * ENTRY,
		     (uint32_t)(host / VMDK_SECTOR));
}

static bool place(struct resizing *r, uint64_t grain, uint64_t host, struct img_err *err)
{
	const uint64_t len = r->sp->hdr.grain;
	uint64_t slot = (host - r->first) / len;

	if (!stays(r, host)) {
		slot = take(r);
		if (!img_move(r->sp->file, r->first + slot * len, host, len, r->job, err))
			return false;
		set_entry(r, grain, r->first + slot * len);
	}
	r->end = img_max_u64(r->end, slot + 1);
	return true;
}

/* The tables as they are, without what lies behind the new end. */
static bool copy_tables(struct resizing *r, struct img_err *err)
{
	const struct vmdk_header *hdr = &r->sp->hdr;
	const uint64_t n_grains = img_div_up(r->made.hdr.capacity, hdr->grain);
	const size_t n = img_min_u64(r->sp->live->n, r->made.hdr.n_gd);
	const size_t bytes = img_round_up((uint64_t)hdr->gt_entries * ENTRY, VMDK_SECTOR);

	r->made.tables = img_calloc(img_max_u64(n, 1), sizeof(*r->made.tables), err);
	if (!r->made.tables)
		return false;
	for (r->made.n_tables = 0; r->made.n_tables < n; r->made.n_tables++) {
		const size_t i = r->made.n_tables;
		const uint64_t first = (uint64_t)i * hdr->gt_entries;

		if (!r->sp->live->tables[i])
			continue;
		r->made.tables[i] = img_calloc(1, bytes, err);
		if (!r->made.tables[i])
			return false;
		for (size_t k = 0; k < hdr->gt_entries && first + k < n_grains; k++)
			img_put_le32(r->made.tables[i] + k * ENTRY, r->sp->live->tables[i][k]);
	}
	return true;
}

/* ---- The header ------------------------------------------------------------------------------ */

static bool check_shape(const struct vmdk_header *hdr, struct img_err *err)
{
	if (hdr->markers)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("a VMDK image with markers keeps its size"));
	if (hdr->desc_len && (hdr->desc_at != VMDK_SECTOR || hdr->desc_len > VMDK_DESCRIPTOR_MAX))
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("the descriptor is not where it always is"));
	return true;
}

static bool plan(struct resizing *r, uint64_t len, struct img_err *err)
{
	struct vmdk_header *hdr = &r->made.hdr;
	uint64_t end;

	hdr->capacity = len;
	hdr->unclean = true;	/* until the end, as is marked already */
	if (!vmdk_header_validate(hdr, err))
		return false;
	end = vmdk_sparse_new_place(&r->made, VMDK_SECTOR + hdr->desc_len);
	r->first = hdr->overhead = img_round_up(end, hdr->grain);
	if ((r->first + (r->n_grains + 1) * hdr->grain + r->sp->live->end) / VMDK_SECTOR > UINT32_MAX)
		return img_fail(err, IMG_E_RANGE, _("the image is larger than 2 TiB, which no "
				"entry of a grain table can name"));
	r->used = img_calloc((r->sp->live->end / hdr->grain + r->n_grains) / 8 + 2, 1, err);
	return r->used;
}

/* All is in memory by now; what stands between header and grains may be anything. */
static bool write_metadata(struct resizing *r, struct img_err *err)
{
	uint8_t raw[VMDK_HDR_LEN];

	vmdk_header_encode(&r->made.hdr, raw);
	return vmdk_sparse_new_write(&r->made, err) &&
	       img_store_write(r->sp->file, 0, raw, sizeof(raw), err) &&
	       img_store_resize(r->sp->file, r->first + r->end * r->sp->hdr.grain, err);
}

static bool change_file(struct resizing *r, uint64_t len, struct img_err *err)
{
	r->made.hdr.capacity = len;
	return check_shape(&r->sp->hdr, err) && each_place(r, count, err) && plan(r, len, err) &&
	       copy_tables(r, err) && each_place(r, mark, err) && each_place(r, place, err) &&
	       write_metadata(r, err);
}

/* ---- The grain in which the disk ends, or ended ------------------------------------------------- */

static bool clean_tail(const struct vmdk_sparse *sp, uint64_t end, struct img_err *err)
{
	const uint64_t grain = sp->hdr.grain, skip = end % grain;
	struct vmdk_entry entry;

	if (!skip)
		return true;
	entry = vmdk_grain_entry(&sp->hdr,
				 vmdk_live_get(sp->live, sp->hdr.gt_entries, end / grain));
	return entry.kind != VMDK_ENTRY_PLACE ||
	       img_store_zero(sp->file, entry.host + skip, grain - skip, false, err);
}

static bool open_again(struct vmdk_sparse *sp, struct img_err *err)
{
	struct img_store *file = sp->file;
	struct vmdk_tables *tables = sp->tables;

	vmdk_sparse_clear(sp);
	return vmdk_sparse_open(sp, file, tables, err) && vmdk_live_load(sp, err);
}

bool vmdk_sparse_resize(struct vmdk_part *part, uint64_t len, const struct img_job *job,
			struct img_err *err)
{
	struct vmdk_sparse *sp = &part->sparse;
	struct resizing r = {
		.sp = sp, .job = job, .made = { .file = sp->file, .hdr = sp->hdr },
	};
	const uint64_t end = img_min_u64(sp->hdr.capacity, len);
	const bool ok = change_file(&r, len, err) && open_again(sp, err) &&
			clean_tail(sp, end, err);

	vmdk_sparse_new_clear(&r.made);
	free(r.used);
	return ok;
}
