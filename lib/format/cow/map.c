/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bitmap: its pieces in memory, and guest offset to extent. */
#include <stdatomic.h>
#include "base/bytes.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/cow/cow.h"

bool cow_map_init(struct cow_map *map, const struct cow_header *hdr, struct img_store *file,
		  uint64_t cache_size, struct img_err *err)
{
	const size_t n = img_div_up(hdr->n_bits, COW_PIECE_BITS);
	const uint64_t n_looks = img_max_u64(1, img_min_u64(n, cache_size / COW_PIECE_BYTES));
	uint64_t file_size;

	if (!img_store_size(file, &file_size, err))
		return false;
	*map = (struct cow_map){
		.hdr = hdr, .file = file, .file_size = file_size, .n_pieces = n,
		.pieces = img_calloc(n + 1, sizeof(*map->pieces), err),
	};
	return map->pieces && img_looks_init(&map->looks, n_looks, err);
}

void cow_map_clear(struct cow_map *map)
{
	if (!map->pieces)
		return;
	for (size_t i = 0; i < map->n_pieces; i++)
		free(atomic_load(&map->pieces[i]));
	free(map->pieces);
	img_looks_clear(&map->looks);
	*map = (struct cow_map){ 0 };
}

/* ---- Pieces ---------------------------------------------------------------------------------- */

uint64_t cow_map_bits_there(const struct cow_map *map)
{
	const uint64_t off = map->hdr->bitmap_off, size = map->file_size;
	const uint64_t bytes = size > off ? size - off : 0;

	return bytes >= cow_bitmap_bytes(map->hdr) ? map->hdr->n_bits : bytes * 8;
}

static _Atomic uint64_t *read_piece(const struct cow_map *map, uint64_t index, struct img_err *err)
{
	const uint64_t at = index * COW_PIECE_BYTES;
	const uint64_t there = img_div_up(cow_map_bits_there(map), 8);
	const size_t len = there > at ? img_min_u64(there - at, COW_PIECE_BYTES) : 0;
	IMG_AUTO_FREE uint8_t *raw = img_calloc(COW_PIECE_WORDS, 8, err);
	_Atomic uint64_t *piece = raw ? img_calloc(COW_PIECE_WORDS, sizeof(*piece), err) : NULL;

	if (!piece)
		return NULL;
	if (len && !img_store_read(map->file, map->hdr->bitmap_off + at, raw, len, err)) {
		free(piece);
		img_within(err, _("bitmap"));
		return NULL;
	}
	for (size_t i = 0; i < COW_PIECE_WORDS; i++)
		atomic_init(&piece[i], img_get_le64(raw + i * 8));
	return piece;
}

_Atomic uint64_t *cow_map_piece(struct cow_map *map, uint64_t bit, struct img_err *err)
{
	_Atomic(_Atomic uint64_t *) *slot = &map->pieces[bit / COW_PIECE_BITS];
	_Atomic uint64_t *piece = atomic_load(slot), *other = NULL;

	if (piece)
		return piece;
	piece = read_piece(map, bit / COW_PIECE_BITS, err);
	if (!piece || atomic_compare_exchange_strong(slot, &other, piece))
		return piece;
	free(piece);	/* another thread was faster */
	return other;
}

void cow_map_forget(struct cow_map *map, uint64_t bit)
{
	free(atomic_exchange(&map->pieces[bit / COW_PIECE_BITS], NULL));
}

/* As looks want it. */
static void *read_to_look(const void *ctx, uint64_t index, struct img_err *err)
{
	return read_piece(ctx, index, err);
}

/*
 * As cow_piece_run(), without keeping a piece that nobody has.  Of what is changed there is no look: the
 * piece that is kept knows more.
 */
static bool find_run(struct cow_map *map, uint64_t first, uint64_t end, uint64_t *n, bool *set,
		     struct img_err *err)
{
	const uint64_t index = first / COW_PIECE_BITS;
	const _Atomic uint64_t *piece = atomic_load(&map->pieces[index]);

	if (piece) {
		*n = cow_piece_run(piece, first, end, set);
		return true;
	}
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&map->looks.lock);

	piece = img_looks_at(&map->looks, index, read_to_look, map, err);
	if (piece)
		*n = cow_piece_run(piece, first, end, set);
	return piece;
}

uint64_t cow_piece_run(const _Atomic uint64_t *piece, uint64_t first, uint64_t end, bool *set)
{
	const uint64_t stop = img_min_u64(end, (first / COW_PIECE_BITS + 1) * COW_PIECE_BITS);
	uint64_t at = first, word = piece[at % COW_PIECE_BITS / 64];

	/* Others may set bits meanwhile: one look tells which kind of run it is, and that it has a bit. */
	*set = word >> at % 64 & 1;
	while (at < stop) {
		const uint64_t others = (*set ? ~word : word) >> at % 64;

		if (others)
			return img_min_u64(at + (unsigned)__builtin_ctzll(others), stop) - first;
		at = (at / 64 + 1) * 64;
		word = piece[at % COW_PIECE_BITS / 64];
	}
	return stop - first;
}

