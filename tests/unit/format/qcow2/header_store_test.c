/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The header of an image in use: what a patch changes, and what it leaves alone. */
#include "sample.h"

static struct qcow2 *of(struct sample *s)
{
	return s->ly.priv;
}

static void read_back(struct sample *s, uint8_t *raw, size_t len)
{
	struct img_err err = { 0 };

	cr_assert(img_store_read(s->ly.store, 0, raw, len, &err), "%s", err.text);
}

static void start(struct sample *s)
{
	sample_start(s, sample_header(16, 1 << 20));
	sample_open(s, SAMPLE_BYTES);
}

Test(header_store, a_patch_changes_the_numbers_alone)
{
	static uint8_t before[65536], after[65536];
	struct qcow2_header out;
	struct img_err err = { 0 };
	struct sample s;

	start(&s);
	read_back(&s, before, sizeof(before));
	struct qcow2_header *hdr = &of(&s)->header;
	hdr->size = 2 << 20;
	hdr->l1_entries = 16;
	hdr->l1_off = 0x70000;
	hdr->reftable_off = 0x80000;
	hdr->reftable_clusters = 2;
	hdr->n_snapshots = 3;
	hdr->snapshots_off = 0x90000;
	hdr->incompatible = QCOW2_INCOMPATIBLE_DIRTY;
	hdr->compatible = QCOW2_COMPATIBLE_LAZY_REFCOUNTS;
	hdr->autoclear = QCOW2_AUTOCLEAR_BITMAPS;
	hdr->refcount_order = 5;
	cr_assert(qcow2_header_patch(of(&s), &err), "%s", err.text);

	read_back(&s, after, sizeof(after));
	cr_assert(qcow2_header_decode(after, sizeof(after), &out, &err), "%s", err.text);
	cr_assert_eq(memcmp(&out, hdr, sizeof(out)), 0);
	cr_assert_eq(memcmp(before + QCOW2_HDR_LEN, after + QCOW2_HDR_LEN,
			    sizeof(after) - QCOW2_HDR_LEN), 0);
	qcow2_header_clear(&out);
	sample_end(&s);
}

Test(header_store, version_2_keeps_what_lies_behind_its_header)
{
	uint8_t raw[QCOW2_SECTOR];
	struct img_err err = { 0 };
	struct sample s;
	struct qcow2_header hdr = sample_header(16, 1 << 20);

	hdr.version = 2;
	hdr.backing = (char *)(uintptr_t)"below";
	sample_start(&s, hdr);
	sample_open(&s, SAMPLE_BYTES);
	of(&s)->header.l1_entries = 9;
	cr_assert(qcow2_header_patch(of(&s), &err), "%s", err.text);
	read_back(&s, raw, sizeof(raw));
	cr_assert_eq(img_get_be32(raw + QCOW2_HDR_L1_ENTRIES), 9);
	cr_assert_eq(memcmp(raw + QCOW2_HDR_V2_LEN + QCOW2_EXT_DATA, "below", 5), 0);
	sample_end(&s);
}

Test(header_store, what_somebody_else_wrote_there_stays)
{
	uint8_t raw[QCOW2_SECTOR];
	struct img_err err = { 0 };
	struct sample s;

	start(&s);
	memset(raw, 'x', sizeof(raw));
	cr_assert(img_store_write(s.ly.store, 0, raw, sizeof(raw), &err));
	cr_assert_not(qcow2_header_patch(of(&s), &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT);
	read_back(&s, raw, sizeof(raw));
	cr_assert_eq(raw[QCOW2_HDR_SIZE], 'x');
	sample_end(&s);
}
