/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small images that are written in place, in memory; and what was done to them. */
#ifndef TESTS_QCOW2_DISK_SAMPLE_H
#define TESTS_QCOW2_DISK_SAMPLE_H

#include <string.h>
#include "sample.h"

/* Header, L1, refcount table, refcount block; then the clusters that a test puts there. */
enum { C = 4096, BLOCK = 3 * C, FREE = 4 * C, DISK = 64 * C };

static inline void put_count(struct sample *s, uint64_t cluster, uint64_t count)
{
	qcow2_refcount_put(s->bytes + BLOCK, 4, cluster, count);
}

static inline void start(struct sample *s, struct qcow2_header hdr)
{
	sample_start(s, hdr);
	img_put_be64(s->bytes + hdr.reftable_off, BLOCK);
	for (uint64_t c = 0; c < 4; c++)
		put_count(s, c, 1);
}

/* In a file of which calls fail as the script says. */
static inline bool try_open_failing(struct sample *s, size_t len, const char *script,
				    struct img_err *err)
{
	const struct img_layer_open how = { .flags = IMG_OPEN_WRITE, .cache_size = IMG_CACHE_SIZE };

	s->ly = (struct img_layer){ .format = &img_format_qcow2 };
	s->ly.store = img_store_mem(s->bytes, len, err);
	if (s->ly.store && script)
		s->ly.store = img_store_fault(s->ly.store, script, err);
	return s->ly.store && img_format_qcow2.open(&s->ly, &how, err);
}

static inline bool try_open(struct sample *s, size_t len, struct img_err *err)
{
	return try_open_failing(s, len, NULL, err);
}

static inline void open_disk(struct sample *s, size_t len)
{
	struct img_err err = { 0 };

	cr_assert(try_open(s, len, &err), "%s", err.text);
}

static inline bool write_at(struct sample *s, uint64_t at, size_t len, struct img_err *err)
{
	uint8_t *bytes = malloc(len);

	memset(bytes, 'w', len);
	const bool ok = img_format_qcow2.disk->write(&s->ly, at, bytes, len, err);

	free(bytes);
	return ok;
}

static inline void must_write(struct sample *s, uint64_t at, size_t len)
{
	struct img_err err = { 0 };

	cr_assert(write_at(s, at, len, &err), "%s", err.text);
}

/* Returns whether anything was freed. */
static inline bool must_flush(struct sample *s)
{
	struct img_err err = { 0 };
	bool freed = false;

	cr_assert(img_format_qcow2.disk->flush(&s->ly, &freed, &err), "%s", err.text);
	cr_assert(!freed || img_format_qcow2.disk->reclaim(&s->ly, &err), "%s", err.text);
	return freed;
}

static inline void must_finish(struct sample *s)
{
	struct img_err err = { 0 };

	must_flush(s);
	cr_assert(img_format_qcow2.disk->finish(&s->ly, &err), "%s", err.text);
}

static inline struct img_traffic traffic(const struct sample *s)
{
	struct img_traffic sum = { 0 };

	img_store_add_traffic(s->ly.store, &sum);
	return sum;
}

static inline uint64_t file_size(struct sample *s)
{
	struct img_err err = { 0 };
	uint64_t size;

	cr_assert(img_store_size(s->ly.store, &size, &err));
	return size;
}

static inline uint64_t be64_at(struct sample *s, uint64_t at)
{
	struct img_err err = { 0 };
	uint8_t raw[8];

	cr_assert(img_store_read(s->ly.store, at, raw, sizeof(raw), &err), "%s", err.text);
	return img_get_be64(raw);
}

static inline uint64_t count_of(struct sample *s, uint64_t cluster)
{
	struct img_err err = { 0 };
	uint8_t raw[C];

	cr_assert(img_store_read(s->ly.store, BLOCK, raw, C, &err), "%s", err.text);
	return qcow2_refcount_get(raw, 4, cluster);
}

#endif