uint64_t cow_piece_run_back(const _Atomic uint64_t *piece, uint64_t end, bool *set)
{
	const uint64_t stop = (end - 1) / COW_PIECE_BITS * COW_PIECE_BITS;
	uint64_t at = end;

	*set = piece[(end - 1) % COW_PIECE_BITS / 64] >> (end - 1) % 64 & 1;
	while (at > stop) {
		const uint64_t word = piece[(at - 1) % COW_PIECE_BITS / 64];
		const unsigned used = (at - 1) % 64 + 1;
		const uint64_t others = (*set ? ~word : word) << (64 - used);

		if (others)
			return end - at + (unsigned)__builtin_clzll(others);
		at -= used;
	}
	return end - stop;
}

void cow_piece_set(_Atomic uint64_t *piece, uint64_t first, uint64_t n)
{
	const uint64_t end = first + n;
	uint64_t next;

	for (uint64_t at = first; at < end; at = next) {
		next = img_min_u64(end, (at / 64 + 1) * 64);
		piece[at % COW_PIECE_BITS / 64] |= UINT64_MAX >> (64 - (next - at)) << at % 64;
	}
}

/* ---- Holes of the bitmap --------------------------------------------------------------------- */

/* Bits [first, first + *n) of pieces that nobody keeps, at most to end: the file has a hole for them. */
static bool find_hollow(struct cow_map *map, uint64_t first, uint64_t end, uint64_t *n,
			struct img_err *err)
{
	const uint64_t at = map->hdr->bitmap_off + first / 8;
	uint64_t stop = first;
	struct img_extent ex;

	*n = 0;
	if (!img_store_extent(map->file, at, at + img_div_up(end - first, 8), &ex, err))
		return false;
	if (ex.kind != IMG_EXTENT_ZERO)
		return true;
	end = img_min_u64(end, first + ex.len * 8);
	while (stop < end && !atomic_load(&map->pieces[stop / COW_PIECE_BITS]))
		stop += COW_PIECE_BITS;
	*n = img_min_u64(stop, end) - first;
	return true;
}

/* Bits [first, first + *n) are not set, up to the end of a piece, perhaps: adds those behind it. */
static bool skip_hollow(struct cow_map *map, uint64_t first, uint64_t end, uint64_t *n,
			struct img_err *err)
{
	const uint64_t next = first + *n;
	uint64_t more;

	if (next >= end || next % COW_PIECE_BITS)
		return true;
	if (!find_hollow(map, next, end, &more, err))
		return false;
	*n += more;
	return true;
}

/* ---- Extents --------------------------------------------------------------------------------- */

static void lose(struct img_extent *ex, const struct img_finding_kind *kind)
{
	ex->kind = IMG_EXTENT_LOST;
	ex->loss = IMG_E_INCOMPLETE;
	ex->why = kind->text;
}

/* Guest bytes that are in the file; ex has the range. */
static void place(const struct cow_map *map, struct img_extent *ex)
{
	const uint64_t host = map->hdr->data_off + ex->start, file_size = map->file_size;

	if (host >= file_size) {
		lose(ex, &cow_found_data_outside);
		return;
	}
	ex->kind = IMG_EXTENT_DATA;
	ex->len = img_min_u64(ex->len, file_size - host);
	ex->store = map->file;
	ex->host = host;
	ex->host_len = ex->len;
}

bool cow_map_extent(struct cow_map *map, uint64_t at, uint64_t limit, struct img_extent *out,
		    struct img_err *err)
{
	const struct cow_header *hdr = map->hdr;
	const uint64_t first = at / hdr->sector, end = img_div_up(limit, hdr->sector);
	const uint64_t there = cow_map_bits_there(map);
	uint64_t n;
	bool set;

	*out = (struct img_extent){ .start = at, .len = limit - at, .kind = IMG_EXTENT_HOLE };
	if (first >= hdr->n_bits)
		return true;
	if (first >= there) {
		out->len = img_min_u64(hdr->n_bits * hdr->sector, limit) - at;
		lose(out, &cow_found_bitmap_cut);
		return true;
	}
	if (!find_run(map, first, img_min_u64(end, there), &n, &set, err) ||
	    (!set && !skip_hollow(map, first, img_min_u64(end, there), &n, err)))
		return false;
	out->len = img_min_u64((first + n) * hdr->sector, limit) - at;
	if (set)
		place(map, out);
	return true;
}
