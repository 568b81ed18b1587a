/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whole checks: a small image that is clean, one number in it that is not, and exactly what is found
 * then, with one thread or several and in one window or many.
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include "format/qcow2/refs.h"
#include "sample.h"
#include "unit/fake/files.h"

enum { C = 512, CLUSTERS = 64, L2 = 4 * C, DATA = 8 * C };

/* Header, L1, refcount table and block, an L2 table, three clusters of data, the rest unused. */
static void start(struct sample *s)
{
	sample_start(s, sample_header(9, 64 << 10));
	img_put_be64(s->bytes + 2 * C, 3 * C);
	sample_put_l1(s, 0, qcow2_l1_encode(L2, true));
	for (unsigned i = 0; i < 3; i++)
		sample_put_l2(s, L2, i, (DATA + i * C) | QCOW2_ENTRY_COPIED);
	for (unsigned i = 0; i < 11; i++)
		qcow2_refcount_put(s->bytes + 3 * C, 4, i, i < 5 || i >= 8);
}

struct checked {
	struct img_findings found;
	struct img_check_result result;
	bool stands_alone;
};

/* Takes over the store. */
static struct checked check_store(struct img_store *store, unsigned threads, uint64_t memory)
{
	const struct img_checking how = { .threads = threads, .memory = memory };
	struct checked out = { .found = { .most = 10000 } };
	struct img_layer ly = { .format = &img_format_qcow2, .store = store };
	struct img_err err = { 0 };

	cr_assert(img_format_qcow2.check->check(&ly, &how, &out.found, &out.result, &err), "%s",
		  err.text);
	out.stands_alone = ly.stands_alone;
	img_store_close(store);
	return out;
}

static struct checked check(struct sample *s, size_t clusters, unsigned threads, uint64_t memory)
{
	struct img_err err = { 0 };
	struct img_store *store = img_store_mem(s->bytes, clusters * C, &err);

	cr_assert(store);
	return check_store(store, threads, memory);
}

Test(check, a_clean_image)
{
	struct sample s;

	start(&s);
	struct checked out = check(&s, 11, 1, 1 << 20);
	cr_assert_eq(out.found.n, 0);
	cr_assert_eq(out.result.total, 128);
	cr_assert_eq(out.result.allocated, 3);
	cr_assert_eq(out.result.fragmented, 0);
	cr_assert_eq(out.result.compressed, 0);
	cr_assert_eq(out.result.image_end, 11 * C);
	cr_assert(out.stands_alone);
	free(s.bytes);
}

/* A number of so many bytes at a place, and the ids of all that is found. */
static const struct {
	const char *ids;
	uint64_t at, value;
	unsigned bytes;
} damages[] = {
	{ "qcow2.header.broken", 0, 0, 4 },
	{ "qcow2.header.broken", QCOW2_HDR_CLUSTER_BITS, 8, 4 },
	{ "qcow2.header.dirty", QCOW2_HDR_INCOMPATIBLE, 1, 8 },
	{ "qcow2.header.corrupt", QCOW2_HDR_INCOMPATIBLE, 2, 8 },
	{ "qcow2.header.autoclear", QCOW2_HDR_AUTOCLEAR, 16, 8 },
	{ "qcow2.l1.empty qcow2.l2.orphan qcow2.refcount.leak", C, 0, 8 },
	{ "qcow2.l1.reserved qcow2.l2.orphan qcow2.refcount.leak", C, L2 + 2, 8 },
	{ "qcow2.l1.copied", C, L2, 8 },
	{ "qcow2.l1.outside qcow2.l2.orphan qcow2.refcount.leak", C, 1 << 20, 8 },
	{ "qcow2.l2.reserved qcow2.refcount.leak", L2, DATA + 2, 8 },
	{ "qcow2.l2.outside", L2 + 24, 1 << 20, 8 },
	{ "qcow2.l2.nowhere", L2 + 24, QCOW2_ENTRY_COPIED, 8 },
	{ "qcow2.l2.copied", L2, DATA, 8 },
	{ "qcow2.compressed.outside", L2 + 24, QCOW2_ENTRY_COMPRESSED | 1 << 20, 8 },
	{ "qcow2.compressed.copied qcow2.refcount.low", L2 + 24,
	  QCOW2_ENTRY_COMPRESSED | QCOW2_ENTRY_COPIED | (5 * C), 8 },
	{ "qcow2.reftable.reserved", 2 * C + 8, 1, 8 },
	{ "qcow2.reftable.outside", 2 * C + 8, 1 << 20, 8 },
	{ "qcow2.l1.copied qcow2.l2.copied qcow2.refcount.low qcow2.table.outside",
	  QCOW2_HDR_REFTABLE_OFF, UINT64_C(9) << 60, 8 },
	{ "qcow2.refcount.leak", 3 * C + 10, 1, 2 },
	{ "qcow2.l2.copied qcow2.refcount.leak", 3 * C + 18, 2, 2 },
	{ "qcow2.l2.copied qcow2.refcount.low", 3 * C + 18, 0, 2 },
	{ "qcow2.refcount.low", 3 * C, 0, 2 },
	{ "qcow2.l2.copied qcow2.refcount.low qcow2.overlap", L2 + 24, L2, 8 },
	{ "qcow2.l2.twin qcow2.refcount.low", L2 + 24, DATA | QCOW2_ENTRY_COPIED, 8 },
	{ "qcow2.l1.twin qcow2.refcount.low", C + 8, L2 | QCOW2_ENTRY_COPIED, 8 },
};

