/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One file of grains: as it says itself, else as the shape of its tables or its markers say. */
#include <string.h>
#include "base/bytes.h"
#include "base/num.h"
#include "format/vmdk/salvage.h"

enum { GRAIN_USUAL = 64 << 10 };

/* ---- A header that is there ------------------------------------------------------------------ */

/* Whether the structures of the open file are without an error. */
static bool is_right(const struct vmdk_part *part, bool *right, struct img_err *err)
{
	const struct img_checking how = { .threads = 1, .memory = IMG_CHECK_MEMORY };
	struct img_findings unused = { .most = 0 };
	struct vmdk_check c = { .how = &how, .out = &unused };
	struct vmdk_file_check f = { .image = &c, .sp = part->sparse };
	const bool ok = vmdk_check_file(&f, err);

	*right = !f.damaged;
	img_findings_clear(&unused);
	return ok;
}

/* What only the second directory knows is as good. */
static void merge_directories(struct vmdk_sparse *sp)
{
	for (uint64_t i = 0; sp->rgd && i < sp->n_gd; i++) {
		const struct vmdk_entry first = vmdk_pairs_directory(sp, sp->gd, sp->n_gd, i);
		const struct vmdk_entry second = vmdk_pairs_directory(sp, sp->rgd, sp->n_rgd, i);

		if (vmdk_says_nothing(&first) && !vmdk_says_nothing(&second))
			sp->gd[i] = sp->rgd[i];
	}
}

/* Where the first marker is, or may be; bytes. */
static uint64_t first_marker(const struct vmdk_sparse *sp, const uint8_t *raw)
{
	const uint64_t overhead = img_get_le64(raw + VMDK_HDR_OVERHEAD);

	return overhead && overhead < sp->file_size / VMDK_SECTOR ? overhead * VMDK_SECTOR
								  : VMDK_SECTOR;
}

static bool leads_nowhere(const struct vmdk_sparse *sp)
{
	for (uint64_t i = 0; i < sp->hdr.n_gd; i++) {
		const struct vmdk_entry first = vmdk_pairs_directory(sp, sp->gd, sp->n_gd, i);
		const struct vmdk_entry second = vmdk_pairs_directory(sp, sp->rgd, sp->n_rgd, i);

		if (!vmdk_says_nothing(&first) || !vmdk_says_nothing(&second))
			return false;
	}
	return true;
}

/* Directories that lead nowhere may be in another place than the header says. */
static bool find_elsewhere(struct vmdk_salvage *s, struct vmdk_part *part, struct img_err *err)
{
	struct vmdk_sparse *sp = &part->sparse;
	struct vmdk_sparse other = {
		.file = sp->file, .file_size = sp->file_size, .tables = sp->tables,
	};
	bool found, sure;

	if (!leads_nowhere(sp))
		return true;
	if (!vmdk_shape_find(&other, sp->hdr.capacity, &found, &sure, err))
		return false;
	if (!found)
		return true;
	vmdk_sparse_clear(sp);
	*sp = other;
	part->guessed |= !sure;
	return vmdk_salvage_note(s, &vmdk_noted_header, 0, sp->hdr.gd_at, err);
}

static bool salvage_open(struct vmdk_salvage *s, struct vmdk_part *part, const uint8_t *raw,
			 struct img_err *err)
{
	struct vmdk_sparse *sp = &part->sparse;
	bool right;
	size_t n;

	if (sp->hdr.kind != VMDK_KIND_HOSTED)
		return true;
	if (!sp->hdr.markers)
		return vmdk_salvage_directory(s, part, err) && find_elsewhere(s, part, err);
	if (!is_right(part, &right, err))
		return false;
	if (right)
		return true;
	merge_directories(sp);
	return vmdk_salvage_stream(s, part, first_marker(sp, raw), &n, err);
}

/* ---- A header that is not there, or not all right -------------------------------------------- */

/* The footer is a second header; it may be where it has to be. */
static bool read_footer(struct vmdk_sparse *sp, bool *found, struct img_err *err)
{
	const uint64_t end = img_round_down(sp->file_size, VMDK_SECTOR);
	uint8_t raw[VMDK_HEAD_BYTES];

	*found = false;
	if (end < 3 * VMDK_SECTOR)
		return true;
	if (!img_store_read(sp->file, end - 2 * VMDK_SECTOR, raw, sizeof(raw), err))
		return false;
	*found = vmdk_header_decode(raw, sizeof(raw), &sp->hdr, NULL) &&
		 sp->hdr.kind == VMDK_KIND_HOSTED && !sp->hdr.gd_at_end;
	return !*found || vmdk_sparse_read_directories(sp, err);
}

static void forget_directories(struct vmdk_sparse *sp)
{
	vmdk_sparse_clear(sp);
	sp->n_gd = sp->n_rgd = 0;
}

