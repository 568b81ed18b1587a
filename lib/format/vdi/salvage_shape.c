/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much what lies somewhere in a file looks like a block map. */
#include "format/vdi/salvage_shape.h"

#include "base/bytes.h"
#include "base/num.h"
#include "store/paged.h"

struct measuring {
	struct vdi_shape *shape;
	struct img_paged seen;		/* a bit for each number below limit */
	uint32_t limit;
	bool to_the_end;
};

/* Whether it is free, zeros, or a block that no entry before it has. */
static bool is_legal(struct measuring *m, uint32_t entry)
{
	return entry >= VDI_ENTRY_ZERO || (entry < m->limit && !img_bits_set(&m->seen, entry));
}

static bool measure_run(void *ctx, uint32_t first, uint32_t n, const uint8_t *raw,
			struct img_err *err)
{
	struct measuring *m = ctx;
	struct vdi_shape *shape = m->shape;

	(void)err;
	if (shape->n < first)
		return true;	/* it ended before */
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t entry = img_get_le32(raw + i * VDI_ENTRY_LEN);
		const bool legal = is_legal(m, entry);

		if (!legal && !m->to_the_end)
			return true;
		shape->n++;
		shape->bad += !legal;
		if (legal && entry < VDI_ENTRY_ZERO) {
			shape->named++;
			shape->placed += entry == first + i;
			shape->end = (uint32_t)img_max_u64(shape->end, (uint64_t)entry + 1);
		}
	}
	return true;
}

bool vdi_measure_shape(const struct vdi_source *from, uint32_t map_off, uint32_t n, bool to_the_end,
		       struct vdi_shape *out, struct img_err *err)
{
	const struct vdi_header hdr = { .map_off = map_off, .n_blocks = n };
	struct measuring m = {
		.shape = out, .to_the_end = to_the_end,
		.limit = (uint32_t)img_min_u64(from->size / VDI_SECTOR, VDI_BLOCKS_MAX),
	};
	const struct vdi_scan scan = { .run = measure_run, .ctx = &m };

	*out = (struct vdi_shape){ .map_off = map_off };
	m.limit = to_the_end ? (uint32_t)img_min_u64(m.limit, n) : m.limit;
	const bool ok = img_bits_init(&m.seen, m.limit, from->memory, err) &&
			vdi_scan(&hdr, from->file, from->size, &scan, err) &&
			img_paged_worked(&m.seen, err);
	img_paged_clear(&m.seen);
	return ok;
}
