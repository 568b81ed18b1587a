/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small images made by hand, in memory: the header, the map behind it, then blocks. */
#ifndef TESTS_VDI_SAMPLE_H
#define TESTS_VDI_SAMPLE_H

#include <criterion/criterion.h>
#include "base/bytes.h"
#include "format/vdi/vdi.h"

enum { SAMPLE_BLOCK = 512, SAMPLE_MAP = 512, SAMPLE_BYTES = 256 << 10 };

struct sample {
	struct vdi_header hdr;
	uint8_t *bytes;			/* SAMPLE_BYTES */
	struct img_layer ly;
};

/* A dynamic image of n blocks; may be changed until sample_start(). */
static inline struct vdi_header sample_header(uint32_t n)
{
	return (struct vdi_header){
		.major = 1, .minor = 1, .type = VDI_TYPE_DYNAMIC, .map_off = SAMPLE_MAP,
		.data_off = SAMPLE_MAP + (n * VDI_ENTRY_LEN + 511) / 512 * 512,
		.size = (uint64_t)n * SAMPLE_BLOCK, .block_size = SAMPLE_BLOCK, .n_blocks = n,
		.uuid = { { 1 } }, .modified = { { 2 } },
	};
}

static inline void sample_put(struct sample *s, uint32_t index, uint32_t entry)
{
	img_put_le32(s->bytes + s->hdr.map_off + index * VDI_ENTRY_LEN, entry);
}

/* All blocks are free. */
static inline void sample_start(struct sample *s, struct vdi_header hdr)
{
	*s = (struct sample){ .hdr = hdr, .bytes = calloc(1, SAMPLE_BYTES) };
	cr_assert_not_null(s->bytes);
	vdi_header_encode(&hdr, s->bytes);
	for (uint32_t i = 0; i < hdr.n_blocks; i++)
		sample_put(s, i, VDI_ENTRY_FREE);
}

/* As if the file ended after len bytes. */
static inline void sample_open(struct sample *s, size_t len)
{
	const struct img_layer_open how = { 0 };
	struct img_err err = { 0 };

	s->ly = (struct img_layer){ .format = &img_format_vdi };
	s->ly.store = img_store_mem(s->bytes, len, &err);
	cr_assert(s->ly.store);
	cr_assert(img_format_vdi.open(&s->ly, &how, &err), "%s", err.text);
}

static inline struct img_extent sample_extent(struct sample *s, uint64_t at)
{
	struct img_err err = { 0 };
	struct img_extent ex;

	cr_assert(img_format_vdi.extent(&s->ly, at, s->ly.size, &ex, &err), "%s", err.text);
	cr_assert_eq(ex.start, at);
	return ex;
}

static inline void sample_end(struct sample *s)
{
	img_format_vdi.close(&s->ly);
	img_store_close(s->ly.store);
	free(s->ly.below_id);
	free(s->bytes);
}

#endif
