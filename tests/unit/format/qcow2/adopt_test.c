/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An image around data that lie in its file: it opens, and each cluster is where it was; then some
 * are moved.  What it says of the file that it was, and what would be lost if it were raw.
 */
#include <string.h>
#include "sample.h"
#include "format/qcow2/adopt.h"

static struct img_err err;
static struct img_placement where;
static struct img_store *st;
static void *laid;

static struct img_settings *settings(const char *options)
{
	struct img_settings *set = img_settings_parse(qcow2_create_options, options, &err);

	cr_assert(set, "%s", err.text);
	return set;
}

/* A disk of so many clusters; each third lies somewhere, some at other places than in the end. */
static void lay(uint64_t clusters, uint32_t unit, const char *options)
{
	const struct img_adoption note = { .size = clusters * unit - 100, .time = 12345 };
	struct img_settings *set = settings(options);
	const struct img_adopting how = { .where = &where, .settings = set, .note = &note };

	cr_assert(st = img_store_mem(NULL, 0, &err));
	cr_assert(img_placement_init(&where, note.size, unit, 0, &err), "%s", err.text);
	cr_assert(img_placement_put(&where, 0, clusters));
	for (uint64_t g = 3; g < clusters; g += 3)
		cr_assert(img_placement_put(&where, g, g % 2 ? g : g + 1));
	cr_assert(qcow2_adopt_ops.lay(st, &how, &laid, &err), "%s", err.text);
	img_settings_free(set);
}

static void open_layer(struct img_layer *ly)
{
	const struct img_layer_open how = { 0 };

	*ly = (struct img_layer){ .format = &img_format_qcow2, .store = st };
	cr_assert(img_format_qcow2.open(ly, &how, &err), "%s", err.text);
}

static void close_layer(struct img_layer *ly)
{
	img_format_qcow2.close(ly);
}

/* The layer says what the placement does, and a check finds nothing. */
static void expect_agreement(const char *what)
{
	const struct img_checking how = { .threads = 1, .memory = 1 << 20 };
	struct img_check_result result = { 0 };
	struct img_findings found = { .most = 1 };
	struct img_placement seen;
	struct img_rangeset blank = { 0 };
	struct img_layer ly;

	open_layer(&ly);
	cr_assert(img_placement_init(&seen, ly.size, where.unit, where.hosts * where.unit, &err));
	cr_assert(img_placement_read(&seen, &ly, &blank, &err), "%s: %s", what, err.text);
	cr_assert_eq(seen.placed, where.placed, "%s", what);
	cr_assert_eq(seen.astray, where.astray, "%s", what);
	cr_assert_arr_eq(seen.host_of, where.host_of, where.units * sizeof(*where.host_of), "%s",
			 what);
	close_layer(&ly);
	ly = (struct img_layer){ .format = &img_format_qcow2, .store = st };
	cr_assert(qcow2_check_ops.check(&ly, &how, &found, &result, &err), "%s", err.text);
	cr_assert_eq(found.n, 0, "%s: %s", what, found.n ? found.v[0].kind->id : "");
	img_findings_clear(&found);
	img_placement_clear(&seen);
}

static void end(void)
{
	qcow2_adopt_ops.free(laid);
	img_placement_clear(&where);
	img_store_close(st);
}

TestSuite(qcow2_adopt, .fini = end);

Test(qcow2_adopt, all_widths)
{
	static const char *const options[] = {
		"cluster_size=512", "cluster_size=512,refcount_bits=1", "cluster_size=512,compat=0.10",
		"cluster_size=512,refcount_bits=64", "cluster_size=512,lazy_refcounts=on",
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (i)
			end();
		lay(3000, 512, options[i]);
		expect_agreement(options[i]);
	}
	end();
	lay(70, 16384, "cluster_size=16k,extended_l2=on");
	expect_agreement("subclusters");
}

Test(qcow2_adopt, units_that_move)
{
	struct img_rangeset guests = { 0 }, hosts = { 0 };

	lay(3000, 512, "cluster_size=512");
	for (uint64_t g = 6; g < 3000; g += 6) {
		img_placement_take(&where, g);
		cr_assert(img_placement_put(&where, g, g));
		cr_assert(img_rangeset_include(&guests, g, 1, &err));
		cr_assert(img_rangeset_include(&hosts, g, 2, &err));
	}
	cr_assert(qcow2_adopt_ops.moved(laid, st, &where, &guests, &hosts, &err), "%s", err.text);
	cr_assert_eq(where.astray, 0);
	expect_agreement("moved");
	img_rangeset_clear(&guests);
	img_rangeset_clear(&hosts);
}

Test(qcow2_adopt, what_it_was)
{
	struct img_adoption note;
	struct img_layer ly;

	lay(10, 4096, "cluster_size=4k");
	open_layer(&ly);
	cr_assert(qcow2_adopt_ops.sole(&ly, &err), "%s", err.text);
	cr_assert(qcow2_adopt_ops.adopted(&ly, &note));
	cr_assert_eq(note.size, 10 * 4096 - 100);
	cr_assert_eq(note.time, 12345);
	((struct qcow2 *)ly.priv)->header.size += 512;
	cr_assert_not(qcow2_adopt_ops.adopted(&ly, &note), "the disk has another size now");
	close_layer(&ly);
}

Test(qcow2_adopt, what_would_be_lost)
{
	static const struct qcow2_header rows[] = {
		{ .backing = (char *)(uintptr_t)"b" }, { .data_file = (char *)(uintptr_t)"d" },
		{ .crypt = QCOW2_CRYPT_AES }, { .n_snapshots = 1 }, { .n_bitmaps = 1 },
	};
	struct qcow2 q = { .header = { .incompatible = QCOW2_INCOMPATIBLE_CORRUPT } };
	const struct img_layer ly = { .priv = &q };

	cr_assert_not(qcow2_adopt_ops.sole(&ly, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		q.header = rows[i];
		cr_assert_not(qcow2_adopt_ops.sole(&ly, &err), "row %zu", i);
		cr_assert_eq(err.code, IMG_E_UNSUPPORTED, "row %zu", i);
	}
}

Test(qcow2_adopt, options)
{
	static const char *const wrong[] = {
		"preallocation=metadata", "data_file=x", "backing_file=x,backing_fmt=raw",
		"cluster_size=3k",
	};
	struct img_settings *set = settings("cluster_size=8k");
	uint32_t unit;

	cr_assert(qcow2_adopt_ops.unit(set, 12345, &unit, &err), "%s", err.text);
	cr_assert_eq(unit, 8192);
	img_settings_free(set);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		set = settings(wrong[i]);
		cr_assert_not(qcow2_adopt_ops.unit(set, 12345, &unit, &err), "%s", wrong[i]);
		cr_assert_eq(err.code, IMG_E_ARGUMENT, "%s", wrong[i]);
		img_settings_free(set);
	}
}
