/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reference map of images made by hand: what is counted, what is damage, what must not explode. */
#include <inttypes.h>
#include "format/qcow2/refs.h"
#include "sample.h"

enum { C = 512, FILE_CLUSTERS = 64, L2 = 8 * C };

struct found {
	struct qcow2_refs *refs;
	struct img_findings damage;
};

static struct found collect(struct sample *s, size_t clusters)
{
	struct found f = { .damage = { .most = 100 } };
	struct img_err err = { 0 };
	struct img_store *store = img_store_mem(s->bytes, clusters * C, &err);
	const struct qcow2_refs_how how = {
		.hdr = &s->hdr, .file = store, .with_refcounts = true, .damage = &f.damage,
		.threads = 2,
	};

	cr_assert(store);
	f.refs = qcow2_refs_collect(&how, &err);
	cr_assert(f.refs, "%s", err.text);
	img_store_close(store);
	return f;
}

static void finish(struct sample *s, struct found *f)
{
	qcow2_refs_free(f->refs);
	img_findings_clear(&f->damage);
	free(s->bytes);
}

/* Refcounts in clusters 2 and 3, an L2 table in cluster 8. */
static void start(struct sample *s, struct qcow2_header hdr)
{
	sample_start(s, hdr);
	img_put_be64(s->bytes + hdr.reftable_off, 3 * C);
	sample_put_l1(s, 0, qcow2_l1_encode(L2, true));
}

/* "host:count" of every cluster that is referred to. */
static void expect(struct found *f, const char *wanted)
{
	char text[400] = "";
	uint64_t n;

	for (uint64_t at = 0; qcow2_refs_next(f->refs, &at, &n); at++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%d:%d ", (int)at,
			 (int)n);
	cr_assert_str_eq(text, wanted);
	cr_assert_eq(f->damage.n, 0, "%s", f->damage.v->kind->id);
}

static uint64_t compressed(uint64_t host, uint64_t sectors)
{
	return QCOW2_ENTRY_COMPRESSED | (sectors - 1) << 61 | host;
}

Test(refs, active_tables)
{
	struct sample s;
	struct found f;

	start(&s, sample_header(9, 256 << 10));
	sample_put_l1(&s, 3, qcow2_l1_encode(9 * C, true));
	sample_put_l1(&s, 5, qcow2_l1_encode(9 * C, false));
	sample_put_l2(&s, L2, 0, 10 * C | QCOW2_ENTRY_COPIED);
	sample_put_l2(&s, L2, 1, 11 * C | QCOW2_ENTRY_ZERO);
	sample_put_l2(&s, L2, 2, QCOW2_ENTRY_ZERO);
	sample_put_l2(&s, L2, 63, 12 * C);
	sample_put_l2(&s, 9 * C, 7, 12 * C);
	/* Clusters of 512 bytes leave one bit for the number of sectors. */
	sample_put_l2(&s, 9 * C, 8, compressed(14 * C + 500, 2));
	sample_put_l2(&s, 9 * C, 9, compressed(15 * C + 100, 1));
	f = collect(&s, FILE_CLUSTERS);
	expect(&f, "0:1 1:1 2:1 3:1 8:1 9:2 10:1 11:1 12:3 14:2 15:4 ");
	finish(&s, &f);
}

Test(refs, data_file)
{
	struct qcow2_header hdr = sample_header(9, 64 << 10);
	struct sample s;
	struct found f;

	hdr.incompatible = QCOW2_INCOMPATIBLE_DATA_FILE;
	start(&s, hdr);
	sample_put_l2(&s, L2, 0, QCOW2_ENTRY_COPIED);
	sample_put_l2(&s, L2, 1, C | QCOW2_ENTRY_COPIED);
	f = collect(&s, FILE_CLUSTERS);
	expect(&f, "0:1 1:1 2:1 3:1 8:1 ");
	qcow2_refs_free(f.refs);

	/* A guest cluster has its own place there, and no other. */
	sample_put_l2(&s, L2, 2, (1000000 * C) | QCOW2_ENTRY_COPIED);
	f = collect(&s, FILE_CLUSTERS);
	cr_assert_eq(f.damage.n, 1);
	cr_assert_eq(f.damage.v[0].kind, &qcow2_found_l2_misplaced);
	cr_assert_eq(f.damage.v[0].guest, 2 * C);
	finish(&s, &f);
}

