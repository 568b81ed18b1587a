/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small images made by hand, in memory: cluster 0 is the header, 1 the L1 table, the rest as put. */
#ifndef TESTS_QCOW2_SAMPLE_H
#define TESTS_QCOW2_SAMPLE_H

#include <criterion/criterion.h>
#include "base/bytes.h"
#include "format/qcow2/qcow2.h"

#define SAMPLE_BYTES (1 << 20)

struct sample {
	struct qcow2_header hdr;
	struct qcow2_geometry geo;
	uint8_t *bytes;			/* SAMPLE_BYTES */
	struct img_layer ly;
};

/* Version 3; hdr may be changed until sample_start(). */
static inline struct qcow2_header sample_header(unsigned cluster_bits, uint64_t size)
{
	const uint64_t cluster = UINT64_C(1) << cluster_bits;

	return (struct qcow2_header){
		.version = 3, .cluster_bits = cluster_bits, .size = size, .refcount_order = 4,
		.l1_off = cluster, .l1_entries = 8, .reftable_off = 2 * cluster,
		.reftable_clusters = 1,
	};
}

static inline void sample_start(struct sample *s, struct qcow2_header hdr)
{
	struct img_err err = { 0 };

	*s = (struct sample){ .hdr = hdr, .bytes = calloc(1, SAMPLE_BYTES) };
	qcow2_geometry_init(&s->geo, &hdr);
	cr_assert(qcow2_header_encode(&hdr, s->bytes, (size_t)1 << hdr.cluster_bits, &err), "%s",
		  err.text);
}

static inline void sample_put_l1(struct sample *s, size_t index, uint64_t entry)
{
	img_put_be64(s->bytes + s->hdr.l1_off + index * 8, entry);
}

static inline void sample_put_l2(struct sample *s, uint64_t table, size_t index, uint64_t entry)
{
	img_put_be64(s->bytes + table + index * s->geo.l2_entry_len, entry);
}

/* As if the file ended after len bytes; flags: IMG_OPEN_*. */
static inline void sample_open_with(struct sample *s, size_t len, unsigned flags)
{
	const struct img_layer_open how = { .flags = flags };
	struct img_err err = { 0 };

	s->ly = (struct img_layer){ .format = &img_format_qcow2 };
	s->ly.store = img_store_mem(s->bytes, len, &err);
	cr_assert(s->ly.store);
	cr_assert(img_format_qcow2.open(&s->ly, &how, &err), "%s", err.text);
}

static inline void sample_open(struct sample *s, size_t len)
{
	sample_open_with(s, len, 0);
}

static inline struct img_extent sample_extent(struct sample *s, uint64_t at)
{
	struct img_err err = { 0 };
	struct img_extent ex;

	cr_assert(img_format_qcow2.extent(&s->ly, at, s->ly.size, &ex, &err), "%s", err.text);
	cr_assert_eq(ex.start, at);
	return ex;
}

static inline void sample_end(struct sample *s)
{
	img_format_qcow2.close(&s->ly);
	img_store_close(s->ly.store);
	free(s->ly.backing);
	free(s->ly.backing_format);
	free(s->bytes);
}

#endif
