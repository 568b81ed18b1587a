/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compressed clusters in every packing that the format allows. */
#include "sample.h"

enum { C = 4096, TABLE = 2 * C, N = 6 };

struct packed {
	struct sample s;
	uint8_t content[N * C];
	uint64_t end;			/* of the last stored byte */
};

/* Content that deflates, differently in each cluster. */
static void fill(uint8_t *content)
{
	uint32_t x = 1;

	for (size_t i = 0; i < N * C; i++) {
		x = x * 1664525 + 1013904223;
		content[i] = (uint8_t)(x >> 24 & 15) + (uint8_t)(i / C);
	}
}

/* Stores the clusters at rising places, each gap bytes behind the one before it. */
static void pack(struct packed *p, uint64_t first, uint32_t gap, const struct img_codec *codec)
{
	struct qcow2_header hdr = sample_header(12, N * C);
	struct img_err err = { 0 };
	uint64_t at = first;

	if (codec == &img_codec_zstd) {
		hdr.incompatible = QCOW2_INCOMPATIBLE_COMPRESSION;
		hdr.compression = QCOW2_COMPRESSION_ZSTD;
	}
	fill(p->content);
	sample_start(&p->s, hdr);
	sample_put_l1(&p->s, 0, TABLE);
	void *cx = codec->open(codec->level_default, C, &err);
	cr_assert(cx);
	for (size_t i = 0; i < N; i++) {
		struct qcow2_cluster cluster = { .kind = QCOW2_CLUSTER_COMPRESSED, .host = at };
		size_t used;

		cr_assert(codec->encode(cx, p->content + i * C, C, p->s.bytes + at, C - 1, &used, &err));
		cr_assert(used);
		cluster.stored_len = (uint32_t)used;
		qcow2_l2_encode(&p->s.geo, &cluster, p->s.bytes + TABLE + i * 8);
		p->end = at + used;
		at += used + gap;
	}
	codec->close(cx);
}

static void check_content(struct packed *p, uint64_t at, size_t len)
{
	uint8_t *buf = malloc(len);
	struct img_err err = { 0 };

	cr_assert(img_format_qcow2.read(&p->s.ly, at, buf, len, &err), "%s", err.text);
	cr_assert_eq(memcmp(buf, p->content + at, len), 0);
	free(buf);
}

static void check_all(struct packed *p)
{
	check_content(p, 0, N * C);
	check_content(p, 1, N * C - 2);
	check_content(p, C - 1, 2);
	check_content(p, 3 * C, C);
	check_content(p, 2 * C + 100, 1);
}

Test(compressed, packings)
{
	/* Sectors shared, sectors of their own, straddling clusters, far apart. */
	const uint32_t gaps[] = { 0, 1, 511, 3000, 70000 };

	for (size_t i = 0; i < sizeof(gaps) / sizeof(*gaps); i++) {
		struct packed p;

		pack(&p, 4 * C - 300, gaps[i], &img_codec_deflate);
		/* The last sector is not whole in the file. */
		sample_open(&p.s, p.end);
		check_all(&p);
		sample_end(&p.s);
	}
}

Test(compressed, garbage_behind_a_stream_is_normal)
{
	const struct img_codec *const codecs[] = { &img_codec_deflate, &img_codec_zstd };

	for (size_t i = 0; i < 2; i++) {
		struct packed p;

		pack(&p, 4 * C, 513, codecs[i]);
		for (uint64_t at = p.end; at < p.end + 512; at++)
			p.s.bytes[at] = 0xa5;
		sample_open(&p.s, p.end + 512);
		check_all(&p);
		sample_end(&p.s);
	}
}

Test(compressed, neighbours_in_the_file_are_one_extent)
{
	struct packed p;

	pack(&p, 4 * C - 300, 0, &img_codec_deflate);
	sample_open(&p.s, p.end);
	const struct img_extent ex = sample_extent(&p.s, 100);
	cr_assert_eq(ex.kind, IMG_EXTENT_ENCODED);
	cr_assert_eq(ex.len, N * C - 100);
	cr_assert_eq(ex.host, 4 * C - 300);
	cr_assert_eq(ex.host + ex.host_len, p.end);
	sample_end(&p.s);
}

Test(compressed, a_cut_stream_is_incomplete_and_the_others_stay)
{
	struct packed p;
	uint8_t byte;
	struct img_err err = { 0 };

	pack(&p, 4 * C, 0, &img_codec_deflate);
	sample_open(&p.s, p.end - 100);
	check_content(&p, 0, (N - 1) * C);
	cr_assert_not(img_format_qcow2.read(&p.s.ly, (N - 1) * C, &byte, 1, &err));
	cr_assert_eq(err.code, IMG_E_INCOMPLETE);
	sample_end(&p.s);
}

Test(compressed, a_broken_stream_is_corrupt)
{
	struct packed p;
	uint8_t byte;
	struct img_err err = { 0 };

	pack(&p, 4 * C, 0, &img_codec_deflate);
	memset(p.s.bytes + 4 * C, 0xff, 64);
	sample_open(&p.s, p.end);
	cr_assert_not(img_format_qcow2.read(&p.s.ly, 0, &byte, 1, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT);
	check_content(&p, C, C);
	sample_end(&p.s);
}
