/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A hosted sparse file in memory: two tables behind each directory, grains of 4 KiB. */
#ifndef VMDK_SAMPLE_H
#define VMDK_SAMPLE_H

#include <string.h>
#include <criterion/criterion.h>
#include "base/bytes.h"
#include "format/vmdk/vmdk.h"

enum {
	SAMPLE_GRAIN = 8,			/* all places are sectors */
	SAMPLE_RGD = 1, SAMPLE_RGT = 2, SAMPLE_GD = 10, SAMPLE_GT = 11, SAMPLE_DATA = 24,
	SAMPLE_GRAINS = 6,
	SAMPLE_SECTORS = SAMPLE_DATA + SAMPLE_GRAINS * SAMPLE_GRAIN,
	SAMPLE_BYTES = SAMPLE_SECTORS * 512,
	SAMPLE_CAPACITY = 600 * SAMPLE_GRAIN,
};

struct sample {
	uint8_t bytes[SAMPLE_BYTES];
	size_t len;
};

static inline uint8_t *sample_entry(struct sample *s, int table, uint32_t grain)
{
	return s->bytes + table * 512 + grain * 4;
}

static inline void sample_put(struct sample *s, int table, uint32_t grain, uint32_t sector)
{
	img_put_le32(sample_entry(s, table, grain), sector);
}

static inline void sample_put_both(struct sample *s, uint32_t grain, uint32_t sector)
{
	sample_put(s, SAMPLE_RGT, grain, sector);
	sample_put(s, SAMPLE_GT, grain, sector);
}

/* Grain i of the file is full of the letter 'a' + i; 0, 1, 2, 9, 511 and 599 of the disk are there. */
static inline void sample_start(struct sample *s)
{
	static const uint32_t grains[SAMPLE_GRAINS] = { 0, 1, 2, 9, 511, 599 };
	uint8_t *head = s->bytes;

	memset(s, 0, sizeof(*s));
	memcpy(head, VMDK_MAGIC, 4);
	img_put_le32(head + VMDK_HDR_VERSION, 1);
	img_put_le32(head + VMDK_HDR_FLAGS, VMDK_FLAG_LINE_ENDS | VMDK_FLAG_REDUNDANT);
	img_put_le64(head + VMDK_HDR_CAPACITY, SAMPLE_CAPACITY);
	img_put_le64(head + VMDK_HDR_GRAIN, SAMPLE_GRAIN);
	img_put_le32(head + VMDK_HDR_GT_ENTRIES, 512);
	img_put_le64(head + VMDK_HDR_RGD_AT, SAMPLE_RGD);
	img_put_le64(head + VMDK_HDR_GD_AT, SAMPLE_GD);
	img_put_le64(head + VMDK_HDR_OVERHEAD, SAMPLE_DATA);
	memcpy(head + VMDK_HDR_LINE_ENDS, "\n \r\n", 4);
	for (uint32_t i = 0; i < 2; i++) {
		img_put_le32(s->bytes + SAMPLE_RGD * 512 + i * 4, SAMPLE_RGT + i * 4);
		img_put_le32(s->bytes + SAMPLE_GD * 512 + i * 4, SAMPLE_GT + i * 4);
	}
	for (uint32_t i = 0; i < SAMPLE_GRAINS; i++) {
		sample_put_both(s, grains[i], SAMPLE_DATA + i * SAMPLE_GRAIN);
		memset(s->bytes + (SAMPLE_DATA + i * SAMPLE_GRAIN) * 512, 'a' + (int)i,
		       SAMPLE_GRAIN * 512);
	}
	s->len = SAMPLE_BYTES;
}

#endif
