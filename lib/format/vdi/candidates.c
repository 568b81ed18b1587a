/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Combinations of the fields of a header, each of which may be right or wrong. */
#include "format/vdi/candidates.h"

#include "base/num.h"

static const uint32_t usual[] = { VDI_SECTOR, VDI_ALIGN, 4096 };	/* places of maps */

enum { BLOCKS_MOST = 16 << 20 };	/* that are looked for where no field says how many */

static bool is_block_size(uint32_t size)
{
	return img_is_pow2(size) && size >= VDI_SECTOR && size <= VDI_BLOCK_SIZE_MAX;
}

/* From where the blocks are counted: what size makes so many of them end with the file. */
static uint32_t size_of_blocks(const struct vdi_candidates *look, uint64_t data_off,
			       const struct vdi_shape *shape)
{
	const uint64_t room = look->from->size > data_off ? look->from->size - data_off : 0;
	const uint64_t size = shape->end ? room / shape->end : 0;

	return size <= VDI_BLOCK_SIZE_MAX ? (uint32_t)size : 0;
}

/* one has its map. */
static void try_data_off(const struct vdi_candidates *look, struct vdi_candidate *one,
			 uint64_t data_off)
{
	const struct vdi_shape *shape = one->shape;
	const uint32_t sizes[] = {
		look->said->block_size, VDI_BLOCK_SIZE, size_of_blocks(look, data_off, shape),
	};

	if (data_off > UINT32_MAX || data_off < shape->map_off + (uint64_t)shape->n * VDI_ENTRY_LEN)
		return;
	one->hdr.data_off = (uint32_t)data_off;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		if (!is_block_size(sizes[i]))
			continue;
		one->hdr.block_size = sizes[i];
		one->hdr.block_extra = 0;
		look->judge(look->ctx, one);
		one->hdr.block_extra = look->said->block_extra;
		if (one->hdr.block_extra && is_block_size(one->hdr.block_extra))
			look->judge(look->ctx, one);
	}
}

static bool try_map(const struct vdi_candidates *look, uint32_t map_off, uint32_t run, uint64_t n,
		    struct img_err *err)
{
	const uint64_t size = look->from->size;
	struct vdi_shape shape;
	struct vdi_candidate one = { .hdr = *look->said, .shape = &shape, .run = run };

	if (!n || n > VDI_BLOCKS_MAX || map_off >= size || n > (size - map_off) / VDI_ENTRY_LEN)
		return true;
	if (!vdi_measure_shape(look->from, map_off, (uint32_t)n, true, &shape, err))
		return false;
	const uint64_t end = map_off + n * VDI_ENTRY_LEN;

	one.hdr.map_off = map_off;
	one.hdr.n_blocks = (uint32_t)n;
	try_data_off(look, &one, look->said->data_off);
	try_data_off(look, &one, img_round_up(end, VDI_SECTOR));
	try_data_off(look, &one, img_round_up(end, VDI_ALIGN));
	return true;
}

/* Maps of as many entries as a field says, as the disk needs, and as there seem to be. */
static bool try_map_off(const struct vdi_candidates *look, uint32_t map_off, struct img_err *err)
{
	const struct vdi_header *said = look->said;
	const uint32_t block = is_block_size(said->block_size) ? said->block_size : VDI_BLOCK_SIZE;
	const uint64_t size = look->from->size;
	const uint64_t most = img_min_u64(map_off < size ? (size - map_off) / VDI_ENTRY_LEN : 0,
					  BLOCKS_MOST);
	struct vdi_shape run;

	if (!most)
		return true;
	if (!vdi_measure_shape(look->from, map_off, (uint32_t)most, false, &run, err))
		return false;
	return try_map(look, map_off, run.n, said->n_blocks, err) &&
	       try_map(look, map_off, run.n, vdi_blocks_for(said->size, block), err) &&
	       try_map(look, map_off, run.n, run.n, err);
}

bool vdi_is_usual_map_off(uint32_t map_off)
{
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++)
		if (map_off == usual[i])
			return true;
	return false;
}

bool vdi_candidates_each(const struct vdi_candidates *look, struct img_err *err)
{
	if (look->said->map_off >= VDI_HDR_END && !try_map_off(look, look->said->map_off, err))
		return false;
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++)
		if (!try_map_off(look, usual[i], err))
			return false;
	return true;
}
