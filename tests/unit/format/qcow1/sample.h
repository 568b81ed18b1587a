/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Small images made by hand, in memory: two tables of 64 entries behind the L1 table, then clusters
 * of 512 bytes, numbered as they lie in the file.
 */
#ifndef TESTS_QCOW1_SAMPLE_H
#define TESTS_QCOW1_SAMPLE_H

#include <criterion/criterion.h>
#include "base/bytes.h"
#include "format/qcow1/qcow1.h"

enum { C = 512, SAMPLE_TABLE = 64, SAMPLE_CLUSTERS = 64, SAMPLE_L1 = 48 };

struct sample {
	struct qcow1_header hdr;
	uint8_t bytes[SAMPLE_CLUSTERS * C];
	size_t len;			/* of the file */
	struct img_layer ly;
};

static inline void sample_put_l1(struct sample *s, uint32_t index, uint64_t entry)
{
	img_put_be64(s->bytes + SAMPLE_L1 + index * 8, entry);
}

/* The entry of cluster i of the disk. */
static inline void sample_put(struct sample *s, uint32_t i, uint64_t entry)
{
	img_put_be64(s->bytes + (1 + i / SAMPLE_TABLE) * C + i % SAMPLE_TABLE * 8, entry);
}

/* Two tables without entries; may be changed until sample_open(). */
static inline void sample_start(struct sample *s)
{
	*s = (struct sample){
		.hdr = { .size = 2 * SAMPLE_TABLE * C, .cluster_bits = 9, .l2_bits = 6,
			 .l1_off = SAMPLE_L1 },
		.len = 3 * C,
	};
	qcow1_header_encode(&s->hdr, s->bytes);
	sample_put_l1(s, 0, C);
	sample_put_l1(s, 1, 2 * C);
}

/* Fills cluster i of the file, which is as long as that takes. */
static inline void sample_fill(struct sample *s, uint32_t i, char c)
{
	memset(s->bytes + i * C, c, C);
	if (s->len < (i + 1) * C)
		s->len = (i + 1) * C;
}

static inline bool sample_open_as(struct sample *s, unsigned flags, struct img_err *err)
{
	const struct img_layer_open how = { .flags = flags, .cache_size = 1 };

	s->ly = (struct img_layer){ .format = &img_format_qcow };
	s->ly.store = img_store_mem(s->bytes, s->len, err);
	cr_assert(s->ly.store);
	return img_format_qcow.open(&s->ly, &how, err);
}

static inline void sample_open(struct sample *s, unsigned flags)
{
	struct img_err err = { 0 };

	cr_assert(sample_open_as(s, flags, &err), "%s", err.text);
}

static inline struct img_extent sample_extent(struct sample *s, uint64_t at)
{
	struct img_err err = { 0 };
	struct img_extent ex;

	cr_assert(img_format_qcow.extent(&s->ly, at, s->ly.size, &ex, &err), "%s", err.text);
	cr_assert_eq(ex.start, at);
	return ex;
}

static inline uint64_t sample_number(struct sample *s, uint64_t off)
{
	uint8_t raw[8];

	cr_assert(img_store_read(s->ly.store, off, raw, 8, NULL));
	return img_get_be64(raw);
}

static inline void sample_end(struct sample *s)
{
	img_format_qcow.close(&s->ly);
	img_store_close(s->ly.store);
	free(s->ly.backing);
}

#endif
