/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The block map: its pieces in memory, and guest offset to extent. */
#include <stdatomic.h>
#include "base/bytes.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/vdi/vdi.h"

bool vdi_map_init(struct vdi_map *map, const struct vdi_header *hdr, struct img_store *file,
		  uint64_t cache_size, struct img_err *err)
{
	const size_t n = img_div_up(hdr->n_blocks, VDI_PIECE_ENTRIES);
	uint64_t file_size;

	if (!img_store_size(file, &file_size, err))
		return false;
	*map = (struct vdi_map){
		.hdr = hdr, .file = file, .file_size = file_size, .n_pieces = n,
		.pieces = img_calloc(img_max_u64(n, 1), sizeof(*map->pieces), err),
	};
	return map->pieces &&
	       img_looks_init_if_needed(&map->looks, n, VDI_PIECE_ENTRIES * VDI_ENTRY_LEN, cache_size,
					err);
}

void vdi_map_clear(struct vdi_map *map)
{
	for (size_t i = 0; map->pieces && i < map->n_pieces; i++)
		free(atomic_load(&map->pieces[i]));
	free(map->pieces);
	img_looks_clear(&map->looks);
	*map = (struct vdi_map){ 0 };
}

/* ---- Pieces ---------------------------------------------------------------------------------- */

bool vdi_map_has(const struct vdi_map *map, uint32_t index)
{
	return vdi_entry_off(map->hdr, index) + VDI_ENTRY_LEN <= map->file_size;
}

/* How many of the entries from first on, VDI_PIECE_ENTRIES at most, the map and the file have. */
static size_t entries_there(const struct vdi_map *map, uint32_t first)
{
	const uint64_t at = vdi_entry_off(map->hdr, first);
	const uint64_t left = at < map->file_size ? (map->file_size - at) / VDI_ENTRY_LEN : 0;

	return img_min_u64(img_min_u64(VDI_PIECE_ENTRIES, map->hdr->n_blocks - first), left);
}

static _Atomic uint32_t *read_piece(const struct vdi_map *map, uint32_t first, struct img_err *err)
{
	const size_t n = entries_there(map, first);
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(VDI_PIECE_ENTRIES * VDI_ENTRY_LEN, err);
	_Atomic uint32_t *piece = raw ? img_calloc(VDI_PIECE_ENTRIES, sizeof(*piece), err) : NULL;

	if (!piece)
		return NULL;
	if (n && !img_store_read(map->file, vdi_entry_off(map->hdr, first), raw, n * VDI_ENTRY_LEN, err)) {
		free(piece);
		img_within(err, _("block map"));
		return NULL;
	}
	for (size_t i = 0; i < VDI_PIECE_ENTRIES; i++)
		atomic_init(&piece[i], i < n ? img_get_le32(raw + i * VDI_ENTRY_LEN)
					     : VDI_ENTRY_FREE);
	return piece;
}

_Atomic uint32_t *vdi_map_piece(struct vdi_map *map, uint32_t index, struct img_err *err)
{
	_Atomic(_Atomic uint32_t *) *slot = &map->pieces[index / VDI_PIECE_ENTRIES];
	_Atomic uint32_t *piece = atomic_load(slot), *other = NULL;

	if (piece)
		return piece;
	piece = read_piece(map, index - index % VDI_PIECE_ENTRIES, err);
	if (!piece || atomic_compare_exchange_strong(slot, &other, piece))
		return piece;
	free(piece);	/* another thread was faster */
	return other;
}

/* As looks want it. */
static void *read_to_look(const void *ctx, uint64_t number, struct img_err *err)
{
	return read_piece(ctx, (uint32_t)(number * VDI_PIECE_ENTRIES), err);
}

/* The same as vdi_map_piece(), for as long as *held is. */
static const _Atomic uint32_t *look_at_piece(struct vdi_map *map, uint32_t index,
					     pthread_mutex_t **held, struct img_err *err)
{
	const uint32_t number = index / VDI_PIECE_ENTRIES;

	if (!map->looks.v || atomic_load(&map->pieces[number]))
		return vdi_map_piece(map, index, err);
	*held = img_lock(&map->looks.lock);
	return img_looks_at(&map->looks, number, read_to_look, map, err);
}

static bool add_pieces(struct vdi_map *map, size_t n, struct img_err *err)
{
	_Atomic(_Atomic uint32_t *) *pieces = img_grow(map->pieces, img_max_u64(n, 1),
						       sizeof(*pieces), err);

	if (!pieces)
		return false;
	map->pieces = pieces;
	for (; map->n_pieces < n; map->n_pieces++) {
		_Atomic uint32_t *piece = img_calloc(VDI_PIECE_ENTRIES, sizeof(*piece), err);

		if (!piece)
			return false;
		for (size_t i = 0; i < VDI_PIECE_ENTRIES; i++)
			atomic_init(&piece[i], VDI_ENTRY_FREE);
		atomic_init(&pieces[map->n_pieces], piece);
	}
	return true;
}