/* "id id": the kinds, in order, each once. */
static void ids_of(const struct img_findings *found, char *text, size_t len)
{
	*text = '\0';
	for (size_t i = 0; i < found->n; i++) {
		const char *id = found->v[i].kind->id;

		if (strstr(text, id))
			continue;
		if (*text)
			strncat(text, " ", len - strlen(text) - 1);
		strncat(text, id, len - strlen(text) - 1);
	}
}

static void put(struct sample *s, uint64_t at, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		s->bytes[at + i] = (uint8_t)(value >> (bytes - 1 - i) * 8);
}

Test(check, one_number_that_is_wrong)
{
	char text[300];

	for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		struct sample s;

		start(&s);
		put(&s, damages[i].at, damages[i].value, damages[i].bytes);
		struct checked out = check(&s, 11, 2, 1 << 20);
		ids_of(&out.found, text, sizeof(text));
		cr_assert_str_eq(text, damages[i].ids, "%zu: %s", i, text);
		img_findings_clear(&out.found);
		free(s.bytes);
	}
}

/* ---- Entries that lead to one cluster ------------------------------------------------------------ */

/* The first two entries, the count of the cluster where they lead, and how many are found to be wrong. */
static const struct {
	uint64_t first, second, count, twins;
} twins[] = {
	{ DATA | QCOW2_ENTRY_COPIED, DATA | QCOW2_ENTRY_COPIED, 1, 1 },
	{ DATA | QCOW2_ENTRY_COPIED, DATA | QCOW2_ENTRY_COPIED, 0, 1 },
	{ DATA | QCOW2_ENTRY_COPIED, DATA | QCOW2_ENTRY_COPIED, 2, 0 },
	{ DATA, DATA, 1, 1 },
	{ DATA, DATA, 0, 0 },
	{ DATA, DATA, 2, 0 },
	{ DATA | QCOW2_ENTRY_COMPRESSED, DATA | QCOW2_ENTRY_COMPRESSED, 1, 1 },
	{ DATA | QCOW2_ENTRY_COMPRESSED, DATA | QCOW2_ENTRY_COMPRESSED, 2, 0 },
	{ DATA | QCOW2_ENTRY_COMPRESSED, (DATA + 8) | QCOW2_ENTRY_COMPRESSED, 1, 0 },
};

Test(check, entries_rather_than_a_count_are_wrong)
{
	for (size_t i = 0; i < sizeof(twins) / sizeof(*twins); i++) {
		struct sample s;

		start(&s);
		sample_put_l2(&s, L2, 0, twins[i].first);
		sample_put_l2(&s, L2, 1, twins[i].second);
		qcow2_refcount_put(s.bytes + 3 * C, 4, DATA / C, twins[i].count);
		qcow2_refcount_put(s.bytes + 3 * C, 4, DATA / C + 1, 0);
		struct checked out = check(&s, 11, 1, 1 << 20);
		cr_assert_eq(img_findings_count(&out.found, &qcow2_found_l2_twin), twins[i].twins,
			     "%zu", i);
		img_findings_clear(&out.found);
		free(s.bytes);
	}
}

/* ---- Files that lost their end -------------------------------------------------------------------- */

