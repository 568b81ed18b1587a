/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index: its pieces in memory, and where a block lies. */
#include "base/mem.h"
#include "base/num.h"
#include "format/cloop/cloop.h"

/* A piece has the entry behind its last block, too. */
enum { PIECE_ENTRIES = CLOOP_PIECE_BLOCKS + 1 };

bool cloop_index_init(struct cloop_index *ix, const struct cloop_header *hdr,
		      struct img_store *file, uint64_t file_size, struct img_err *err)
{
	const size_t n = img_div_up(hdr->n_blocks, CLOOP_PIECE_BLOCKS);

	*ix = (struct cloop_index){
		.hdr = hdr, .file = file, .file_size = file_size, .n_pieces = n,
		.pieces = img_calloc(img_max_u64(n, 1), sizeof(*ix->pieces), err),
		.places = ix->places, .n_places = ix->n_places,
	};
	return ix->pieces;
}

void cloop_index_clear(struct cloop_index *ix)
{
	for (size_t i = 0; ix->pieces && i < ix->n_pieces; i++)
		free(atomic_load(&ix->pieces[i]));
	free(ix->pieces);
	free(ix->places);
	*ix = (struct cloop_index){ 0 };
}

static uint64_t entry_off(const struct cloop_index *ix, uint64_t i)
{
	return ix->hdr->index_off + i * cloop_entry_len(ix->hdr);
}

/* Whether the file has the entries of block i and of the one behind it. */
static bool has_entries(const struct cloop_index *ix, uint32_t i)
{
	return entry_off(ix, (uint64_t)i + 2) <= ix->file_size;
}

static size_t entries_there(const struct cloop_index *ix, uint32_t first)
{
	const uint64_t at = entry_off(ix, first);
	const uint64_t left = at < ix->file_size
		? (ix->file_size - at) / cloop_entry_len(ix->hdr) : 0;

	return img_min_u64(img_min_u64(PIECE_ENTRIES, (uint64_t)ix->hdr->n_blocks + 1 - first), left);
}

static uint64_t *read_piece(const struct cloop_index *ix, uint32_t first, struct img_err *err)
{
	const size_t n = entries_there(ix, first), len = cloop_entry_len(ix->hdr);
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(PIECE_ENTRIES * CLOOP_ENTRY_LEN, err);
	uint64_t *piece = raw ? img_calloc(PIECE_ENTRIES, sizeof(*piece), err) : NULL;

	if (!piece)
		return NULL;
	if (n && !img_store_read(ix->file, entry_off(ix, first), raw, n * len, err)) {
		free(piece);
		img_within(err, _("index"));
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		piece[i] = cloop_entry_decode(ix->hdr, raw + i * len);
	return piece;
}

static const uint64_t *piece_of(struct cloop_index *ix, uint32_t i, struct img_err *err)
{
	_Atomic(uint64_t *) *slot = &ix->pieces[i / CLOOP_PIECE_BLOCKS];
	uint64_t *piece = atomic_load(slot), *other = NULL;

	if (piece)
		return piece;
	piece = read_piece(ix, i - i % CLOOP_PIECE_BLOCKS, err);
	if (!piece || atomic_compare_exchange_strong(slot, &other, piece))
		return piece;
	free(piece);	/* another thread was faster */
	return other;
}

bool cloop_index_get(struct cloop_index *ix, uint32_t i, struct cloop_place *out,
		     struct img_err *err)
{
	const uint64_t *piece, *entry;

	if (i < ix->n_places) {
		*out = ix->places[i];
		return true;
	}
	if (!has_entries(ix, i)) {
		*out = (struct cloop_place){ .bad = &cloop_found_index_cut };
		return true;
	}
	piece = piece_of(ix, i, err);
	if (!piece)
		return false;
	entry = &piece[i % CLOOP_PIECE_BLOCKS];
	*out = cloop_place_of(ix->hdr, i, entry[0], entry[1]);
	if (!out->bad && out->host + out->len > cloop_data_end(ix->hdr, ix->file_size))
		out->bad = &cloop_found_block_outside;
	return true;
}
