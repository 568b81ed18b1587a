/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file that is packed window by window: the same disk, and all that refers to what moved says so. */
#include <stdlib.h>
#include <string.h>

#include "../in_place.h"
#include "format/compact.h"
#include "format/qcow1/pack.h"
#include "sample.h"

static const struct img_rangeset nothing;

/* How many rounds it took; room: bytes that each looks at. */
static unsigned pack(struct sample *s, uint64_t room)
{
	struct img_layer_packed out = { .from = 0 };
	struct img_err err = { 0 };
	unsigned rounds = 0;

	do {
		const struct img_layer_pack how = {
			.compact = { .hollow = &nothing, .room = room }, .threads = 2,
			.from = out.from,
		};

		cr_assert(img_format_qcow.pack(&s->ly, &how, &out, &err), "%s", err.text);
		rounds++;
	} while (out.from < out.end);
	return rounds;
}

static uint64_t length_of(struct sample *s)
{
	uint64_t len = 0;

	cr_assert(img_store_size(s->ly.store, &len, NULL));
	return len;
}

/* 40 clusters of the disk in the wrong order, some noise; the rest is not there. */
static void start(struct sample *s)
{
	sample_start(s);
	for (uint32_t i = 0; i < 40; i++) {
		const uint32_t cluster = 4 + (i * 7) % 40;

		sample_fill(s, cluster, (char)('A' + i));
		for (uint32_t k = 1; i % 5 == 0 && k < C - 1; k++)
			s->bytes[cluster * C + k] = (uint8_t)rand();
		sample_put(s, i * 3, cluster * C);
	}
	sample_open(s, IMG_OPEN_WRITE);
}

static char seen(struct sample *s, uint64_t at)
{
	struct img_err err = { 0 };
	char c;

	if (sample_extent(s, at).kind == IMG_EXTENT_HOLE)
		return '.';
	cr_assert(qcow1_read_packed(s->ly.priv, at, &c, 1, &err), "%s", err.text);
	return c;
}

static void expect_all(struct sample *s)
{
	for (uint32_t i = 0; i < 40; i++) {
		cr_assert_eq(seen(s, i * 3 * C), (char)('A' + i), "cluster %u", i * 3);
		cr_assert_eq(seen(s, i * 3 * C + C - 1), (char)('A' + i), "cluster %u", i * 3);
		cr_assert_eq(seen(s, (i * 3 + 1) * C), '.');
	}
}

Test(qcow1_pack, windows_of_any_size_come_to_the_same)
{
	uint64_t lengths[4];
	unsigned rounds[4];

	for (size_t i = 0; i < 4; i++) {
		struct sample s;

		srand(1);
		start(&s);
		rounds[i] = pack(&s, (const uint64_t[]){ 1 << 20, 8 * C, 3 * C, 1 }[i]);
		expect_all(&s);
		lengths[i] = length_of(&s);
		sample_end(&s);
	}
	cr_assert_eq(rounds[0], 1);
	cr_assert_gt(rounds[1], 3);
	cr_assert_gt(rounds[3], rounds[2]);
	/* Head and tables, and eight of noise, each behind one with what got small. */
	cr_assert_leq(lengths[0], (3 + 2 * 8 + 1) * C);
	for (size_t i = 1; i < 4; i++)
		cr_assert_eq(lengths[i], lengths[0]);
}

Test(qcow1_pack, the_head_moves_with_its_name)
{
	struct qcow1_header hdr;
	char name[8] = "";
	struct sample s;

	sample_start(&s);
	s.hdr.l1_off = 9 * C + 8;
	s.hdr.backing_off = 10 * C + 3;
	s.hdr.backing_len = 4;
	memcpy(s.bytes + s.hdr.backing_off, "base", 4);
	qcow1_header_encode(&s.hdr, s.bytes);
	img_put_be64(s.bytes + s.hdr.l1_off, C);
	img_put_be64(s.bytes + s.hdr.l1_off + 8, 2 * C);
	sample_fill(&s, 5, 'x');
	sample_put(&s, 70, 5 * C);
	s.len = 11 * C;
	sample_open(&s, IMG_OPEN_WRITE);
	pack(&s, 1 << 20);
	cr_assert_leq(length_of(&s), 4 * C);
	cr_assert_eq(seen(&s, 70 * C), 'x');
	cr_assert(qcow1_header_read(s.ly.store, &hdr, &s.ly.backing, NULL));
	cr_assert_eq(hdr.l1_off % 8, 0);
	cr_assert(img_store_read(s.ly.store, hdr.backing_off, name, 4, NULL));
	cr_assert_str_eq(name, "base");
	sample_end(&s);
}

/* Bytes of two compressed clusters at once would not be moved to one place. */
Test(qcow1_pack, what_overlaps_is_refused)
{
	const struct img_layer_pack how = { .compact = { .hollow = &nothing, .room = 1 << 20 } };
	struct img_layer_packed out;
	struct img_err err = { 0 };
	struct sample s;

	sample_start(&s);
	sample_fill(&s, 3, 'x');
	sample_put(&s, 0, qcow1_entry_packed(&s.hdr, 3 * C, 100));
	sample_put(&s, 1, qcow1_entry_packed(&s.hdr, 3 * C + 50, 100));
	sample_open(&s, IMG_OPEN_WRITE);
	cr_assert_not(img_format_qcow.pack(&s.ly, &how, &out, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT);
	cr_assert(strstr(err.text, "goes on over"), "%s", err.text);
	sample_end(&s);
}