static void put_snapshot(struct sample *s, uint64_t l1_off, uint32_t l1_entries)
{
	uint8_t *raw = s->bytes + s->hdr.snapshots_off;

	img_put_be64(raw + QCOW2_SNAP_L1_OFF, l1_off);
	img_put_be32(raw + QCOW2_SNAP_L1_ENTRIES, l1_entries);
	/* An entry that is longer than a cluster. */
	img_put_be16(raw + QCOW2_SNAP_NAME_LEN, 600);
}

Test(refs, snapshots)
{
	struct qcow2_header hdr = sample_header(9, 64 << 10);
	struct sample s;
	struct found f;

	hdr.n_snapshots = 1;
	hdr.snapshots_off = 20 * C;
	start(&s, hdr);
	put_snapshot(&s, 22 * C, 65);
	img_put_be64(s.bytes + 22 * C, L2);
	img_put_be64(s.bytes + 22 * C + 64 * 8, 24 * C);
	sample_put_l2(&s, L2, 0, 30 * C);
	sample_put_l2(&s, 24 * C, 0, 31 * C);
	f = collect(&s, FILE_CLUSTERS);
	expect(&f, "0:1 1:1 2:1 3:1 8:2 20:1 21:1 22:1 23:1 24:1 30:2 31:1 ");
	finish(&s, &f);
}

/* Their directory is at 20, their tables are behind it. */
static struct qcow2_header header_with_two_bitmaps(uint64_t size)
{
	struct qcow2_header hdr = sample_header(9, size);

	hdr.autoclear = QCOW2_AUTOCLEAR_BITMAPS;
	hdr.n_bitmaps = 2;
	hdr.bitmap_dir_off = 20 * C;
	hdr.bitmap_dir_len = 64;
	return hdr;
}

/* Number i of them, whose table has so many entries and leads to the cluster at `bits` first. */
static void put_bitmap(struct sample *s, size_t i, unsigned entries, uint64_t bits)
{
	uint8_t *raw = s->bytes + 20 * C + i * 32;

	img_put_be64(raw + QCOW2_BITMAP_TABLE_OFF, (21 + i) * C);
	img_put_be32(raw + QCOW2_BITMAP_TABLE_ENTRIES, entries);
	img_put_be16(raw + QCOW2_BITMAP_NAME_LEN, 5);
	img_put_be64(s->bytes + (21 + i) * C, bits);
}

Test(refs, bitmaps_and_luks)
{
	struct qcow2_header hdr = header_with_two_bitmaps(64 << 10);
	struct sample s;
	struct found f;

	hdr.crypt = QCOW2_CRYPT_LUKS;
	hdr.crypt_off = 30 * C;
	hdr.crypt_len = 2 * C + 1;
	start(&s, hdr);
	for (unsigned i = 0; i < 2; i++) {
		put_bitmap(&s, i, 3, (40 + i) * C);
		img_put_be64(s.bytes + (21 + i) * C + 8, QCOW2_BITMAP_ENTRY_ONES);
	}
	f = collect(&s, FILE_CLUSTERS);
	expect(&f, "0:1 1:1 2:1 3:1 8:1 20:1 21:1 22:1 30:1 31:1 32:1 40:1 41:1 ");
	qcow2_refs_free(f.refs);

	/* Bitmaps that may be out of date are nobody's. */
	s.hdr.autoclear = 0;
	f = collect(&s, FILE_CLUSTERS);
	expect(&f, "0:1 1:1 2:1 3:1 8:1 30:1 31:1 32:1 ");
	finish(&s, &f);
}