bool vdi_map_resize(struct vdi_map *map, uint32_t old, struct img_err *err)
{
	const uint32_t n = map->hdr->n_blocks;

	for (uint32_t i = n; i < old; i++)
		map->pieces[i / VDI_PIECE_ENTRIES][i % VDI_PIECE_ENTRIES] = VDI_ENTRY_FREE;
	while (map->n_pieces > img_div_up(n, VDI_PIECE_ENTRIES))
		free(atomic_load(&map->pieces[--map->n_pieces]));
	return add_pieces(map, img_div_up(n, VDI_PIECE_ENTRIES), err);
}

static void encode_piece(const _Atomic uint32_t *piece, uint32_t n, uint8_t *raw)
{
	for (uint32_t i = 0; i < n; i++)
		img_put_le32(raw + i * VDI_ENTRY_LEN, piece ? piece[i] : VDI_ENTRY_FREE);
}

bool vdi_map_write(const struct vdi_map *map, struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(VDI_PIECE_ENTRIES * VDI_ENTRY_LEN, err);

	if (!raw)
		return false;
	for (uint32_t first = 0; first < map->hdr->n_blocks; first += VDI_PIECE_ENTRIES) {
		const uint32_t n = (uint32_t)img_min_u64(VDI_PIECE_ENTRIES,
							 map->hdr->n_blocks - first);

		encode_piece(map->pieces[first / VDI_PIECE_ENTRIES], n, raw);
		if (!img_store_write(map->file, vdi_entry_off(map->hdr, first), raw,
				     n * VDI_ENTRY_LEN, err))
			return false;
	}
	return true;
}

/* ---- Extents --------------------------------------------------------------------------------- */

const struct img_finding_kind *vdi_entry_damage(const struct vdi_header *hdr, uint32_t entry)
{
	return entry < hdr->n_blocks ? NULL : &vdi_found_map_beyond;
}

static void lose(struct img_extent *ex, enum img_code loss, const struct img_finding_kind *kind)
{
	ex->kind = IMG_EXTENT_LOST;
	ex->loss = loss;
	ex->why = kind->text;
}

/* Bytes [skip, skip + ex->len) of a block that has its place in the file. */
static void place(const struct vdi_map *map, uint32_t entry, uint32_t skip, struct img_extent *ex)
{
	const uint64_t host = vdi_host(map->hdr, entry) + skip;

	if (vdi_entry_damage(map->hdr, entry)) {
		lose(ex, IMG_E_CORRUPT, vdi_entry_damage(map->hdr, entry));
		return;
	}
	if (host >= map->file_size) {
		lose(ex, IMG_E_INCOMPLETE, &vdi_found_map_outside);
		return;
	}
	ex->kind = IMG_EXTENT_DATA;
	ex->len = img_min_u64(ex->len, map->file_size - host);
	ex->store = map->file;
	ex->host = host;
	ex->host_len = ex->len;
}

/* What is in one block, from at to limit or to the block's end. */
static void block_extent(const struct vdi_map *map, uint32_t entry, uint64_t at, uint64_t limit,
			 struct img_extent *ex)
{
	const uint32_t skip = (uint32_t)(at % map->hdr->block_size);

	*ex = (struct img_extent){
		.start = at, .len = img_min_u64(map->hdr->block_size - skip, limit - at),
	};
	if (!vdi_map_has(map, (uint32_t)(at / map->hdr->block_size)))
		lose(ex, IMG_E_INCOMPLETE, &vdi_found_map_cut);
	else if (entry == VDI_ENTRY_FREE)
		ex->kind = IMG_EXTENT_HOLE;
	else if (entry == VDI_ENTRY_ZERO)
		ex->kind = IMG_EXTENT_ZERO;
	else
		place(map, entry, skip, ex);
}

/* Holes of the file, as there are many in fixed images, are zeros that need not be read. */
static bool look_for_holes(const struct vdi_map *map, struct img_extent *ex, struct img_err *err)
{
	struct img_extent stored;

	if (ex->kind != IMG_EXTENT_DATA || !(map->file->caps & IMG_STORE_EXTENTS))
		return true;
	if (!img_store_extent(map->file, ex->host, ex->host + ex->len, &stored, err))
		return false;
	ex->kind = stored.kind;
	ex->zero_in_store = stored.zero_in_store;
	ex->len = ex->host_len = stored.len;
	return true;
}

static bool entries_extent(struct vdi_map *map, uint64_t at, uint64_t limit, struct img_extent *out,
			   struct img_err *err)
{
	uint32_t index = (uint32_t)(at / map->hdr->block_size);
	IMG_AUTO_UNLOCK pthread_mutex_t *held = NULL;
	const _Atomic uint32_t *piece = look_at_piece(map, index, &held, err);
	struct img_extent next;

	if (!piece)
		return false;
	block_extent(map, piece[index % VDI_PIECE_ENTRIES], at, limit, out);
	/* Neighbours cost nothing as long as they are in memory. */
	while (out->start + out->len < limit && ++index % VDI_PIECE_ENTRIES) {
		block_extent(map, piece[index % VDI_PIECE_ENTRIES], out->start + out->len, limit,
			     &next);
		if (!img_extent_join(out, &next))
			break;
	}
	return true;
}

bool vdi_map_extent(struct vdi_map *map, uint64_t at, uint64_t limit, struct img_extent *out,
		    struct img_err *err)
{
	return entries_extent(map, at, limit, out, err) && look_for_holes(map, out, err);
}
