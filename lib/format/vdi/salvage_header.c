/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The header of a salvage.  Each field may be right, and each may be wrong: all combinations of what
 * the fields say and of what is usual are held against the shape of the map and the length of the
 * file, and the one that most speaks for is taken.
 */
#include "base/bytes.h"
#include "base/num.h"
#include "format/vdi/candidates.h"
#include "format/vdi/salvage.h"

enum {
	/* How much each thing speaks for a combination. */
	SAYS_SO		= 6,		/* a field of the header */
	LEGAL		= 20,		/* the whole header, where the map is not good */
	GOOD_MAP	= 8,
	GOOD_ENTRIES	= 16,		/* and one for each entry of it, at most */
	FAIR_MAP	= 4,		/* a tenth of its entries is bad, or less */
	RIGHT_RUN	= 4,		/* the map ends where its shape does */
	RIGHT_LENGTH	= 8,		/* the file ends with the last block: more than one field */
	ABOUT_RIGHT	= 1,		/* or in it */
	ENOUGH		= 17,		/* less than this may be chance */
};

/* The header of the file, field by field, and the best combination so far. */
struct search {
	struct vdi_salvage *s;
	struct vdi_header said;
	bool legal;			/* all of it, as s->hdr */
	struct vdi_header best;
	struct vdi_shape best_shape;
	unsigned best_score;
	bool exact;			/* the best: file and map leave no doubt */
};

/* ---- Evidence -------------------------------------------------------------------------------- */

static unsigned score_fields(const struct search *search, const struct vdi_header *hdr)
{
	const struct vdi_header *said = &search->said;

	return SAYS_SO * ((hdr->map_off == said->map_off) + (hdr->data_off == said->data_off) +
			  (hdr->block_size == said->block_size) +
			  (hdr->n_blocks == said->n_blocks) +
			  (vdi_blocks_for(said->size, hdr->block_size) == hdr->n_blocks));
}

static unsigned score_map(const struct vdi_shape *shape)
{
	if (!shape->named)
		return 0;
	if (!shape->bad)
		return GOOD_MAP + (unsigned)img_min_u64(shape->named, GOOD_ENTRIES);
	return shape->bad < shape->n / 10 ? FAIR_MAP : 0;
}

static unsigned score_length(const struct search *search, const struct vdi_header *hdr,
			     const struct vdi_shape *shape)
{
	const uint64_t end = hdr->data_off + shape->end * vdi_stride(hdr);
	const uint64_t length = search->s->file_size;

	if (!shape->end)
		return 0;
	if (length == end)
		return RIGHT_LENGTH;
	return length < end && length > end - vdi_stride(hdr) ? ABOUT_RIGHT : 0;
}

/* Whether the combination is that of a header that is legal as it is. */
static bool is_as_said(const struct search *search, const struct vdi_header *hdr)
{
	const struct vdi_header *said = &search->said;

	return search->legal && hdr->map_off == said->map_off && hdr->data_off == said->data_off &&
	       hdr->block_size == said->block_size && hdr->block_extra == said->block_extra &&
	       hdr->n_blocks == said->n_blocks;
}

static void judge(void *ctx, const struct vdi_candidate *one)
{
	struct search *search = ctx;
	const struct vdi_header *hdr = &one->hdr;
	const struct vdi_shape *shape = one->shape;
	const unsigned map = score_map(shape), length = score_length(search, hdr, shape);
	const unsigned score = score_fields(search, hdr) + map + length +
			       (shape->end && shape->end == search->said.n_allocated ? SAYS_SO : 0) +
			       (shape->n == one->run ? RIGHT_RUN : 0) +
			       (is_as_said(search, hdr) && map < GOOD_MAP ? LEGAL : 0) +
			       (hdr->block_size == VDI_BLOCK_SIZE);

	if (score <= search->best_score)
		return;
	search->best = *hdr;
	search->best_shape = *shape;
	search->best_score = score;
	search->exact = map >= GOOD_MAP && length == RIGHT_LENGTH;
}

/* ---- What follows from the best -------------------------------------------------------------- */

static bool is_type(enum vdi_type type)
{
	return type >= VDI_TYPE_DYNAMIC && type <= VDI_TYPE_DIFFERENCING;
}

