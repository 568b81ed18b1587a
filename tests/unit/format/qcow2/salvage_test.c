/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A salvage of small images in memory: what is found, guessed and lost. */
#include "format/qcow2/salvage.h"

#include "format/qcow2/shape.h"
#include "sample.h"

enum {
	BITS	= 12,
	CLUSTER	= 1 << BITS,
	TABLE	= 4 * CLUSTER,		/* of the first 2 MiB; the second lies behind its data */
	DATA	= 5 * CLUSTER,
	N	= 16,			/* clusters that each table leads to */
	SECOND	= DATA + N * CLUSTER,
	END	= SECOND + (N + 1) * CLUSTER,
	SPAN	= 1 << 21,
};

static void put_table(struct sample *s, uint64_t at)
{
	for (size_t i = 0; i < N; i++)
		sample_put_l2(s, at, i, (at + (i + 1) * CLUSTER) | QCOW2_ENTRY_COPIED);
}

/* Each cluster counts once; cluster 2 is the refcount table, 3 its block. */
static void start(struct sample *s)
{
	sample_start(s, sample_header(BITS, 2 * SPAN));
	img_put_be64(s->bytes + 2 * CLUSTER, 3 * CLUSTER);
	for (size_t i = 0; i < END / CLUSTER; i++)
		img_put_be16(s->bytes + 3 * CLUSTER + 2 * i, 1);
	sample_put_l1(s, 0, TABLE | QCOW2_ENTRY_COPIED);
	sample_put_l1(s, 1, SECOND | QCOW2_ENTRY_COPIED);
	put_table(s, TABLE);
	put_table(s, SECOND);
}

static void salvage(struct sample *s)
{
	const struct img_layer_open how = { .flags = IMG_OPEN_SALVAGE, .cache_size = 1 << 20 };
	struct img_err err = { 0 };

	s->ly = (struct img_layer){ .format = &img_format_qcow2 };
	s->ly.store = img_store_mem(s->bytes, END, &err);
	cr_assert(s->ly.store);
	cr_assert(img_format_qcow2.salvage(&s->ly, &how, &err), "%s", err.text);
}

static void end(struct sample *s)
{
	img_findings_clear(&s->ly.salvaged.notes);
	sample_end(s);
}

/* All that the tables lead to is there, and guessed or not. */
static void expect(struct sample *s, bool first_guessed, bool second_guessed)
{
	const struct img_extent a = sample_extent(s, 0), b = sample_extent(s, SPAN);

	cr_expect(a.kind == IMG_EXTENT_DATA && a.host == DATA && a.len == N * CLUSTER);
	cr_expect(b.kind == IMG_EXTENT_DATA && b.host == SECOND + CLUSTER && b.len == N * CLUSTER);
	cr_expect_eq(a.guessed, first_guessed);
	cr_expect_eq(b.guessed, second_guessed);
}

static bool is_noted(const struct sample *s, const struct img_finding_kind *kind)
{
	return img_findings_count(&s->ly.salvaged.notes, kind);
}

Test(qcow2_salvage, whole)
{
	struct sample s;

	start(&s);
	salvage(&s);
	expect(&s, false, false);
	cr_expect_eq(s.ly.salvaged.notes.n, 0);
	end(&s);
}

Test(qcow2_salvage, header)
{
	struct sample s;

	start(&s);
	memset(s.bytes, 0, CLUSTER);
	salvage(&s);
	expect(&s, false, false);
	cr_expect(s.ly.salvaged.size_guessed);
	cr_expect_eq(s.ly.size, SPAN + N * CLUSTER);
	cr_expect(is_noted(&s, &qcow2_noted_header) && is_noted(&s, &qcow2_noted_clusters));
	end(&s);
}

Test(qcow2_salvage, l1)
{
	struct sample s;

	start(&s);
	memset(s.bytes + s.hdr.l1_off, 0, CLUSTER);
	salvage(&s);
	expect(&s, true, true);
	cr_expect(is_noted(&s, &qcow2_noted_l2_placed));
	end(&s);
}

