/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files get shorter in place: the disk is the same, whatever is hollow is gone, and cancelled behind any
 * round the file is an image with the same disk, with which the next call goes on.
 */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>
#include "copy/hollow.h"
#include "unit/fake/files.h"

enum { MIB = 1 << 20, PIECE = 64 << 10, DISK = 8 * MIB, PIECES = DISK / PIECE };

static struct img_err err;

TestSuite(compact, .init = files_enter, .fini = files_leave, .timeout = 60);

struct kind {
	char format[16], options[48];
	uint64_t unit;
};

static const struct kind kinds[] = {
	{ "raw", "", 4096 },
	{ "qcow2", "cluster_size=4k", 4096 },
	{ "qcow2", "cluster_size=64k,extended_l2=on", 64 << 10 },
	{ "qcow2", "compat=0.10,cluster_size=4k", 4096 },
	{ "qcow", "", 4096 },
	{ "vdi", "block_size=64k", 64 << 10 },
	{ "vmdk", "", 64 << 10 },
	{ "vmdk", "subformat=monolithicFlat", 4096 },
};

/* Of four pieces one is zeros, one is not written, and two hold something. */
static int content_of(uint64_t piece)
{
	return piece % 4 < 2 ? (int)(piece % 250) + 1 : 0;
}

/* Pieces are written from the last one on, so that none lies where it will. */
static void make_image(const struct kind *kind)
{
	const struct img_create what = {
		.path = "image", .format = kind->format, .size = DISK,
		.options = kind->options[0] ? kind->options : NULL,
	};
	const struct img_open how = {
		.path = "image", .format = kind->format, .flags = IMG_OPEN_WRITE,
		.gate = &img_gate_local,
	};
	static uint8_t bytes[PIECE];
	struct img *im = img_create(&what, &err);

	cr_assert(im && img_finish(im, &err), "%s", err.text);
	img_close(im);
	cr_assert(im = img_open(&how, &err), "%s", err.text);
	for (uint64_t i = PIECES; i-- > 0;) {
		if (i % 4 == 3)
			continue;
		memset(bytes, content_of(i), sizeof(bytes));
		cr_assert(img_write(im, i * PIECE, bytes, PIECE, &err), "%s", err.text);
	}
	cr_assert(img_finish(im, &err), "%s", err.text);
	img_close(im);
}

/* but: this piece is zeros. */
static void expect_disk(const struct kind *kind, uint64_t but)
{
	const struct img_open how = {
		.path = "image", .format = kind->format, .gate = &img_gate_local,
	};
	struct img *im = img_open(&how, &err);
	uint8_t bytes[2];

	cr_assert(im, "%s", err.text);
	cr_assert_eq(img_size(im), DISK);
	for (uint64_t i = 0; i < PIECES; i++) {
		cr_assert(img_read(im, i * PIECE, bytes, 1, &err), "%s", err.text);
		cr_assert(img_read(im, (i + 1) * PIECE - 1, bytes + 1, 1, &err), "%s", err.text);
		cr_assert_eq(bytes[0], i == but ? 0 : content_of(i), "%s: piece %lu",
			     kind->format, (unsigned long)i);
		cr_assert_eq(bytes[1], bytes[0]);
	}
	img_close(im);
}

static bool compact(const struct kind *kind, const struct img_compact *what,
		    struct img_compact_stats *stats)
{
	const struct img_open how = {
		.path = "image", .format = kind->format,
		.flags = IMG_OPEN_WRITE | IMG_OPEN_AT_ONCE, .gate = &img_gate_local,
	};
	struct img *im = img_open(&how, &err);

	cr_assert(im, "%s", err.text);
	const bool ok = img_compact(im, what, NULL, stats, &err);

	img_close(im);
	return ok;
}

static uint64_t space_of(const char *path)
{
	struct stat st;

	cr_assert_eq(stat(path, &st), 0);
	return 512 * (uint64_t)st.st_blocks;
}

static void check_kind(const struct kind *kind)
{
	const struct img_span unneeded = { PIECE, PIECE };
	const struct img_compact dry = { .dry_run = true }, wet = { .threads = 3 };
	const struct img_compact less = { .unneeded = &unneeded, .n_unneeded = 1 };
	const bool fixed = !strcmp(kind->format, "raw") || strstr(kind->options, "Flat");
	struct img_compact_stats told, done;
	struct stat before, after;

	make_image(kind);
	cr_assert_eq(stat("image", &before), 0);
	cr_assert(compact(kind, &dry, &told), "%s", err.text);
	cr_assert_eq(stat("image", &after), 0);
	cr_assert_eq(before.st_mtime, after.st_mtime);
	cr_assert_eq(before.st_size, after.st_size);
	cr_assert(compact(kind, &wet, &done), "%s", err.text);
	expect_disk(kind, PIECES);
	cr_assert_geq(done.hollow, DISK / 4);
	cr_assert_eq(done.hollow, told.hollow);
	cr_assert_eq(done.before, told.before);
	cr_assert_leq(done.after, told.after);
	cr_assert_leq(told.after - done.after, 2 * kind->unit);
	cr_assert(fixed || done.after < done.before - DISK / 4 + 4 * kind->unit);
	/* There is nothing left to do. */
	cr_assert(compact(kind, &wet, &told), "%s", err.text);
	cr_assert_eq(told.moved, 0);
	cr_assert_eq(told.after, done.after);
	cr_assert(fixed || !told.hollow);
	cr_assert(compact(kind, &less, &told), "%s", err.text);
	expect_disk(kind, 1);
	cr_assert_geq(told.hollow, PIECE);
}

Test(compact, every_kind_gets_shorter)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		check_kind(&kinds[i]);
}

