/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of an image in repair: overlays that all share, then files with undo files. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "image/image.h"
#include "unit/fake/files.h"

TestSuite(repair_files, .init = files_enter, .fini = files_leave);

static struct img_store *open_extent(struct img_repair_files *files, const char *name)
{
	const struct img_reference ref = { .kind = IMG_REF_EXTENT, .name = name };
	struct img_store *st = NULL;
	struct img_err err = { 0 };

	cr_assert(files->opener.open(&files->opener, &ref, &st, &err), "%s", err.text);
	return st;
}

static void write_at_start(struct img_store *st, const char *bytes)
{
	struct img_err err = { 0 };

	cr_assert(img_store_write(st, 0, bytes, strlen(bytes), &err), "%s", err.text);
}

static void expect_file(const char *name, const char *bytes)
{
	size_t len;
	uint8_t *got = files_read(name, &len);

	cr_expect_eq(len, strlen(bytes));
	cr_expect_arr_eq(got, bytes, strlen(bytes), "%s", name);
	free(got);
}

static bool name_undo(void *ctx, const char *path, char **undo_path, struct img_err *err)
{
	(void)err;
	++*(int *)ctx;
	return asprintf(undo_path, "%s.undo", path) >= 0;
}

Test(repair_files, are_tried_on_overlays_and_then_changed)
{
	const struct img_open reading = { .path = "image", .gate = &img_gate_local };
	int named = 0;
	const struct img_repair what = { .name_undo = name_undo, .name_undo_ctx = &named };
	struct img_repair_files files;
	struct img_err err = { 0 };
	struct img_store *one, *again;
	bool changed = false;
	uint8_t byte;

	files_write("a", "aaaa", 4);
	files_write("b", "bbbb", 4);
	img_repair_files_init(&files, &reading, "image", &what);

	one = open_extent(&files, "a");
	write_at_start(one, "A");
	img_store_close(one);
	again = open_extent(&files, "a");
	cr_assert_eq(again, one);
	cr_assert(img_store_read(again, 0, &byte, 1, &err));
	cr_assert_eq(byte, 'A');
	img_store_close(again);
	img_store_close(open_extent(&files, "b"));
	expect_file("a", "aaaa");
	img_repair_files_settle(&files, &changed);
	cr_assert(changed);

	one = open_extent(&files, "b");
	cr_assert_not(one->caps & IMG_STORE_WRITE, "what the trial left alone can be written");
	img_store_close(one);
	cr_assert_null(img_repair_files_undo(&files));
	one = open_extent(&files, "a");
	write_at_start(one, "A");
	img_store_close(one);
	img_store_close(open_extent(&files, "a"));
	cr_assert(img_repair_files_sync(&files, &err));
	cr_assert_str_eq(img_repair_files_undo(&files), "a.undo");
	cr_assert_eq(named, 1);
	img_repair_files_clear(&files);
	expect_file("a", "Aaaa");
	expect_file("b", "bbbb");
	cr_assert(img_undo_run("a.undo", "a", &err), "%s", err.text);
	expect_file("a", "aaaa");
}

Test(repair_files, that_nobody_changed_change_nothing)
{
	const struct img_open reading = { .path = "image", .gate = &img_gate_local };
	const struct img_repair what = { .undo_path = NULL };
	struct img_repair_files files;
	bool changed = false;

	files_write("a", "aaaa", 4);
	img_repair_files_init(&files, &reading, "image", &what);
	img_store_close(open_extent(&files, "a"));
	img_repair_files_settle(&files, &changed);
	cr_assert_not(changed);
	img_repair_files_clear(&files);
	cr_assert_eq(files_count(), 1);
}

/* A driver may take a file that cannot be opened for one that is not there. */
Test(repair_files, that_cannot_be_changed_fail_in_the_end)
{
	const struct img_reference ref = { .kind = IMG_REF_EXTENT, .name = "a" };
	const struct img_open reading = { .path = "image", .gate = &img_gate_local };
	const struct img_repair what = { .undo_path = NULL };
	struct img_repair_files files;
	struct img_err err = { 0 };
	struct img_store *st;
	bool changed = false;

	files_write("a", "aaaa", 4);
	img_repair_files_init(&files, &reading, "image", &what);
	st = open_extent(&files, "a");
	write_at_start(st, "A");
	img_store_close(st);
	img_repair_files_settle(&files, &changed);
	cr_assert_not(remove("a"));
	cr_assert_not(files.opener.open(&files.opener, &ref, &st, NULL));
	cr_assert_not(img_repair_files_sync(&files, &err));
	cr_assert_eq(err.code, IMG_E_IO);
	img_repair_files_clear(&files);
}
