/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The header of an image in use: what a patch changes and what it leaves alone, and what a loss of
 * power leaves of one that is rewritten.
 */
#include "base/mem.h"
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

/* ---- Rewriting ----------------------------------------------------------------------------------- */

enum { FIRST = 4096 };

/* What stands in a header before and after. */
struct says {
	uint32_t n_bitmaps;
	uint64_t bitmap_dir_off;
	const char *backing, *backing_format;
};

static const struct transition {
	const char *what;
	struct says before, after;
} transitions[] = {
	{ "nothing", { 1, 0x5000, "b", "raw" }, { 1, 0x5000, "b", "raw" } },
	{ "the first bitmap", { 0 }, { 1, 0x5000, NULL, NULL } },
	{ "another directory", { 1, 0x5000, NULL, NULL }, { 2, 0x9000, NULL, NULL } },
	{ "the last bitmap goes", { 1, 0x5000, NULL, NULL }, { 0 } },
	{ "a first bitmap beside a name", { 0, 0, "below.img", "raw" },
	  { 1, 0x5000, "below.img", "raw" } },
	{ "a last bitmap beside a name", { 1, 0x5000, "below.img", "raw" },
	  { 0, 0, "below.img", "raw" } },
	{ "a name comes", { 0 }, { 0, 0, "below.img", NULL } },
	{ "a name and a format come", { 0 }, { 0, 0, "below.img", "qcow2" } },
	{ "a name goes", { 0, 0, "below.img", "raw" }, { 0 } },
	{ "a longer name", { 0, 0, "a.img", "raw" }, { 0, 0, "another.img", "raw" } },
	{ "a shorter name", { 0, 0, "another.img", "qcow2" }, { 0, 0, "a.img", "raw" } },
};

static char *copy_of(const char *text)
{
	return text ? strdup(text) : NULL;
}

static void set_says(struct qcow2_header *hdr, const struct says *says)
{
	free(hdr->backing);
	free(hdr->backing_format);
	hdr->backing = copy_of(says->backing);
	hdr->backing_format = copy_of(says->backing_format);
	hdr->n_bitmaps = says->n_bitmaps;
	hdr->bitmap_dir_off = says->bitmap_dir_off;
	hdr->bitmap_dir_len = says->n_bitmaps * 32;
	hdr->autoclear = says->n_bitmaps ? QCOW2_AUTOCLEAR_BITMAPS : 0;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool is_said(struct sample *s, const struct says *says, size_t foreign_len)
{
	struct qcow2_header hdr;
	struct img_err err = { 0 };
	uint8_t raw[FIRST];

	read_back(s, raw, sizeof(raw));
	cr_assert(qcow2_header_decode(raw, sizeof(raw), &hdr, &err), "%s", err.text);
	/* Without their bit they are none. */
	const bool bitmaps = hdr.autoclear & QCOW2_AUTOCLEAR_BITMAPS;
	const bool same = (bitmaps ? hdr.n_bitmaps : 0) == says->n_bitmaps &&
			  (!says->n_bitmaps || hdr.bitmap_dir_off == says->bitmap_dir_off) &&
			  hdr.more_extensions.len == foreign_len &&
			  same_text(hdr.backing, says->backing) &&
			  same_text(hdr.backing_format, says->backing_format);
	qcow2_header_clear(&hdr);
	return same;
}

/* Goes from one header to the other until the n-th write, at which the power fails. */
static bool rewrite_until(const struct transition *t, bool foreign, unsigned n)
{
	uint8_t extension[72] = { 0x12, 0x34, 0x56, 0x78, 0, 0, 0, 64, 'f', 'f', 'f' };
	struct qcow2_header hdr = sample_header(12, 1 << 20);
	struct img_err err = { 0 };
	char script[16];
	struct sample s;

	set_says(&hdr, &t->before);
	if (foreign)
		hdr.more_extensions = (struct qcow2_bytes){ extension, sizeof(extension) };
	sample_start(&s, hdr);
	sample_open(&s, SAMPLE_BYTES);
	snprintf(script, sizeof(script), "write:%u", n);
	s.ly.store = img_store_fault(s.ly.store, script, &err);
	cr_assert(s.ly.store);
	of(&s)->map.file = s.ly.store;
	set_says(&of(&s)->header, &t->after);
	const bool ok = qcow2_header_rewrite(of(&s), &err);
	const size_t foreign_len = hdr.more_extensions.len;
	cr_assert(is_said(&s, &t->after, foreign_len) ||
		  (!ok && is_said(&s, &t->before, foreign_len)), "%s: %u", t->what, n);
	free(hdr.backing);
	free(hdr.backing_format);
	sample_end(&s);
	return ok;
}

Test(header_store, a_loss_of_power_leaves_one_header_or_the_other)
{
	for (size_t i = 0; i < sizeof(transitions) / sizeof(*transitions); i++)
		for (unsigned n = 1; !rewrite_until(&transitions[i], false, n); n++)
			cr_assert_lt(n, FIRST / QCOW2_SECTOR);
}

Test(header_store, bitmaps_come_and_go_beside_extensions_of_others)
{
	for (size_t i = 0; i < sizeof(transitions) / sizeof(*transitions); i++)
		if (same_text(transitions[i].before.backing, transitions[i].after.backing))
			for (unsigned n = 1; !rewrite_until(&transitions[i], true, n); n++)
				cr_assert_lt(n, FIRST / QCOW2_SECTOR);
}

Test(header_store, another_directory_takes_one_write)
{
	cr_assert(rewrite_until(&transitions[0], false, 1));
	cr_assert(rewrite_until(&transitions[2], false, 2));
}

Test(header_store, what_does_not_fit_is_not_written)
{
	struct qcow2_header hdr = sample_header(9, 65536);
	struct img_err err = { 0 };
	struct sample s;
	char name[401] = "";

	sample_start(&s, hdr);
	sample_open(&s, SAMPLE_BYTES);
	memset(name, 'n', 400);
	of(&s)->header.backing = strdup(name);
	cr_assert_not(qcow2_header_rewrite(of(&s), &err));
	cr_assert_eq(err.code, IMG_E_RANGE);
	sample_end(&s);
}