Test(compact, zeros_of_a_raw_file_become_holes)
{
	const struct img_compact wet = { .threads = 2 };
	struct img_compact_stats stats;

	make_image(&kinds[0]);
	const uint64_t before = space_of("image");

	cr_assert(compact(&kinds[0], &wet, &stats), "%s", err.text);
	cr_assert_leq(space_of("image"), before - DISK / 4 + 64 * 1024);
	cr_assert_eq(stats.after, DISK);
}

Test(compact, spans_have_to_be_in_order)
{
	const struct img_span spans[] = { { MIB, PIECE }, { 0, PIECE } };
	const struct img_compact what = { .unneeded = spans, .n_unneeded = 2 };
	struct img_compact_stats stats;

	make_image(&kinds[1]);
	cr_assert_not(compact(&kinds[1], &what, &stats));
	cr_assert_eq(err.code, IMG_E_ARGUMENT);
	expect_disk(&kinds[1], PIECES);
}

Test(compact, what_is_not_open_at_once_is_refused)
{
	const struct img_open how = { .path = "image", .flags = IMG_OPEN_WRITE };
	const struct img_compact what = { .threads = 1 };
	struct img_compact_stats stats;
	struct img *im;

	make_image(&kinds[1]);
	im = img_open(&how, &err);
	cr_assert(im, "%s", err.text);
	cr_assert_not(img_compact(im, &what, NULL, &stats, &err));
	cr_assert_eq(err.code, IMG_E_DENIED);
	img_close(im);
}

/* ---- Rounds -------------------------------------------------------------------------------------- */

/* Blocks of VDI, nearly all of which is a hole of the file: a round moves 64 of them. */
enum { BLOCKS = 300, SECTOR = 512 };

static void make_blocks(void)
{
	const struct img_create what = {
		.path = "image", .format = "vdi", .size = (uint64_t)BLOCKS * MIB,
	};
	const struct img_open how = { .path = "image", .flags = IMG_OPEN_WRITE };
	uint8_t bytes[SECTOR];
	struct img *im = img_create(&what, &err);

	cr_assert(im && img_finish(im, &err), "%s", err.text);
	img_close(im);
	cr_assert(im = img_open(&how, &err), "%s", err.text);
	for (uint64_t i = BLOCKS; i-- > 0;) {
		memset(bytes, i % 2 ? (int)(i % 250) + 1 : 0, sizeof(bytes));
		cr_assert(img_write(im, i * MIB, bytes, SECTOR, &err), "%s", err.text);
	}
	cr_assert(img_finish(im, &err), "%s", err.text);
	img_close(im);
}

static void expect_blocks(void)
{
	const struct img_open how = { .path = "image" };
	struct img *im = img_open(&how, &err);
	uint8_t byte;

	cr_assert(im, "%s", err.text);
	for (uint64_t i = 0; i < BLOCKS; i++) {
		cr_assert(img_read(im, i * MIB, &byte, 1, &err), "%s", err.text);
		cr_assert_eq(byte, i % 2 ? i % 250 + 1 : 0, "block %lu", (unsigned long)i);
	}
	img_close(im);
}

/* Only behind the search: what is told then is far less than the disk. */
struct patience {
	bool moving;
	_Atomic unsigned rounds;	/* asked for while it is told */
};

static void note_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct patience *p = ctx;

	cr_assert_leq(done, total);
	p->moving |= total < (uint64_t)BLOCKS * MIB;
	p->rounds += p->moving;
}

static bool is_over(void *ctx)
{
	return ((struct patience *)ctx)->rounds > 0;
}

Test(compact, cancelled_behind_a_round_and_gone_on)
{
	const struct img_open how = {
		.path = "image", .flags = IMG_OPEN_WRITE | IMG_OPEN_AT_ONCE,
	};
	const struct img_compact what = { .threads = 2 };
	struct img_compact_stats stats;
	struct patience patience = { .rounds = 0 };
	const struct img_job job = {
		.cancelled = is_over, .progress = note_progress, .ctx = &patience,
	};
	struct img *im;

	make_blocks();
	im = img_open(&how, &err);
	cr_assert(im, "%s", err.text);
	cr_assert_not(img_compact(im, &what, &job, &stats, &err));
	cr_assert_eq(err.code, IMG_E_CANCELLED, "%s", err.text);
	cr_assert_eq(patience.rounds, 1);
	img_close(im);
	cr_assert_eq(files_count(), 1);
	expect_blocks();

	im = img_open(&how, &err);
	cr_assert(im, "%s", err.text);
	cr_assert(img_compact(im, &what, NULL, &stats, &err), "%s", err.text);
	img_close(im);
	cr_assert_geq(stats.rounds, 1);
	cr_assert_leq(stats.extra, (uint64_t)3 * 65 * MIB);
	/* Header and map take a block each. */
	cr_assert_eq(stats.after, (uint64_t)(BLOCKS / 2 + 2) * MIB);
	expect_blocks();
}

/* Others could write between two rounds, if it were not for the lock. */
Test(compact, is_locked_between_rounds)
{
	const struct img_open how = {
		.path = "image", .flags = IMG_OPEN_WRITE | IMG_OPEN_AT_ONCE,
	};
	struct img *im, *other;

	make_image(&kinds[1]);
	im = img_open(&how, &err);
	cr_assert(im && img_finish(im, &err) && img_open_again(im, &err), "%s", err.text);
	other = img_open(&how, &err);
	cr_assert_null(other);
	cr_assert_eq(err.code, IMG_E_BUSY);
	cr_assert(img_finish(im, &err), "%s", err.text);
	img_close(im);
}