/* What is found in the first len bytes. */
static void expect_cut(struct sample *s, size_t len, const char *ids)
{
	struct img_err err = { 0 };
	struct checked out = check_store(img_store_mem(s->bytes, len, &err), 1, 1 << 20);
	char text[300];

	ids_of(&out.found, text, sizeof(text));
	cr_assert_str_eq(text, ids, "%zu bytes: %s", len, text);
	img_findings_clear(&out.found);
}

Test(check, a_file_that_ends_inside_data)
{
	struct sample s;

	start(&s);
	expect_cut(&s, 11 * C - 1, "qcow2.l2.cut");
	expect_cut(&s, 10 * C + 1, "qcow2.l2.cut");
	/* Zeros need no bytes. */
	put(&s, L2 + 16, (DATA + 2 * C) | QCOW2_ENTRY_COPIED | QCOW2_ENTRY_ZERO, 8);
	expect_cut(&s, 10 * C + 1, "");
	free(s.bytes);
}

/* The disk ends before its last cluster does: so may the file. */
Test(check, a_file_that_ends_with_the_disk)
{
	struct sample s;

	sample_start(&s, sample_header(10, 3 * 512));
	put(&s, 2 * 1024, 3 * 1024, 8);
	sample_put_l1(&s, 0, qcow2_l1_encode(4 * 1024, true));
	for (unsigned i = 0; i < 2; i++)
		sample_put_l2(&s, 4 * 1024, i, (5 + i) * 1024 | QCOW2_ENTRY_COPIED);
	for (unsigned i = 0; i < 7; i++)
		qcow2_refcount_put(s.bytes + 3 * 1024, 4, i, 1);
	expect_cut(&s, 7 * 1024, "");
	expect_cut(&s, 7 * 1024 - 512, "");
	expect_cut(&s, 7 * 1024 - 513, "qcow2.l2.cut");
	free(s.bytes);
}

/* The last cluster is a table, of which an L1 table needs as much as it has entries. */
Test(check, a_file_that_ends_inside_a_table)
{
	struct sample s;

	start(&s);
	sample_put_l1(&s, 1, qcow2_l1_encode(11 * C, true));
	qcow2_refcount_put(s.bytes + 3 * C, 4, 11, 1);
	expect_cut(&s, 12 * C, "");
	expect_cut(&s, 12 * C - 1, "qcow2.table.outside");
	sample_put_l1(&s, 1, 0);
	put(&s, QCOW2_HDR_L1_OFF, 11 * C, 8);
	memcpy(s.bytes + 11 * C, s.bytes + C, 16);
	qcow2_refcount_put(s.bytes + 3 * C, 4, 1, 0);
	expect_cut(&s, 11 * C + 8 * 8, "");
	expect_cut(&s, 11 * C + 8 * 8 - 1, "qcow2.table.outside");
	free(s.bytes);
}

/* A table of a cluster that is still in use by another is the rest of a copy, and no loss. */
Test(check, what_nothing_refers_to)
{
	struct sample s;

	start(&s);
	sample_put_l2(&s, 11 * C, 0, DATA | QCOW2_ENTRY_COPIED);
	sample_put_l2(&s, 11 * C, 1, (DATA + C) | QCOW2_ENTRY_COPIED);
	memset(s.bytes + 12 * C, 'x', C);
	for (unsigned i = 11; i < 14; i++)
		qcow2_refcount_put(s.bytes + 3 * C, 4, i, 1);
	struct checked out = check(&s, 14, 1, 1 << 20);
	cr_assert_eq(out.found.n, 1);
	cr_assert_eq(out.found.v[0].kind, &qcow2_found_refcount_leak);
	cr_assert_eq(out.found.v[0].n, 3);
	img_findings_clear(&out.found);

	/* With one that nothing else has, most of what it leads to is lost. */
	sample_put_l2(&s, 11 * C, 2, (12 * C) | QCOW2_ENTRY_COPIED);
	sample_put_l2(&s, 11 * C, 3, (13 * C) | QCOW2_ENTRY_COPIED);
	sample_put_l2(&s, 11 * C, 1, 0);
	out = check(&s, 14, 1, 1 << 20);
	cr_assert_eq(img_findings_count(&out.found, &qcow2_found_l2_orphan), 1);
	cr_assert_eq(img_findings_count(&out.found, &qcow2_found_l1_empty), 0);
	img_findings_clear(&out.found);
	free(s.bytes);
}

