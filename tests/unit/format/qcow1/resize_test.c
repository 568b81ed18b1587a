/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Another size: what the disk reads as then, and that the file has no gaps. */
#include <stdlib.h>
#include <string.h>
#include "base/num.h"
#include "../in_place.h"
#include "sample.h"

/* ly.size is the size that was asked for, and a check has nothing to say. */
static void resize_to(struct sample *s, uint64_t size)
{
	const struct img_layer_resize how = { .size = size };
	const struct img_checking checking = { .memory = 1 << 20 };
	struct img_layer again = { .format = &img_format_qcow, .store = s->ly.store };
	struct img_findings found = { .most = 1 };
	struct img_check_result result = { 0 };
	struct img_err err = { 0 };

	cr_assert(img_format_qcow.resize(&s->ly, &how, &err), "%s", err.text);
	cr_assert_eq(s->ly.size, size);
	cr_assert(img_format_qcow.check->check(&again, &checking, &found, &result, &err));
	cr_assert_eq(found.n, 0, "%lu: %s", (unsigned long)size, found.n ? found.v[0].kind->id : "");
	img_findings_clear(&found);
}

static uint64_t length_of(struct sample *s)
{
	struct img_err err = { 0 };
	uint64_t len = 0;

	cr_assert(img_store_size(s->ly.store, &len, &err));
	return len;
}

static void expect(struct sample *s, uint32_t cluster, char c)
{
	cr_assert_eq(in_place_seen(&s->ly, cluster * C), c, "cluster %u", cluster);
	cr_assert_eq(in_place_seen(&s->ly, cluster * C + C - 1), c, "cluster %u", cluster);
}

/* Data of the first table behind those of the second one. */
static void start(struct sample *s)
{
	sample_start(s);
	sample_put(s, SAMPLE_TABLE, 3 * C);
	sample_put(s, SAMPLE_TABLE + 1, 4 * C);
	sample_put(s, 0, 5 * C);
	sample_put(s, 1, 6 * C);
	for (uint32_t i = 0; i < 4; i++)
		sample_fill(s, 3 + i, "cdab"[i]);
	sample_open(s, IMG_OPEN_WRITE);
}

Test(qcow1_resize, what_lies_last_fills_what_is_left)
{
	struct sample s;

	start(&s);
	resize_to(&s, (SAMPLE_TABLE + 1) * C);
	cr_assert_eq(length_of(&s), 6 * C);
	expect(&s, 0, 'a');
	expect(&s, 1, 'b');
	expect(&s, SAMPLE_TABLE, 'c');
	resize_to(&s, SAMPLE_TABLE * C);
	cr_assert_eq(length_of(&s), 4 * C);
	expect(&s, 0, 'a');
	expect(&s, 1, 'b');
	sample_end(&s);
}

/* The first one lies behind the header, the next one takes clusters of its own, which go in turn. */
Test(qcow1_resize, a_longer_l1_table_leaves_no_gap)
{
	struct sample s;

	start(&s);
	for (uint64_t tables = 3; tables < 2000; tables = 2 * tables + 61) {
		resize_to(&s, tables * SAMPLE_TABLE * C);
		cr_assert_eq(img_round_up(length_of(&s), C), img_round_up(7 * C + tables * 8, C),
			     "%lu tables", (unsigned long)tables);
		expect(&s, 0, 'a');
		expect(&s, SAMPLE_TABLE + 1, 'd');
		expect(&s, 2 * SAMPLE_TABLE, '.');
	}
	resize_to(&s, C);
	expect(&s, 0, 'a');
	sample_end(&s);
}

/* Tables of two clusters do not fit into a gap of one. */
Test(qcow1_resize, tables_slide_where_they_do_not_fit)
{
	struct sample s;

	sample_start(&s);
	s.hdr.l2_bits = 7;
	s.hdr.size = 3 * 128 * C;
	qcow1_header_encode(&s.hdr, s.bytes);
	sample_put_l1(&s, 0, C);
	sample_put_l1(&s, 1, 5 * C);
	sample_put_l1(&s, 2, 7 * C);
	img_put_be64(s.bytes + C, 3 * C);
	sample_fill(&s, 3, 'a');
	sample_fill(&s, 8, '\0');
	img_put_be64(s.bytes + 7 * C + 127 * 8, 4 * C);
	sample_open(&s, IMG_OPEN_WRITE);
	resize_to(&s, 383 * C);
	cr_assert_eq(length_of(&s), 8 * C);
	cr_assert_eq(sample_number(&s, SAMPLE_L1 + 8), 4 * C);
	cr_assert_eq(sample_number(&s, SAMPLE_L1 + 16), 6 * C);
	expect(&s, 0, 'a');
	expect(&s, 382, '.');
	sample_end(&s);
}

