/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An image that is written in place: what a flush costs, and where space comes from and goes to.
 * tests/disk has the rest: power cuts, faults, threads.
 */
#include <inttypes.h>
#include "disk_sample.h"

/* ---- What it costs --------------------------------------------------------------------------- */

Test(qcow2_disk, a_flush_writes_what_changed_in_the_tables_and_no_more)
{
	struct sample s;

	start(&s, sample_header(12, DISK));
	open_disk(&s, FREE);
	must_write(&s, 0, 512);
	const uint64_t before = traffic(&s).writes;

	must_write(&s, 10 * C, 512);
	must_write(&s, 11 * C, 512);
	cr_assert_eq(traffic(&s).writes, before + 2, "tables wait for the flush");
	must_flush(&s);
	cr_assert_eq(traffic(&s).writes, before + 4, "one piece of L2 and one of L1");
	must_write(&s, 12 * C, 2 * C);
	must_flush(&s);
	cr_assert_eq(traffic(&s).writes, before + 6, "the data, and one piece of L2");
	sample_end(&s);
}

Test(qcow2_disk, neighbours_are_written_at_once)
{
	struct sample s;

	start(&s, sample_header(12, DISK));
	open_disk(&s, FREE);
	must_write(&s, 0, 512);
	const uint64_t before = traffic(&s).writes;

	must_write(&s, 20 * C, 3 * C);
	cr_assert_eq(traffic(&s).writes, before + 1);
	must_write(&s, 20 * C + 512, 2 * C);
	cr_assert_eq(traffic(&s).writes, before + 2);
	sample_end(&s);
}

Test(qcow2_disk, neighbours_become_neighbours_in_whatever_order_they_come)
{
	struct sample s;

	start(&s, sample_header(12, 4096 * C));
	open_disk(&s, FREE);
	for (uint64_t i = 0; i < 16; i++) {
		must_write(&s, (100 + i * 7 % 16) * C, C);
		must_write(&s, (300 + i) * C, C);
	}
	const struct img_extent ex = sample_extent(&s, 100 * C);

	cr_assert_eq(ex.len, 16 * C);
	sample_end(&s);
}

Test(qcow2_disk, over_old_and_new_clusters_goes_one_write)
{
	struct sample s;

	start(&s, sample_header(12, 4096 * C));
	open_disk(&s, FREE);
	must_write(&s, 100 * C, 2 * C);
	const uint64_t before = traffic(&s).writes;

	must_write(&s, 101 * C, 4 * C);
	cr_assert_eq(traffic(&s).writes, before + 1);
	cr_assert_eq(sample_extent(&s, 100 * C).len, 5 * C);
	sample_end(&s);
}

/* ---- Space ----------------------------------------------------------------------------------- */

/* A batch goes to data as a whole, and for the L2 table there is no more space. */
Test(qcow2_disk, clusters_of_a_write_that_failed_are_free_again)
{
	struct img_err err = { 0 };
	struct sample s;

	start(&s, sample_header(12, DISK));
	cr_assert(try_open_failing(&s, FREE, "resize:2=ENOSPC,resize:3=ENOSPC", &err), "%s",
		  err.text);
	cr_assert_not(write_at(&s, 0, 8 * C, &err));
	cr_assert_eq(err.code, IMG_E_NOSPACE);
	must_finish(&s);
	for (uint64_t c = 4; c < 12; c++)
		cr_assert_eq(count_of(&s, c), 0, "cluster %" PRIu64, c);
	sample_end(&s);
}

Test(qcow2_disk, the_end_gives_back_what_was_not_used)
{
	struct sample s;

	start(&s, sample_header(12, DISK));
	open_disk(&s, FREE);
	must_write(&s, 0, 2 * C);
	cr_assert_gt(file_size(&s), FREE + 3 * C);
	must_finish(&s);
	cr_assert_eq(file_size(&s), FREE + 3 * C, "two clusters and an L2 table");
	cr_assert_eq(count_of(&s, 6), 1);
	cr_assert_eq(count_of(&s, 7), 0);
	sample_end(&s);
}

Test(qcow2_disk, what_is_discarded_is_free_behind_the_flush)
{
	struct img_err err = { 0 };
	struct sample s;

	start(&s, sample_header(12, DISK));
	open_disk(&s, FREE);
	must_write(&s, 0, 4 * C);
	cr_assert_not(must_flush(&s));
	const struct img_extent ex = sample_extent(&s, 0);

	cr_assert(img_format_qcow2.disk->discard(&s.ly, 0, 4 * C, &err), "%s", err.text);
	cr_assert_eq(sample_extent(&s, 0).kind, IMG_EXTENT_HOLE);
	cr_assert_eq(count_of(&s, ex.host / C), 1, "the tables on the disk refer to it");
	cr_assert(must_flush(&s));
	must_flush(&s);
	cr_assert_eq(count_of(&s, ex.host / C), 0);
	sample_end(&s);
}

Test(qcow2_disk, free_clusters_inside_the_file_are_used_and_are_zero)
{
	struct sample s;
	uint8_t raw[C];

	start(&s, sample_header(12, DISK));
	memset(s.bytes + FREE, 'x', 20 * C);
	open_disk(&s, FREE + 20 * C);
	must_write(&s, C, 512);
	const struct img_extent ex = sample_extent(&s, C);

	cr_assert_lt(ex.host, FREE + 20 * C);
	cr_assert(img_store_read(s.ly.store, ex.host, raw, C, NULL));
	cr_assert_eq(raw[0], 'w');
	for (size_t i = 512; i < C; i++)
		cr_assert_eq(raw[i], 0);
	sample_end(&s);
}

