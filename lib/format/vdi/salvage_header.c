/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The header of a salvage.  Each field may be right, and each may be wrong: all combinations of what
 * the fields say and of what is usual are held against the shape of the map and the length of the
 * file, and the one that most speaks for is taken.
 */
#include "base/bytes.h"
#include "base/num.h"
#include "format/vdi/salvage.h"
#include "format/vdi/salvage_shape.h"

enum {
	BLOCKS_MOST	= 16 << 20,	/* that are looked for where no field says how many */
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
	uint32_t run;			/* entries up to the first bad one, of the map looked at */
	struct vdi_header best;
	struct vdi_shape best_shape;
	unsigned best_score;
	bool exact;			/* the best: file and map leave no doubt */
};

static bool is_block_size(uint32_t size)
{
	return img_is_pow2(size) && size >= VDI_SECTOR && size <= VDI_BLOCK_SIZE_MAX;
}

/* ---- Evidence -------------------------------------------------------------------------------- */

static uint64_t blocks_for(uint64_t size, uint32_t block_size)
{
	return size / block_size + (size % block_size != 0);
}

static unsigned score_fields(const struct search *search, const struct vdi_header *hdr)
{
	const struct vdi_header *said = &search->said;

	return SAYS_SO * ((hdr->map_off == said->map_off) + (hdr->data_off == said->data_off) +
			  (hdr->block_size == said->block_size) +
			  (hdr->n_blocks == said->n_blocks) +
			  (blocks_for(said->size, hdr->block_size) == hdr->n_blocks));
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

static void judge(struct search *search, const struct vdi_header *hdr,
		  const struct vdi_shape *shape)
{
	const unsigned map = score_map(shape), length = score_length(search, hdr, shape);
	const unsigned score = score_fields(search, hdr) + map + length +
			       (shape->end && shape->end == search->said.n_allocated ? SAYS_SO : 0) +
			       (shape->n == search->run ? RIGHT_RUN : 0) +
			       (is_as_said(search, hdr) && map < GOOD_MAP ? LEGAL : 0) +
			       (hdr->block_size == VDI_BLOCK_SIZE);

	if (score <= search->best_score)
		return;
	search->best = *hdr;
	search->best_shape = *shape;
	search->best_score = score;
	search->exact = map >= GOOD_MAP && length == RIGHT_LENGTH;
}

/* ---- Combinations ---------------------------------------------------------------------------- */

/* From where the blocks are counted: what size makes so many of them end with the file. */
static uint32_t size_of_blocks(const struct search *search, uint64_t data_off,
			       const struct vdi_shape *shape)
{
	const uint64_t room = search->s->file_size > data_off ? search->s->file_size - data_off : 0;
	const uint64_t size = shape->end ? room / shape->end : 0;

	return size <= VDI_BLOCK_SIZE_MAX ? (uint32_t)size : 0;
}

static void try_data_off(struct search *search, const struct vdi_shape *shape, uint64_t data_off)
{
	const uint32_t sizes[] = {
		search->said.block_size, VDI_BLOCK_SIZE, size_of_blocks(search, data_off, shape),
	};

	if (data_off > UINT32_MAX || data_off < shape->map_off + shape->n * VDI_ENTRY_LEN)
		return;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct vdi_header hdr = search->said;

		if (!is_block_size(sizes[i]))
			continue;
		hdr.map_off = shape->map_off;
		hdr.data_off = (uint32_t)data_off;
		hdr.block_size = sizes[i];
		hdr.n_blocks = shape->n;
		hdr.block_extra = 0;
		judge(search, &hdr, shape);
		hdr.block_extra = search->said.block_extra;
		if (hdr.block_extra && is_block_size(hdr.block_extra))
			judge(search, &hdr, shape);
	}
}

static void try_shape(struct search *search, const struct vdi_shape *shape)
{
	const uint64_t end = shape->map_off + (uint64_t)shape->n * VDI_ENTRY_LEN;

	try_data_off(search, shape, search->said.data_off);
	try_data_off(search, shape, img_round_up(end, VDI_SECTOR));
	try_data_off(search, shape, img_round_up(end, VDI_ALIGN));
}

static bool try_map(struct search *search, uint32_t map_off, uint64_t n, struct img_err *err)
{
	const uint64_t size = search->s->file_size;
	struct vdi_shape shape;

	if (!n || n > VDI_BLOCKS_MAX || map_off >= size || n > (size - map_off) / VDI_ENTRY_LEN)
		return true;
	if (!vdi_measure_shape(search->s->file, size, map_off, (uint32_t)n, true, &shape, err))
		return false;
	try_shape(search, &shape);
	return true;
}

/* Maps of as many entries as a field says, as the disk needs, and as there seem to be. */
static bool try_map_off(struct search *search, uint32_t map_off, struct img_err *err)
{
	const struct vdi_header *said = &search->said;
	const uint32_t block = is_block_size(said->block_size) ? said->block_size : VDI_BLOCK_SIZE;
	const uint64_t size = search->s->file_size;
	const uint64_t most = img_min_u64(map_off < size ? (size - map_off) / VDI_ENTRY_LEN : 0,
					  BLOCKS_MOST);

	struct vdi_shape run;

	if (!most)
		return true;
	if (!vdi_measure_shape(search->s->file, size, map_off, (uint32_t)most, false, &run, err))
		return false;
	search->run = run.n;
	return try_map(search, map_off, said->n_blocks, err) &&
	       try_map(search, map_off, blocks_for(said->size, block), err) &&
	       try_map(search, map_off, run.n, err);
}

/* Where VirtualBox has it now and had it once, and QEMU; and where the header says. */
static bool try_all(struct search *search, struct img_err *err)
{
	static const uint32_t usual[] = { VDI_SECTOR, VDI_ALIGN, 4096 };

	if (search->said.map_off >= VDI_HDR_END &&
	    !try_map_off(search, search->said.map_off, err))
		return false;
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++)
		if (!try_map_off(search, usual[i], err))
			return false;
	return true;
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

	if (blocks_for(hdr->size, hdr->block_size) == hdr->n_blocks)
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
static bool is_right(const struct vdi_salvage *s, const struct vdi_header *hdr, bool *right,
		     struct img_err *err)
{
	struct vdi_shape shape;

	if (!vdi_measure_shape(s->file, s->file_size, hdr->map_off, hdr->n_blocks, true, &shape,
			       err))
		return false;
	*right = !hdr->major || !hdr->n_blocks || shape.n < hdr->n_blocks ||
		 (!shape.bad && vdi_host(hdr, shape.end) - hdr->block_extra == s->file_size);
	return true;
}

static bool find_header(struct vdi_salvage *s, struct img_err *err)
{
	struct search search = { .s = s };
	uint8_t raw[VDI_DECODE_LEN] = { 0 };
	bool right = false;
	size_t got;

	if (!img_store_read_some(s->file, 0, raw, sizeof(raw), &got, err))
		return false;
	search.legal = vdi_header_decode(raw, got, &s->hdr, NULL);
	if (search.legal && !is_right(s, &s->hdr, &right, err))
		return false;
	vdi_header_fields(raw, &search.said);
	return right || (try_all(&search, err) && take_best(&search, err));
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