/* Where packed clusters are, their entries say, too. */
Test(qcow1_resize, packed_clusters_move)
{
	struct sample s;
	struct img_err err = { 0 };
	uint8_t *packed;
	size_t len;

	sample_start(&s);
	sample_put(&s, SAMPLE_TABLE, 3 * C);
	sample_fill(&s, 3, 'x');
	sample_fill(&s, 4, '\0');
	cr_assert(qcow1_pack_zeros(&s.hdr, &packed, &len, &err));
	memcpy(s.bytes + 4 * C + 100, packed, len);
	sample_put(&s, 5, qcow1_entry_packed(&s.hdr, 4 * C + 100, (uint32_t)len));
	free(packed);
	sample_open(&s, IMG_OPEN_WRITE);
	resize_to(&s, SAMPLE_TABLE * C);
	cr_assert_eq(length_of(&s), 2 * C + 100 + len);
	cr_assert_eq(sample_extent(&s, 5 * C).kind, IMG_EXTENT_ENCODED);
	sample_end(&s);
}

/* ---- The cluster in which the disk ends ---------------------------------------------------------- */

enum { TAIL = 10, END = TAIL * C + 100 };	/* of a disk that ends inside cluster 10 */

/* That is packed, and holds `c` everywhere; it is cluster 3 of the file. */
static void start_packed(struct sample *s, uint8_t c)
{
	const struct img_codec *codec = &img_codec_deflate;
	void *cx = codec->open(codec->level_default, C, NULL);
	uint8_t bytes[C];
	size_t len;

	sample_start(s);
	s->hdr.size = END;
	qcow1_header_encode(&s->hdr, s->bytes);
	sample_put_l1(s, 1, 0);
	sample_fill(s, 3, '\0');
	memset(bytes, c, C);
	cr_assert(cx && codec->encode(cx, bytes, C, s->bytes + 2 * C, C, &len, NULL));
	codec->close(cx);
	s->len = 2 * C + len;
	sample_put(s, TAIL, qcow1_entry_packed(&s->hdr, 2 * C, (uint32_t)len));
	sample_open(s, IMG_OPEN_WRITE);
}

Test(qcow1_resize, packed_zeros_at_the_end_stay_as_they_are)
{
	for (unsigned below = 0; below < 2; below++) {
		struct sample s;

		start_packed(&s, 0);
		s.ly.below = below ? &in_place_below : NULL;
		resize_to(&s, TAIL * C + 200);
		cr_assert_eq(img_round_up(length_of(&s), C), 3 * C);
		cr_assert_eq(sample_extent(&s, TAIL * C).kind, IMG_EXTENT_ENCODED);
		resize_to(&s, TAIL * C + 50);
		cr_assert_eq(img_round_up(length_of(&s), C), 3 * C);
		resize_to(&s, (TAIL + 1) * C);
		cr_assert_eq(img_round_up(length_of(&s), C), 3 * C);
		cr_assert_eq(in_place_seen(&s.ly, END), '0');
		/* Over another file there is a packed cluster of zeros for all that is new. */
		resize_to(&s, (TAIL + 3) * C);
		cr_assert_eq(img_round_up(length_of(&s), C), (3 + below) * C);
		cr_assert_eq(in_place_seen(&s.ly, (TAIL + 2) * C), below ? '0' : '.');
		sample_end(&s);
	}
}

Test(qcow1_resize, what_a_packed_cluster_has_behind_the_end_does_not_show)
{
	struct sample s;

	start_packed(&s, 'x');
	resize_to(&s, TAIL * C + 200);
	cr_assert_eq(length_of(&s), 3 * C);
	cr_assert_eq(in_place_seen(&s.ly, END - 1), 'x');
	cr_assert_eq(in_place_seen(&s.ly, END), '0');
	cr_assert_eq(in_place_seen(&s.ly, TAIL * C + 199), '0');
	sample_end(&s);
	start_packed(&s, 'x');
	resize_to(&s, END - 10);
	resize_to(&s, (TAIL + 1) * C);
	cr_assert_eq(length_of(&s), 3 * C);
	cr_assert_eq(in_place_seen(&s.ly, END - 11), 'x');
	cr_assert_eq(in_place_seen(&s.ly, END - 10), '0');
	sample_end(&s);
}

/* One that is not there comes into the file, without zeros that nothing else needs. */
Test(qcow1_resize, what_is_below_the_end_is_hidden)
{
	struct sample s;

	sample_start(&s);
	s.hdr.size = END;
	s.len = 2 * C;
	qcow1_header_encode(&s.hdr, s.bytes);
	sample_put_l1(&s, 1, 0);
	sample_open(&s, IMG_OPEN_WRITE);
	s.ly.below = &in_place_below;
	resize_to(&s, (TAIL + 1) * C);
	cr_assert_eq(length_of(&s), 3 * C);
	cr_assert_eq(in_place_seen(&s.ly, END - 1), '#');
	cr_assert_eq(in_place_seen(&s.ly, END), '0');
	sample_end(&s);
}