Test(check, the_file_goes_on)
{
	struct sample s;

	start(&s);
	struct checked out = check(&s, 13, 1, 1 << 20);
	cr_assert_eq(out.found.n, 1);
	cr_assert_eq(out.found.v[0].kind, &qcow2_found_header_behind);
	cr_assert_eq(out.found.v[0].host, 11 * C);
	img_findings_clear(&out.found);
	free(s.bytes);
}

/* ---- The same, whatever the way ------------------------------------------------------------------- */

enum { BIG_L2 = 60 };			/* tables, behind cluster 100 */

/* Tables full of entries that point anywhere, some twice, some nowhere, with wrong counts. */
static void start_big(struct sample *s)
{
	struct qcow2_header hdr = sample_header(9, 4 << 20);
	uint64_t chance = 1;

	hdr.l1_off = 20 * C;
	hdr.l1_entries = 128;
	sample_start(s, hdr);
	for (unsigned i = 0; i < 8; i++)
		img_put_be64(s->bytes + 2 * C + i * 8, (uint64_t)(10 + i) * C);
	for (unsigned i = 0; i < BIG_L2; i++)
		sample_put_l1(s, (size_t)i * 2, qcow2_l1_encode((100 + i) * C, i % 5));
	for (unsigned i = 0; i < BIG_L2 * 64; i++) {
		chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407;
		if (chance >> 62)
			put(s, 100 * C + (uint64_t)i * 8,
			    ((200 + (chance >> 40) % 1900) * C) | (chance & QCOW2_ENTRY_COPIED), 8);
		qcow2_refcount_put(s->bytes + 10 * C, 4, i % 2048, chance >> 63);
	}
}

static void expect_same(const struct img_findings *a, const struct img_findings *b)
{
	cr_assert_eq(a->n, b->n, "%zu %zu", a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		cr_assert_eq(a->v[i].kind, b->v[i].kind, "%zu", i);
		cr_assert_eq(a->v[i].host, b->v[i].host, "%zu", i);
		cr_assert_eq(a->v[i].guest, b->v[i].guest, "%zu", i);
		cr_assert_eq(a->v[i].n, b->v[i].n, "%zu", i);
		cr_assert_eq(a->v[i].found, b->v[i].found, "%zu", i);
		cr_assert_eq(a->v[i].expected, b->v[i].expected, "%zu", i);
	}
}

Test(check, threads_do_not_show)
{
	struct sample s;

	start_big(&s);
	struct checked one = check(&s, SAMPLE_BYTES / C, 1, 1 << 20);
	cr_assert_gt(one.found.n, 150);
	for (unsigned threads = 2; threads < 9; threads += 5) {
		struct checked out = check(&s, SAMPLE_BYTES / C, threads, 1 << 20);

		expect_same(&one.found, &out.found);
		cr_assert_eq(out.result.allocated, one.result.allocated);
		cr_assert_eq(out.result.fragmented, one.result.fragmented);
		img_findings_clear(&out.found);
	}
	img_findings_clear(&one.found);
	free(s.bytes);
}

/* Data all over a long file, more than the memory for counts holds at once. */
Test(check, windows_do_not_show, .init = files_enter, .fini = files_leave)
{
	enum { FAR_CLUSTERS = 1 << 20 };
	struct checked one = { 0 };
	struct img_err err = { 0 };
	struct sample s;

	start_big(&s);
	for (uint64_t i = 0; i < BIG_L2 * 64; i++)
		put(&s, 100 * C + i * 8,
		    (2048 + i * 999983 % (FAR_CLUSTERS - 2048)) * C | QCOW2_ENTRY_COPIED, 8);
	files_write("image", s.bytes, SAMPLE_BYTES);
	cr_assert_eq(truncate("image", (off_t)FAR_CLUSTERS * C), 0);
	for (uint64_t memory = UINT64_C(1) << 28; memory; memory = memory > 1 ? 1 : 0) {
		struct checked out = check_store(
			img_store_file("image", 0, IMG_CACHE_DEFAULT, &err), 2, memory);

		cr_assert_gt(img_findings_count(&out.found, &qcow2_found_refcount_low), 3000);
		if (one.found.n) {
			expect_same(&one.found, &out.found);
			cr_assert_eq(out.result.image_end, one.result.image_end);
			cr_assert_eq(out.result.allocated, one.result.allocated);
			img_findings_clear(&out.found);
		} else {
			one = out;
		}
	}
	img_findings_clear(&one.found);
	free(s.bytes);
}