Test(qcow2_salvage, l1_entry)
{
	struct sample s;

	start(&s);
	sample_put_l1(&s, 1, (SECOND | QCOW2_ENTRY_COPIED) ^ UINT64_C(1) << 40);
	salvage(&s);
	expect(&s, false, true);
	cr_expect(is_noted(&s, &qcow2_noted_l1_entry));
	end(&s);
}

Test(qcow2_salvage, l2_entry)
{
	struct sample s;

	start(&s);
	sample_put_l2(&s, TABLE, 3, ((DATA + 3 * CLUSTER) | QCOW2_ENTRY_COPIED) ^ UINT64_C(1) << 30);
	salvage(&s);
	cr_expect_eq(sample_extent(&s, 0).len, 3 * CLUSTER);
	const struct img_extent ex = sample_extent(&s, 3 * CLUSTER);

	cr_expect(ex.kind == IMG_EXTENT_DATA && ex.guessed && ex.len == CLUSTER);
	cr_expect_eq(ex.host, DATA + 3 * CLUSTER);
	end(&s);
}

Test(qcow2_salvage, l2_wiped)
{
	struct sample s;

	start(&s);
	memset(s.bytes + SECOND, 0, CLUSTER);
	salvage(&s);
	/* Its data are not as many as it had entries: nobody knows where they belong. */
	cr_expect_eq(sample_extent(&s, SPAN).kind, IMG_EXTENT_LOST);
	cr_expect_eq(sample_extent(&s, 0).len, N * CLUSTER);
	cr_expect_eq(s.ly.salvaged.unplaced, N * CLUSTER);
	end(&s);
}

/* One of two tables took the place of the other in L1; they lie in the file in order. */
Test(qcow2_salvage, l1_twins)
{
	for (size_t wrong = 0; wrong < 2; wrong++) {
		struct sample s;

		start(&s);
		sample_put_l1(&s, wrong, (wrong ? TABLE : SECOND) | QCOW2_ENTRY_COPIED);
		salvage(&s);
		expect(&s, wrong == 0, wrong == 1);
		cr_expect(is_noted(&s, &qcow2_noted_l2_placed));
		end(&s);
	}
}

/* Data in L1's eyes, and counted once only, are no table; the one without a place is meant. */
Test(qcow2_salvage, l1_into_data)
{
	struct sample s;

	start(&s);
	sample_put_l1(&s, 1, DATA | QCOW2_ENTRY_COPIED);
	salvage(&s);
	expect(&s, false, true);
	end(&s);
}

Test(qcow2_salvage, l1_longer)
{
	struct sample s;

	start(&s);
	img_put_be32(s.bytes + QCOW2_HDR_L1_ENTRIES, 1);
	salvage(&s);
	expect(&s, false, false);
	cr_expect_eq(s.ly.size, 2 * SPAN);
	end(&s);
}

static void expect_one_guessed(struct sample *s, size_t i)
{
	const struct img_extent ex = sample_extent(s, i * CLUSTER);

	cr_expect(ex.kind == IMG_EXTENT_DATA && ex.guessed && ex.len == CLUSTER);
	cr_expect_eq(ex.host, DATA + i * CLUSTER);
}

/* Neighbours leave place for one cluster, whatever the entry says now. */
Test(qcow2_salvage, l2_neighbours)
{
	static const uint64_t wrong[] = {
		0,					/* nothing */
		CLUSTER | QCOW2_ENTRY_COPIED,		/* the L1 table */
		3 * CLUSTER | QCOW2_ENTRY_COPIED,	/* a refcount block */
		QCOW2_ENTRY_HOST,			/* far away */
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct sample s;

		start(&s);
		sample_put_l2(&s, TABLE, 3, wrong[i]);
		salvage(&s);
		expect_one_guessed(&s, 3);
		end(&s);
	}
}

/* A hole is one as long as no cluster is missed. */
Test(qcow2_salvage, l2_hole)
{
	struct sample s;

	start(&s);
	sample_put_l2(&s, TABLE, 3, 0);
	img_put_be16(s.bytes + 3 * CLUSTER + 2 * (DATA / CLUSTER + 3), 0);
	salvage(&s);
	cr_expect_eq(sample_extent(&s, 3 * CLUSTER).kind, IMG_EXTENT_HOLE);
	end(&s);
}

