/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing a new image: each sector at its own place, bitmap and header at the end. */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/cow/cow.h"

static bool reserve(struct img_layer *ly, struct img_slot *slots, size_t n, struct img_err *err)
{
	const struct cow_header *hdr = &((const struct cow *)ly->priv)->header;

	(void)err;
	for (size_t i = 0; i < n; i++) {
		slots[i].store = ly->store;
		slots[i].host = hdr->data_off + slots[i].at;
	}
	return true;
}

static bool set_bits(struct cow *cow, uint64_t at, uint64_t len, struct img_err *err)
{
	const uint32_t sector = cow->header.sector;
	const uint64_t end = img_div_up(at + len, sector);
	uint64_t next;

	for (uint64_t first = at / sector; first < end; first = next) {
		_Atomic uint64_t *piece = cow_map_piece(&cow->map, first, err);

		if (!piece)
			return false;
		next = img_min_u64(end, (first / COW_PIECE_BITS + 1) * COW_PIECE_BITS);
		cow_piece_set(piece, first, next - first);
	}
	return true;
}

static bool publish(struct img_layer *ly, const struct img_slot *slots, size_t n,
		    struct img_err *err)
{
	for (size_t i = 0; i < n; i++)
		if (!set_bits(ly->priv, slots[i].at, slots[i].len, err))
			return false;
	return true;
}

static bool zero(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err)
{
	struct cow *cow = ly->priv;

	if (!cow->hides)
		return true;
	if (!cow->fresh &&
	    !img_store_zero(ly->store, cow->header.data_off + at, len, false, err))
		return false;
	return set_bits(cow, at, len, err);
}

/* ---- The end --------------------------------------------------------------------------------- */

static bool write_piece(struct cow *cow, struct img_store *st, size_t i, uint8_t *raw,
			struct img_err *err)
{
	const _Atomic uint64_t *piece = cow->map.pieces[i];
	const uint64_t at = (uint64_t)i * COW_PIECE_BYTES;
	const size_t len = img_min_u64(COW_PIECE_BYTES, cow_bitmap_bytes(&cow->header) - at);

	if (!piece && cow->fresh)
		return true;
	for (size_t k = 0; k < COW_PIECE_WORDS; k++)
		img_put_le64(raw + k * 8, piece ? piece[k] : 0);
	return img_store_write(st, cow->header.bitmap_off + at, raw, len, err);
}

static bool write_bitmap(struct cow *cow, struct img_store *st, struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(COW_PIECE_BYTES, err);

	if (!raw)
		return false;
	for (size_t i = 0; i < cow->map.n_pieces; i++)
		if (!write_piece(cow, st, i, raw, err))
			return false;
	return true;
}

/* As long as the disk, all of it holes, as uml_mkcow makes it. */
static bool set_length(const struct cow_header *hdr, struct img_store *st, struct img_err *err)
{
	const uint64_t end = cow_file_end(hdr);
	uint64_t length;

	if (!(st->caps & IMG_STORE_RESIZE))
		return true;
	return img_store_size(st, &length, err) &&
	       (length >= end || img_store_resize(st, end, err));
}

static bool finish(struct img_layer *ly, struct img_err *err)
{
	struct cow *cow = ly->priv;
	uint8_t raw[COW_DECODE_LEN];

	cow_header_encode(&cow->header, raw);
	/* Until the header is there the file is no image. */
	return set_length(&cow->header, ly->store, err) && write_bitmap(cow, ly->store, err) &&
	       img_store_write(ly->store, 0, raw, cow_layouts[cow->header.kind].len, err);
}

const struct img_write_ops cow_write_ops = {
	.reserve = reserve,
	.publish = publish,
	.zero = zero,
	.finish = finish,
};
