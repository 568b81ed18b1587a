/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a check finds, what it leaves alone, and what a repair cuts off; samples: testdata/check. */
#include <string.h>
#include "sample.h"

struct checked {
	struct img_findings found;
	struct img_check_result result;
};

/* Clusters 3 and 4 of the file are in use, 5 is packed, and a second one is in the same bytes. */
static void start(struct sample *s)
{
	sample_start(s);
	sample_put(s, 0, 3 * C);
	sample_put(s, 1, 4 * C);
	sample_put(s, 70, qcow1_entry_packed(&s->hdr, 5 * C, 100));
	sample_put(s, 71, qcow1_entry_packed(&s->hdr, 5 * C, 100));
	s->len = 6 * C;
}

static struct checked check_store(struct img_store *st, uint64_t memory)
{
	const struct img_checking how = { .threads = 1, .memory = memory };
	struct checked out = { .found = { .most = 1000 } };
	struct img_layer ly = { .format = &img_format_qcow, .store = st };
	struct img_err err = { 0 };

	cr_assert(ly.format->check->check(&ly, &how, &out.found, &out.result, &err), "%s", err.text);
	return out;
}

/* That kind is found n times in all, and nothing else; NULL: nothing is. */
static void expect(struct sample *s, const struct img_finding_kind *kind, uint64_t n)
{
	struct img_store *st = img_store_mem(s->bytes, s->len, NULL);
	struct checked c = check_store(st, 1 << 20);

	cr_assert_eq(c.found.n, n ? 1 : 0, "%zu findings, the first is %s", c.found.n,
		     c.found.n ? c.found.v[0].kind->id : "none");
	if (n) {
		cr_assert_str_eq(c.found.v[0].kind->id, kind->id);
		cr_assert_eq(c.found.v[0].n, n);
	}
	img_findings_clear(&c.found);
	img_store_close(st);
}

Test(qcow1_check, a_clean_image)
{
	struct sample s;

	start(&s);
	expect(&s, NULL, 0);
	struct img_store *st = img_store_mem(s.bytes, s.len, NULL);
	struct checked c = check_store(st, 1 << 20);
	cr_assert_eq(c.result.total, 128);
	cr_assert_eq(c.result.allocated, 4);
	cr_assert_eq(c.result.compressed, 2);
	cr_assert_eq(c.result.image_end, 5 * C + 100);
	img_store_close(st);
}

Test(qcow1_check, packed_bytes_may_not_lie_over_others)
{
	struct sample s;

	start(&s);
	sample_put(&s, 72, qcow1_entry_packed(&s.hdr, 4 * C + 500, 100));
	expect(&s, &qcow1_found_l2_doubled, 1);
	start(&s);
	sample_put(&s, 2, 5 * C);
	/* Tables are read in order: the plain one comes first. */
	struct img_store *st = img_store_mem(s.bytes, s.len, NULL);
	struct checked c = check_store(st, 1 << 20);
	cr_assert_eq(img_findings_count(&c.found, &qcow1_found_l2_doubled), 2);
	img_findings_clear(&c.found);
	img_store_close(st);
}

Test(qcow1_check, a_cluster_over_the_header_is_doubled)
{
	struct sample s;

	start(&s);
	s.hdr.cluster_bits = 9;
	sample_put(&s, 2, C);
	expect(&s, &qcow1_found_l2_doubled, 1);
}

Test(qcow1_check, lost_clusters_are_one_run)
{
	struct sample s;

	start(&s);
	s.len = 9 * C + 10;
	expect(&s, &qcow1_found_cluster_leak, 3);
}

static uint64_t repaired_size(struct sample *s)
{
	const struct img_checking how = { .threads = 1, .memory = 1 << 20 };
	struct img_layer ly = { .format = &img_format_qcow };
	struct img_err err = { 0 };
	uint64_t size;

	ly.store = img_store_mem(s->bytes, s->len, NULL);
	cr_assert(ly.format->check->repair(&ly, &how, IMG_REPAIR_LEAKS, &err), "%s", err.text);
	cr_assert(img_store_size(ly.store, &size, NULL));
	img_store_close(ly.store);
	return size;
}

/* Clusters 6 to 8 are a table that leads to the other two of them. */
static void add_orphan(struct sample *s)
{
	img_put_be64(s->bytes + 6 * C, 7 * C);
	img_put_be64(s->bytes + 6 * C + 8, 8 * C);
	s->len = 9 * C;
}

static uint64_t count(struct sample *s, const struct img_finding_kind *kind)
{
	struct img_store *st = img_store_mem(s->bytes, s->len, NULL);
	struct checked c = check_store(st, 1 << 20);
	const uint64_t n = img_findings_count(&c.found, kind);

	img_findings_clear(&c.found);
	img_store_close(st);
	return n;
}

Test(qcow1_check, a_lost_table)
{
	struct sample s;

	start(&s);
	add_orphan(&s);
	cr_assert_eq(count(&s, &qcow1_found_l2_orphan), 1);
	cr_assert_eq(count(&s, &qcow1_found_l1_empty), 0);
	cr_assert_eq(repaired_size(&s), 7 * C);
	/* What leads to the clusters of others is no table. */
	img_put_be64(s.bytes + 6 * C + 8, 4 * C);
	cr_assert_eq(count(&s, &qcow1_found_l2_orphan), 0);
}

Test(qcow1_check, a_lost_l1)
{
	struct sample s;

	start(&s);
	add_orphan(&s);
	sample_put_l1(&s, 0, 0);
	sample_put_l1(&s, 1, 0);
	cr_assert_eq(count(&s, &qcow1_found_l1_empty), 1);
}

Test(qcow1_check, a_repair_cuts_off_zeros_that_nothing_refers_to)
{
	struct sample s;

	start(&s);
	s.len = 9 * C + 10;
	cr_assert_eq(repaired_size(&s), 6 * C);
	/* Data may have lost the entry that led to them. */
	s.bytes[7 * C + 9] = 1;
	cr_assert_eq(repaired_size(&s), 8 * C);
	/* Where something is wrong nobody knows what is referred to. */
	sample_put(&s, 2, 8 * C + 8);
	cr_assert_eq(repaired_size(&s), 9 * C + 10);
}
