/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a damaged header must have said.  Five witnesses are asked, of which a wrong field makes at
 * least two fail, while a file that was cut off or has something behind it makes one:
 *
 *	the map has as many entries as the disk needs
 *	the map names each block up to the highest once
 *	the file ends with that block, or with as many as are said to be allocated
 *	the map lies where it usually does
 *	the data lie where they usually do behind it, with nothing between them
 *
 * A field is derived where one value of one field alone satisfies all of them.
 */
#include <string.h>
#include "base/bytes.h"
#include "base/num.h"
#include "extent/extent.h"
#include "format/vdi/candidates.h"
#include "format/vdi/repair.h"

enum { FAILING_MIN = 2 };

static bool is_usual_place(const struct vdi_header *hdr)
{
	const uint64_t end = hdr->map_off + (uint64_t)hdr->n_blocks * VDI_ENTRY_LEN;

	return !hdr->block_extra && (hdr->data_off == img_round_up(end, VDI_SECTOR) ||
				     hdr->data_off == img_round_up(end, VDI_ALIGN));
}

/* No entry is impossible. */
static bool is_legal_map(const struct vdi_header *hdr, const struct vdi_shape *shape)
{
	return shape->n == hdr->n_blocks && !shape->bad;
}

/* Each block up to the highest has one entry, and in an image of fixed size its own. */
static bool is_map(const struct vdi_header *hdr, const struct vdi_shape *shape)
{
	return is_legal_map(hdr, shape) && shape->named && shape->named == shape->end &&
	       (hdr->type != VDI_TYPE_FIXED || shape->placed == shape->n);
}

static bool is_end(const struct vdi_header *hdr, uint32_t n, uint64_t file_size)
{
	return hdr->data_off + n * vdi_stride(hdr) == file_size;
}

/* How many of the witnesses contradict hdr, which has a map of that shape. */
static unsigned count_failing(const struct vdi_header *hdr, const struct vdi_shape *shape,
			      uint64_t file_size)
{
	return (vdi_blocks_for(hdr->size, hdr->block_size) != hdr->n_blocks) +
	       !is_map(hdr, shape) +
	       !(is_end(hdr, shape->end, file_size) || is_end(hdr, hdr->n_allocated, file_size)) +
	       !vdi_is_usual_map_off(hdr->map_off) + !is_usual_place(hdr);
}

/* ---- Which combination ----------------------------------------------------------------------- */

struct derive {
	uint64_t file_size;
	const struct vdi_header *said;
	struct vdi_header found;
	bool placed;			/* with the map of an image of fixed size */
	bool any, many;			/* there is one, and another one */
};

static unsigned count_changes(const struct vdi_header *a, const struct vdi_header *b)
{
	return (a->map_off != b->map_off) + (a->data_off != b->data_off) +
	       (a->block_size != b->block_size) + (a->block_extra != b->block_extra) +
	       (a->n_blocks != b->n_blocks);
}

static void judge(void *ctx, const struct vdi_candidate *one)
{
	struct derive *d = ctx;

	if (count_changes(d->said, &one->hdr) > 1 ||
	    count_failing(&one->hdr, one->shape, d->file_size))
		return;
	d->many |= d->any && count_changes(&d->found, &one->hdr);
	d->found = one->hdr;
	d->placed = one->shape->placed == one->shape->n;
	d->any = true;
}

/*
 * Of what is legal it takes more than one witness to call it wrong.  *wrong: it is even if blocks that
 * nobody names are taken for blocks that were given up.
 */
static bool is_in_doubt(const struct vdi_source *from, const uint8_t *raw, bool *doubt,
			bool *wrong, struct img_err *err)
{
	struct vdi_header hdr;
	struct vdi_shape shape;
	unsigned failing;

	*doubt = *wrong = true;
	if (!vdi_header_decode(raw, VDI_DECODE_LEN, &hdr, NULL))
		return true;
	if (!vdi_measure_shape(from, hdr.map_off, hdr.n_blocks, true, &shape, err))
		return false;
	failing = hdr.n_blocks ? count_failing(&hdr, &shape, from->size) : 0;
	*doubt = failing >= FAILING_MIN;
	if (failing && is_legal_map(&hdr, &shape) && !is_map(&hdr, &shape))
		failing--;
	*wrong = *doubt && failing >= FAILING_MIN;
	return true;
}

/* ---- To bytes -------------------------------------------------------------------------------- */

static bool is_one_bit_away(enum vdi_type type, enum vdi_type from)
{
	return __builtin_popcount(type ^ from) == 1;
}