/* Nothing but the header says whether there is an image below, and which one. */
static bool choose_type(struct search *search, struct img_err *err)
{
	struct vdi_salvage *s = search->s;
	struct vdi_header *hdr = &s->hdr;
	const bool all = search->best_shape.named == hdr->n_blocks;
	const bool readable = score_fields(search, hdr) >= 3 * SAYS_SO;

	if (readable && is_type(hdr->type) &&
	    (!vdi_has_parent(hdr) || !img_uuid_is_nil(&hdr->parent)))
		return true;
	if (readable && !img_uuid_is_nil(&hdr->parent)) {
		hdr->type = VDI_TYPE_DIFFERENCING;
		return true;
	}
	const bool stands_alone = readable && !vdi_has_parent(hdr);

	hdr->type = all ? VDI_TYPE_FIXED : VDI_TYPE_DYNAMIC;
	s->free_guessed = !stands_alone;
	return all || stands_alone ||
	       vdi_salvage_note(s, &vdi_noted_parent, IMG_NOWHERE, IMG_NOWHERE, 0, err);
}

static bool choose_size(struct search *search, struct img_err *err)
{
	struct vdi_salvage *s = search->s;
	struct vdi_header *hdr = &s->hdr;
	const uint64_t most = (uint64_t)hdr->n_blocks * hdr->block_size;

	if (vdi_blocks_for(hdr->size, hdr->block_size) == hdr->n_blocks)
		return true;
	hdr->size = most;
	s->told->size_guessed = true;
	return vdi_salvage_note(s, &vdi_noted_size, IMG_NOWHERE, hdr->size, 0, err);
}

static bool take_best(struct search *search, struct img_err *err)
{
	struct vdi_salvage *s = search->s;

	if (search->best_score && is_as_said(search, &search->best))
		return true;
	if (search->best_score < ENOUGH)
		return img_fail(err, IMG_E_NOT_THIS_FORMAT,
				_("nothing of a VDI image was found"));
	s->hdr = search->best;
	s->hdr.major = s->hdr.minor = 1;
	s->all_guessed = !search->exact && score_fields(search, &s->hdr) < 5 * SAYS_SO;
	return vdi_salvage_note(s, &vdi_noted_header, 0, IMG_NOWHERE, 0, err) &&
	       choose_size(search, err) && choose_type(search, err);
}

/* ---- All of it ------------------------------------------------------------------------------- */

/* A header that is legal is not always right: it is when its map is one, and ends with the file. */
static bool is_right(const struct vdi_source *from, const struct vdi_header *hdr, bool *right,
		     struct img_err *err)
{
	struct vdi_shape shape;

	if (!vdi_measure_shape(from, hdr->map_off, hdr->n_blocks, true, &shape, err))
		return false;
	*right = !hdr->major || !hdr->n_blocks || shape.n < hdr->n_blocks ||
		 (!shape.bad && vdi_host(hdr, shape.end) - hdr->block_extra == from->size);
	return true;
}

static bool find_header(struct vdi_salvage *s, struct img_err *err)
{
	const struct vdi_source from = {
		.file = s->file, .size = s->file_size, .memory = s->memory,
	};
	struct search search = { .s = s };
	uint8_t raw[VDI_DECODE_LEN] = { 0 };
	bool right = false;
	size_t got;

	if (!img_store_read_some(s->file, 0, raw, sizeof(raw), &got, err))
		return false;
	search.legal = vdi_header_decode(raw, got, &s->hdr, NULL);
	if (search.legal && !is_right(&from, &s->hdr, &right, err))
		return false;
	vdi_header_fields(raw, &search.said);
	const struct vdi_candidates look = {
		.from = &from, .said = &search.said, .judge = judge, .ctx = &search,
	};
	return right || (vdi_candidates_each(&look, err) && take_best(&search, err));
}

bool vdi_salvage_header(struct vdi_salvage *s, uint64_t size, struct img_err *err)
{
	if (!find_header(s, err))
		return false;
	if (size) {
		s->hdr.size = img_min_u64(size, (uint64_t)s->hdr.n_blocks * s->hdr.block_size);
		s->told->size_guessed = false;
	}
	return true;
}