/* A header for a stream; described 0: of unknown size. */
static void set_stream(struct vmdk_sparse *sp, uint64_t grain, uint64_t described)
{
	sp->hdr = (struct vmdk_header){
		.kind = VMDK_KIND_HOSTED, .version = 3, .gt_entries = VMDK_GT_ENTRIES_MAX,
		.entry_len = sizeof(uint32_t), .grain = grain, .capacity = described,
		.flags = VMDK_FLAG_COMPRESSED | VMDK_FLAG_MARKERS, .compressed = true,
		.markers = true,
	};
}

static bool fail_lost(struct img_err *err)
{
	return img_fail(err, IMG_E_CORRUPT, _("nothing is left that says where anything lies"));
}

/* What the tables in front of a stream say, which were found by shape, is not all that is known. */
static bool salvage_packed(struct vmdk_salvage *s, struct vmdk_part *part, uint64_t described,
			   bool *done, struct img_err *err)
{
	struct vmdk_sparse *sp = &part->sparse;
	const uint64_t start = vmdk_usual_place(sp, 0, sp->hdr.n_gd);
	const struct vmdk_header shape = sp->hdr;
	size_t n;

	set_stream(sp, shape.grain, described);
	sp->hdr.gd_at = shape.gd_at;
	merge_directories(sp);
	if (!vmdk_salvage_stream(s, part, start, &n, err))
		return false;
	*done = n;
	return true;
}

/* A stream whose header is gone: with what the footer or nobody says. */
static bool salvage_stream(struct vmdk_salvage *s, struct vmdk_part *part, uint64_t described,
			   bool *done, struct img_err *err)
{
	struct vmdk_sparse *sp = &part->sparse;
	bool found;
	size_t n;

	if (!read_footer(sp, &found, err))
		return false;
	if (!found || !sp->hdr.markers) {
		forget_directories(sp);
		set_stream(sp, GRAIN_USUAL, described);
	}
	if (!vmdk_salvage_stream(s, part, VMDK_SECTOR, &n, err))
		return false;
	*done = n;
	return true;
}

static bool salvage_plain(struct vmdk_salvage *s, struct vmdk_part *part, uint64_t described,
			  bool sure, struct img_err *err)
{
	part->guessed |= !sure;
	s->told->size_guessed |= !described;
	return (described || vmdk_salvage_note(s, &vmdk_noted_size, IMG_NOWHERE,
					       part->sparse.hdr.capacity, err)) &&
	       vmdk_salvage_directory(s, part, err);
}

static bool salvage_lost(struct vmdk_salvage *s, struct vmdk_part *part, uint64_t described,
			 struct img_err *err)
{
	bool done, sure, packed = false;

	if (!vmdk_shape_find(&part->sparse, described, &done, &sure, err) ||
	    (done && !vmdk_shape_is_packed(&part->sparse, &packed, err)))
		return false;
	if (packed ? !salvage_packed(s, part, described, &done, err)
	    : done ? !salvage_plain(s, part, described, sure, err)
		   : !salvage_stream(s, part, described, &done, err))
		return false;
	return done ? vmdk_salvage_note(s, &vmdk_noted_header, 0, IMG_NOWHERE, err) : fail_lost(err);
}

/* ---- Either ---------------------------------------------------------------------------------- */

/* The header of a stream is there, its footer is not. */
static bool is_stream(const uint8_t *raw, size_t len, struct vmdk_header *hdr)
{
	return vmdk_header_decode(raw, len, hdr, NULL) && hdr->kind == VMDK_KIND_HOSTED &&
	       hdr->markers;
}

static bool salvage_footless(struct vmdk_salvage *s, struct vmdk_part *part, const uint8_t *raw,
			     struct img_err *err)
{
	size_t n;

	if (!vmdk_salvage_stream(s, part, first_marker(&part->sparse, raw), &n, err))
		return false;
	return n || fail_lost(err);
}

bool vmdk_salvage_part(struct vmdk_salvage *s, struct vmdk_part *part, uint64_t described,
		       struct img_err *err)
{
	struct vmdk_sparse *sp = &part->sparse;
	uint8_t raw[VMDK_HEAD_BYTES] = { 0 };
	struct img_err why = { 0 };
	struct vmdk_header hdr;
	uint64_t file_size;
	size_t got;

	if (!img_store_read_some(part->file, 0, raw, sizeof(raw), &got, err))
		return false;
	if (vmdk_sparse_open(sp, part->file, s->v->tables, &why))
		return salvage_open(s, part, raw, err);
	if (why.code == IMG_E_NOMEM)
		return img_fail(err, why.code, "%s", why.text);
	*sp = (struct vmdk_sparse){ .file = part->file, .tables = s->v->tables };
	if (!img_store_size(part->file, &file_size, err))
		return false;
	sp->file_size = file_size;
	if (!is_stream(raw, got, &hdr))
		return salvage_lost(s, part, described, err);
	sp->hdr = hdr;
	return salvage_footless(s, part, raw, err);
}