/*
 * Whether there is a parent the UUIDs tell.  Dynamic is true of any image that has none; one of fixed
 * size is known by its map and by the bit that is wrong.
 */
static bool mend_type(const struct derive *d, uint8_t *raw)
{
	const struct vdi_header *said = d->said;
	const bool parent = !img_uuid_is_nil(&said->parent);
	enum vdi_type type = parent ? VDI_TYPE_DIFFERENCING : VDI_TYPE_DYNAMIC;

	if (said->type >= VDI_TYPE_DYNAMIC && said->type <= VDI_TYPE_DIFFERENCING)
		return true;
	if (!parent && d->placed && is_one_bit_away(said->type, VDI_TYPE_FIXED) &&
	    !is_one_bit_away(said->type, VDI_TYPE_DYNAMIC))
		type = VDI_TYPE_FIXED;
	img_put_le32(raw + VDI_HDR_TYPE, type);
	return parent != img_uuid_is_nil(&said->parent_modified);
}

/* Whether the header goes on behind its fields the geometry there tells. */
static bool mend_length(uint8_t *raw)
{
	const bool plus = img_get_le32(raw + VDI_HDR_GEOMETRY + VDI_GEOMETRY_SECTOR) == VDI_SECTOR;

	if (img_get_le32(raw + VDI_HDR_LEN) >= VDI_HDR_END - VDI_HDR_LEN)
		return true;
	img_put_le32(raw + VDI_HDR_LEN, (plus ? VDI_HDR_END_PLUS : VDI_HDR_END) - VDI_HDR_LEN);
	return plus || img_is_zero(raw + VDI_HDR_END, VDI_HDR_END_PLUS - VDI_HDR_END);
}

/* Changes raw to what hdr says; false: something else in it is wrong, too. */
static bool mend(const struct derive *d, uint8_t *raw)
{
	const struct vdi_header *hdr = &d->found;
	struct vdi_header mended;

	img_put_le32(raw + VDI_PRE_MAGIC, VDI_MAGIC);
	img_put_le32(raw + VDI_HDR_MAP_OFF, hdr->map_off);
	img_put_le32(raw + VDI_HDR_DATA_OFF, hdr->data_off);
	img_put_le32(raw + VDI_HDR_BLOCK_SIZE, hdr->block_size);
	img_put_le32(raw + VDI_HDR_BLOCK_EXTRA, hdr->block_extra);
	img_put_le32(raw + VDI_HDR_BLOCKS, hdr->n_blocks);
	return mend_type(d, raw) && mend_length(raw) &&
	       vdi_header_decode(raw, VDI_DECODE_LEN, &mended, NULL) && mended.major == 1;
}

/* ---- All of it ------------------------------------------------------------------------------- */

bool vdi_header_derive(const struct vdi_source *from, uint8_t *raw, enum vdi_belief *belief,
		       struct img_err *err)
{
	struct vdi_header said = { 0 };
	struct derive d = { .file_size = from->size, .said = &said };
	const struct vdi_candidates look = {
		.from = from, .said = &said, .judge = judge, .ctx = &d,
	};
	uint8_t old[VDI_DECODE_LEN];
	size_t got;
	bool doubt, wrong;

	*belief = VDI_BELIEVED;
	if (!img_store_read_some(from->file, 0, raw, VDI_DECODE_LEN, &got, err))
		return false;
	if (got < VDI_DECODE_LEN || img_get_le16(raw + VDI_PRE_VERSION + 2) != 1)
		return true;
	memcpy(old, raw, sizeof(old));
	vdi_header_fields(raw, &said);
	if (!is_in_doubt(from, raw, &doubt, &wrong, err) ||
	    (doubt && !vdi_candidates_each(&look, err)))
		return false;
	if (d.any && !d.many && mend(&d, raw) && memcmp(old, raw, sizeof(old)) != 0)
		*belief = VDI_DERIVED;
	else if (wrong)
		*belief = VDI_DOUBTED;
	return true;
}

bool vdi_repair_header(struct vdi_repair *r, enum vdi_belief *belief, struct img_err *err)
{
	const struct vdi_source from = {
		.file = r->file, .size = r->file_size, .memory = r->how->memory,
	};
	uint8_t raw[VDI_DECODE_LEN];

	if (!vdi_header_derive(&from, raw, belief, err))
		return false;
	return *belief != VDI_DERIVED || (img_store_write(r->file, 0, raw, sizeof(raw), err) &&
					  img_store_sync(r->file, err));
}