/* Each block is for 256 clusters; there is one for the first and for the third row of them. */
Test(refs, rows_without_a_block)
{
	struct img_findings found = { .most = 10 };
	struct img_err err = { 0 };
	struct img_store *store;
	uint64_t used = 0;
	struct sample s;
	struct found f;

	start(&s, sample_header(9, 256 << 10));
	img_put_be64(s.bytes + s.hdr.reftable_off + 2 * 8, 4 * C);
	sample_put_l2(&s, L2, 0, 300 * C);	/* no block */
	sample_put_l2(&s, L2, 1, 301 * C);	/* no block */
	sample_put_l2(&s, L2, 2, 513 * C);	/* counted */
	sample_put_l2(&s, L2, 3, 1000 * C);	/* no block */
	for (unsigned i = 0; i < 9; i++)
		qcow2_refcount_put(s.bytes + 3 * C, 4, i, i < 5 || i == 8);
	qcow2_refcount_put(s.bytes + 4 * C, 4, 1, 1);
	qcow2_refcount_put(s.bytes + 4 * C, 4, 9, 1);		/* a leak */
	f = collect(&s, SAMPLE_BYTES / C);
	store = img_store_mem(s.bytes, SAMPLE_BYTES, &err);
	cr_assert(qcow2_refs_compare(f.refs, &s.hdr, store, &found, &used, &err));
	cr_assert_eq(found.n, 3);
	cr_assert_eq(found.v[0].kind, &qcow2_found_refcount_low);
	cr_assert_eq(found.v[0].host, 300 * C);
	cr_assert_eq(found.v[0].n, 2);
	cr_assert_eq(found.v[1].kind, &qcow2_found_refcount_leak);
	cr_assert_eq(found.v[1].host, 521 * C);
	cr_assert_eq(found.v[2].host, 1000 * C);
	cr_assert_eq(used, 1001);
	img_findings_clear(&found);
	img_store_close(store);
	finish(&s, &f);
}

/* ---- Damage -------------------------------------------------------------------------------------- */

/* One number that is put at a place, and what comes of it. */
static const struct {
	uint64_t at, value;
	const struct img_finding_kind *kind;	/* NULL: nothing */
	uint64_t told;
	const char *detail;
} damages[] = {
	{ C, (FILE_CLUSTERS - 1) * C, NULL, 0, NULL },
	{ C, FILE_CLUSTERS * C, &qcow2_found_l1_outside, C, NULL },
	{ C + 8, 8 * C + 1, &qcow2_found_l1_reserved, C + 8, NULL },
	{ C, 256 * C + 256 * 3, &qcow2_found_l1_reserved, C, NULL },
	{ L2, UINT64_C(1) << 55, &qcow2_found_l2_outside, L2, NULL },
	{ L2, 10 * C + 2, &qcow2_found_l2_reserved, L2, NULL },
	{ L2 + 8, UINT64_C(0xc000000000000000) | (FILE_CLUSTERS * C - 1), NULL, 0, NULL },
	{ L2 + 8, UINT64_C(0xe000000000000000) | (FILE_CLUSTERS * C - 1),
	  &qcow2_found_compressed_outside, L2 + 8, NULL },
	{ L2, C, &qcow2_found_overlap, C, "L1 table, data" },
	{ L2, 3 * C, &qcow2_found_overlap, 3 * C, "refcount block, data" },
	{ L2, L2, &qcow2_found_overlap, L2, "L2 table, data" },
	{ L2, UINT64_C(0x4000000000000000) | 100, &qcow2_found_overlap, 0,
	  "header, compressed data" },
	{ 2 * C, 2 * C, &qcow2_found_overlap, 2 * C, "refcount table, refcount block" },
	{ 2 * C + 8, 3 * C, &qcow2_found_overlap, 3 * C, "refcount block" },
	{ 2 * C + 8, 3, &qcow2_found_reftable_reserved, 2 * C + 8, NULL },
	{ 2 * C + 8, FILE_CLUSTERS * C, &qcow2_found_reftable_outside, 2 * C + 8, NULL },
	{ C, 2 * C, &qcow2_found_overlap, 2 * C, "refcount table, L2 table" },
};

static void expect_one(const struct found *f, size_t i)
{
	const struct img_finding *one = f->damage.v;

	cr_assert_eq(!f->damage.n, !damages[i].kind, "%zu", i);
	if (!damages[i].kind)
		return;
	cr_assert_eq(one->kind, damages[i].kind, "%zu: %s", i, one->kind->id);
	cr_assert_eq(one->host, damages[i].told, "%zu: %" PRIu64, i, one->host);
	cr_assert_eq(!one->detail, !damages[i].detail, "%zu", i);
	if (one->detail)
		cr_assert_str_eq(one->detail, damages[i].detail, "%zu", i);
}

Test(refs, damage)
{
	for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		struct sample s;
		struct found f;

		start(&s, sample_header(9, 256 << 10));
		img_put_be64(s.bytes + damages[i].at, damages[i].value);
		f = collect(&s, FILE_CLUSTERS);
		expect_one(&f, i);
		finish(&s, &f);
	}
}

