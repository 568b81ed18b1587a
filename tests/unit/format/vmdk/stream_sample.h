/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A stream in memory, piece by piece, and a spool that it comes through.  Grains of 4 KiB whose
 * compressed bytes are letters: nobody decodes them here.
 */
#ifndef VMDK_STREAM_SAMPLE_H
#define VMDK_STREAM_SAMPLE_H

#include <string.h>
#include <criterion/criterion.h>
#include "base/bytes.h"
#include "base/num.h"
#include "format/vmdk/vmdk.h"

enum {
	STREAM_GRAIN = 8, STREAM_TABLE = 512,	/* sectors; entries */
	STREAM_OVERHEAD = 4, STREAM_TABLES = 3,
	STREAM_CAPACITY = 2 * STREAM_TABLE * STREAM_GRAIN + 100 * STREAM_GRAIN + 4,
	STREAM_GRAIN_BYTES = STREAM_GRAIN * 512, STREAM_DISK = STREAM_CAPACITY * 512,
};

struct stream {
	uint8_t bytes[128 * 1024];
	size_t len;
	uint32_t entries[STREAM_TABLES][STREAM_TABLE];
	uint32_t tables[STREAM_TABLES];
	uint32_t directory;
};

static inline void stream_start(struct stream *s)
{
	memset(s, 0, sizeof(*s));
	memcpy(s->bytes, VMDK_MAGIC, 4);
	img_put_le32(s->bytes + VMDK_HDR_VERSION, 3);
	img_put_le32(s->bytes + VMDK_HDR_FLAGS,
		     VMDK_FLAG_LINE_ENDS | VMDK_FLAG_COMPRESSED | VMDK_FLAG_MARKERS);
	img_put_le64(s->bytes + VMDK_HDR_CAPACITY, STREAM_CAPACITY);
	img_put_le64(s->bytes + VMDK_HDR_GRAIN, STREAM_GRAIN);
	img_put_le32(s->bytes + VMDK_HDR_GT_ENTRIES, STREAM_TABLE);
	img_put_le64(s->bytes + VMDK_HDR_GD_AT, VMDK_GD_AT_END);
	img_put_le64(s->bytes + VMDK_HDR_OVERHEAD, STREAM_OVERHEAD);
	memcpy(s->bytes + VMDK_HDR_LINE_ENDS, "\n \r\n", 4);
	img_put_le16(s->bytes + VMDK_HDR_COMPRESSION, VMDK_COMPRESSION_DEFLATE);
	s->len = STREAM_OVERHEAD * 512;
}

/* A grain of len letters; its entry is noted. */
static inline void stream_grain(struct stream *s, uint32_t grain, uint32_t len, char letter)
{
	s->entries[grain / STREAM_TABLE][grain % STREAM_TABLE] = (uint32_t)(s->len / 512);
	img_put_le64(s->bytes + s->len + VMDK_MARK_VALUE, (uint64_t)grain * STREAM_GRAIN);
	img_put_le32(s->bytes + s->len + VMDK_MARK_SIZE, len);
	memset(s->bytes + s->len + VMDK_MARK_GRAIN_LEN, letter, len);
	s->len = img_round_up(s->len + VMDK_MARK_GRAIN_LEN + len, 512);
}

static inline void stream_marker(struct stream *s, uint64_t value, uint32_t type)
{
	img_put_le64(s->bytes + s->len + VMDK_MARK_VALUE, value);
	img_put_le32(s->bytes + s->len + VMDK_MARK_TYPE, type);
	s->len += 512;
}

static inline void stream_table(struct stream *s, uint32_t i)
{
	stream_marker(s, STREAM_TABLE * 4 / 512, VMDK_MARK_GRAIN_TABLE);
	s->tables[i] = (uint32_t)(s->len / 512);
	for (uint32_t k = 0; k < STREAM_TABLE; k++)
		img_put_le32(s->bytes + s->len + k * 4, s->entries[i][k]);
	s->len += STREAM_TABLE * 4;
}

static inline void stream_directory(struct stream *s)
{
	stream_marker(s, 1, VMDK_MARK_GRAIN_DIRECTORY);
	s->directory = (uint32_t)(s->len / 512);
	for (uint32_t i = 0; i < STREAM_TABLES; i++)
		img_put_le32(s->bytes + s->len + i * 4, s->tables[i]);
	s->len += 512;
}

static inline void stream_footer(struct stream *s)
{
	stream_marker(s, 1, VMDK_MARK_FOOTER);
	memcpy(s->bytes + s->len, s->bytes, 512);
	img_put_le64(s->bytes + s->len + VMDK_HDR_GD_AT, s->directory);
	s->len += 512;
}

/* Tables of all that has grains, and all that comes behind them. */
static inline void stream_finish(struct stream *s)
{
	for (uint32_t i = 0; i < STREAM_TABLES; i++)
		for (uint32_t k = 0; k < STREAM_TABLE && !s->tables[i]; k++)
			if (s->entries[i][k])
				stream_table(s, i);
	stream_directory(s);
	stream_footer(s);
	stream_marker(s, 0, VMDK_MARK_END_OF_STREAM);
}

/* The first len bytes of it, as a pipe behind a spool gives them. */
static inline struct img_store *stream_spool(const struct stream *s, size_t len)
{
	struct img_err err = { 0 };
	struct img_store *file = img_store_mem(s->bytes, len, &err);
	struct img_store *spool = file ? img_store_spool(file, 1 << 20, &err) : NULL;

	cr_assert_not_null(spool, "%s", err.text);
	return spool;
}

#endif