/* One entry and one cluster are left over. */
Test(qcow2_salvage, l2_last)
{
	struct sample s;

	start(&s);
	for (size_t i = 2; i < 5; i++)
		sample_put_l2(&s, TABLE, i, (DATA + (6 - i) * CLUSTER) | QCOW2_ENTRY_COPIED);
	sample_put_l2(&s, TABLE, 9, QCOW2_ENTRY_COPIED | CLUSTER);
	sample_put_l2(&s, TABLE, 8, 0);
	sample_put_l2(&s, TABLE, 10, 0);
	for (size_t i = 8; i <= 10; i += 2)
		img_put_be16(s.bytes + 3 * CLUSTER + 2 * (DATA / CLUSTER + i), 0);
	salvage(&s);
	expect_one_guessed(&s, 9);
	end(&s);
}

/* The first entry is there twice, and the one that was the last is behind the end of the disk. */
Test(qcow2_salvage, l2_moved)
{
	struct sample s;

	start(&s);
	img_put_be64(s.bytes + QCOW2_HDR_SIZE, SPAN + N * CLUSTER);
	memmove(s.bytes + SECOND + 8, s.bytes + SECOND, N * 8);
	salvage(&s);
	expect(&s, false, true);
	cr_expect(is_noted(&s, &qcow2_noted_l2_moved));
	end(&s);
}

Test(qcow2_salvage, nothing)
{
	const struct img_layer_open how = { .flags = IMG_OPEN_SALVAGE };
	struct img_err err = { 0 };
	struct sample s;

	start(&s);
	memset(s.bytes, 0, END);
	s.ly = (struct img_layer){ .format = &img_format_qcow2 };
	s.ly.store = img_store_mem(s.bytes, END, &err);
	cr_expect(!img_format_qcow2.salvage(&s.ly, &how, &err));
	cr_expect_eq(err.code, IMG_E_NOT_THIS_FORMAT);
	img_findings_clear(&s.ly.salvaged.notes);
	img_store_close(s.ly.store);
	free(s.bytes);
}

/* ---- Shapes and widths ----------------------------------------------------------------------- */

Test(qcow2_salvage, widths)
{
	struct img_err err = { 0 };
	struct qcow2_widths widths;
	struct sample s;

	start(&s);
	s.ly.store = img_store_mem(s.bytes, END, &err);
	cr_assert(qcow2_salvage_widths(s.ly.store, END, &widths, &err));
	cr_expect_eq(widths.cluster_bits, BITS);
	cr_expect(!widths.subclusters);
	cr_expect_geq(widths.evidence, 2 * (N - 1));
	img_store_close(s.ly.store);
	free(s.bytes);
}

Test(qcow2_salvage, shapes)
{
	struct qcow2_shapes shapes;
	struct img_err err = { 0 };
	uint64_t next;
	unsigned seen;
	struct sample s;

	start(&s);
	/* One entry that leads behind the end of the file is enough. */
	sample_put_l2(&s, SECOND, 500, END | QCOW2_ENTRY_COPIED);
	/* What lies behind a place that was asked for is known: all is data. */
	s.ly.store = img_store_fault(img_store_mem(s.bytes, END, &err), "extent:3", &err);
	cr_assert(qcow2_shapes_start(&shapes, &s.hdr, s.ly.store, &err));
	cr_assert(qcow2_shapes_look(&shapes, TABLE, &seen, &next, &err));
	cr_expect(seen & QCOW2_SHAPE_L2);
	cr_assert(qcow2_shapes_look(&shapes, SECOND, &seen, &next, &err));
	cr_expect_eq(seen, 0);
	cr_assert(qcow2_shapes_look(&shapes, 3 * CLUSTER, &seen, &next, &err));
	cr_expect_eq(seen, 0, "a refcount block");
	qcow2_shapes_end(&shapes);
	img_store_close(s.ly.store);
	free(s.bytes);
}