/* Bits in a cluster of the disk, and the same bits in two bitmaps. */
Test(refs, bits_of_a_bitmap_belong_to_nobody_else)
{
	static const char *const details[] = { "data, bits of a bitmap", "bits of a bitmap" };
	static const uint64_t places[] = { 30 * C, 31 * C };
	struct sample s;
	struct found f;

	start(&s, header_with_two_bitmaps(256 << 10));
	for (size_t i = 0; i < 2; i++)
		put_bitmap(&s, i, 2, places[1]);
	img_put_be64(s.bytes + 21 * C + 8, places[0]);
	img_put_be64(s.bytes + L2, places[0]);
	f = collect(&s, FILE_CLUSTERS);
	cr_assert_eq(img_findings_count(&f.damage, &qcow2_found_overlap), 2);
	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(f.damage.v[i].host, places[i]);
		cr_assert_str_eq(f.damage.v[i].detail, details[i]);
	}
	finish(&s, &f);
}

/* Places and sizes in the header that cannot be. */
Test(refs, damage_in_the_header)
{
	for (int i = 0; i < 6; i++) {
		struct qcow2_header hdr = sample_header(9, 4096);
		struct sample s;
		struct found f;

		start(&s, hdr);
		if (i == 0)
			s.hdr.l1_off = UINT64_C(1) << 62;
		if (i == 1)
			s.hdr.l1_off = UINT64_MAX - C + 1;
		if (i == 2)
			s.hdr.reftable_clusters = 2 * FILE_CLUSTERS;
		if (i == 3) {
			s.hdr.crypt = QCOW2_CRYPT_LUKS;
			s.hdr.crypt_off = 40 * C;
			s.hdr.crypt_len = UINT64_MAX;
		}
		if (i == 4) {
			s.hdr.autoclear = QCOW2_AUTOCLEAR_BITMAPS;
			s.hdr.n_bitmaps = 1;
			s.hdr.bitmap_dir_off = 40 * C;
			s.hdr.bitmap_dir_len = UINT64_MAX;
		}
		if (i == 5)
			s.hdr.crypt = QCOW2_CRYPT_LUKS;	/* and no extension that says where */
		f = collect(&s, FILE_CLUSTERS);
		cr_assert(f.damage.n, "%d", i);
		finish(&s, &f);
	}
}

/* ---- Images that were made to hurt ---------------------------------------------------------------- */

/* A hundred thousand L1 entries for one L2 table, whose entries all stand for one cluster. */
Test(refs, one_table_for_everything, .timeout = 20)
{
	enum { N_L1 = 100000, FIRST = 16, N_L2 = C / 8 };
	struct qcow2_header hdr = sample_header(9, 4096);
	struct sample s;
	struct found f;

	hdr.l1_entries = N_L1;
	hdr.l1_off = FIRST * C;
	start(&s, hdr);
	for (size_t i = 0; i < N_L1; i++)
		sample_put_l1(&s, i, L2);
	for (size_t i = 0; i < N_L2; i++)
		sample_put_l2(&s, L2, i, 10 * C);
	f = collect(&s, SAMPLE_BYTES / C);
	cr_assert_eq(qcow2_refs_get(f.refs, 8), N_L1);
	cr_assert_eq(qcow2_refs_get(f.refs, 10), (uint64_t)N_L1 * N_L2);
	cr_assert_eq(f.damage.n, 0);
	finish(&s, &f);
}

/* Snapshots that share one long L1 table are damage that is followed once. */
Test(refs, snapshots_over_each_other, .timeout = 20)
{
	enum { N = 8000, ENTRY = 40, L1_ENTRIES = 40000 };
	struct qcow2_header hdr = sample_header(9, 4096);
	struct sample s;
	struct found f;

	hdr.n_snapshots = N;
	hdr.snapshots_off = 1000 * C;
	start(&s, hdr);
	for (size_t i = 0; i < N; i++) {
		uint8_t *raw = s.bytes + hdr.snapshots_off + i * ENTRY;

		img_put_be64(raw + QCOW2_SNAP_L1_OFF, (16 + i % 2) * C);
		img_put_be32(raw + QCOW2_SNAP_L1_ENTRIES, L1_ENTRIES);
	}
	f = collect(&s, SAMPLE_BYTES / C);
	cr_assert_eq(img_findings_count(&f.damage, &qcow2_found_overlap), 2);
	cr_assert_eq(f.damage.v[0].host, 16 * C);
	finish(&s, &f);
}