/* Clusters inside the file, and those that the file grew by, are free after the failure. */
Test(qcow2_disk, clusters_that_could_not_be_made_ready_do_not_leak)
{
	for (uint64_t inside = 0; inside < 20; inside += 4) {
		struct img_err err = { 0 };
		struct sample s;

		start(&s, sample_header(12, DISK));
		cr_assert(try_open_failing(&s, FREE + inside * C, inside ? "zero:1" : "write:1", &err),
			  "%s", err.text);
		cr_assert_not(write_at(&s, 0, C, &err));
		must_write(&s, 0, C);
		must_finish(&s);
		for (uint64_t c = 6; c < 60; c++)
			cr_assert_eq(count_of(&s, c), 0, "%" PRIu64 " with %" PRIu64, c, inside);
		sample_end(&s);
	}
}

/* ---- What happens meanwhile ------------------------------------------------------------------ */

/* A store that reclaims what is gone while a certain byte is being read, as another thread may. */
struct meanwhile {
	struct img_store st;
	struct img_store *parent;
	struct img_layer *ly;		/* NULL: not yet, or not again */
	uint64_t at;
};

static bool meanwhile_size(struct img_store *st, uint64_t *bytes, struct img_err *err)
{
	return img_store_size(((struct meanwhile *)st)->parent, bytes, err);
}

static bool meanwhile_read(struct img_store *st, uint64_t at, void *buf, size_t len, size_t *got,
			   struct img_err *err)
{
	struct meanwhile *m = (struct meanwhile *)st;
	struct img_layer *ly = m->ly;

	if (ly && at == m->at) {
		m->ly = NULL;
		cr_assert(img_format_qcow2.disk->reclaim(ly, err), "%s", err->text);
	}
	return img_store_read_some(m->parent, at, buf, len, got, err);
}

static bool meanwhile_write(struct img_store *st, uint64_t at, const void *buf, size_t len,
			    struct img_err *err)
{
	return img_store_write(((struct meanwhile *)st)->parent, at, buf, len, err);
}

static bool meanwhile_resize(struct img_store *st, uint64_t bytes, struct img_err *err)
{
	return img_store_resize(((struct meanwhile *)st)->parent, bytes, err);
}

static void meanwhile_close(struct img_store *st)
{
	img_store_close(((struct meanwhile *)st)->parent);
}

static const struct img_store_ops meanwhile_ops = {
	.kind = "meanwhile", .passes_on = true, .size = meanwhile_size, .read = meanwhile_read,
	.write = meanwhile_write, .resize = meanwhile_resize, .close = meanwhile_close,
};

/*
 * Three blocks of 256 counts: all clusters of the first are in use, of the second all but two, of
 * the third all that the file has.
 */
enum { SMALL = 512, BLOCKS = 3, TABLE = 6 * SMALL, DATA = 7, FREE_ONES = 300, CLUSTERS = 520 };

static void start_with_three_blocks(struct sample *s, struct meanwhile *m)
{
	const struct img_layer_open how = { .flags = IMG_OPEN_WRITE, .cache_size = IMG_CACHE_SIZE };
	struct img_err err = { 0 };

	sample_start(s, sample_header(9, 64 * SMALL));
	for (uint64_t i = 0; i < 3; i++)
		img_put_be64(s->bytes + s->hdr.reftable_off + i * 8, (BLOCKS + i) * SMALL);
	for (uint64_t c = 0; c < CLUSTERS; c++)
		qcow2_refcount_put(s->bytes + BLOCKS * SMALL, 4, c,
				   c < FREE_ONES || c >= FREE_ONES + 2);
	sample_put_l1(s, 0, TABLE | QCOW2_ENTRY_COPIED);
	sample_put_l2(s, TABLE, 0, DATA * SMALL | QCOW2_ENTRY_COPIED);
	*m = (struct meanwhile){
		.st = { .ops = &meanwhile_ops, .align = 1 }, .at = (BLOCKS + 1) * SMALL,
		.parent = img_store_mem(s->bytes, CLUSTERS * SMALL, &err),
	};
	m->st.caps = m->parent->caps;
	m->st.name = strdup("meanwhile");
	s->ly = (struct img_layer){ .format = &img_format_qcow2, .store = &m->st };
	cr_assert(img_format_qcow2.open(&s->ly, &how, &err), "%s", err.text);
}

Test(qcow2_disk, what_becomes_free_behind_a_search_is_found)
{
	struct img_err err = { 0 };
	struct meanwhile m;
	struct sample s;
	bool freed;
	uint8_t raw[SMALL];

	start_with_three_blocks(&s, &m);
	cr_assert(img_format_qcow2.disk->discard(&s.ly, 0, SMALL, &err), "%s", err.text);
	cr_assert(img_format_qcow2.disk->flush(&s.ly, &freed, &err), "%s", err.text);
	cr_assert(freed);
	m.ly = &s.ly;
	must_write(&s, 5 * SMALL, SMALL);
	cr_assert_null(m.ly, "the second block was not read");
	must_flush(&s);
	cr_assert(img_store_read(s.ly.store, BLOCKS * SMALL, raw, SMALL, &err), "%s", err.text);
	cr_assert_eq(qcow2_refcount_get(raw, 4, DATA), 1, "it is in use again");
	sample_end(&s);
}
