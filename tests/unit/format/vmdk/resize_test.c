/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Another size for images of several files, and what becomes of the descriptor. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "format/vmdk/resize.h"
#include "unit/fake/files.h"

#define GIB (UINT64_C(1) << 30)

TestSuite(vmdk_resize, .init = files_enter, .fini = files_leave, .timeout = 60);

static struct img_err err;

#define ok(call) cr_assert((call), "%s: %s", #call, err.text)

static void make(const char *subformat, uint64_t size)
{
	char *options = img_format_text(NULL, "subformat=%s", subformat);
	const struct img_create what = {
		.path = "disk.vmdk", .format = "vmdk", .size = size, .options = options,
		.gate = &img_gate_local,
	};
	struct img *im = img_create(&what, &err);

	ok(im);
	ok(img_finish(im, &err));
	img_close(im);
	free(options);
}

static struct img *open_disk(unsigned flags)
{
	const struct img_open how = {
		.path = "disk.vmdk", .flags = flags, .gate = &img_gate_local,
	};
	struct img *im = img_open(&how, &err);

	ok(im);
	return im;
}

/* Writes a byte at `at`, then gives the disk another size. */
static void write_and_resize(uint64_t at, const struct img_resize *what)
{
	struct img *im = open_disk(IMG_OPEN_WRITE | IMG_OPEN_AT_ONCE);

	ok(img_write(im, at, "x", 1, &err));
	ok(img_resize(im, what, NULL, &err));
	ok(img_finish(im, &err));
	img_close(im);
}

static uint8_t byte_at(uint64_t at)
{
	struct img *im = open_disk(0);
	uint8_t byte = '?';

	ok(img_read(im, at, &byte, 1, &err));
	img_close(im);
	return byte;
}

static uint64_t size_now(void)
{
	struct img *im = open_disk(0);
	const uint64_t size = img_size(im);

	img_close(im);
	return size;
}

static void expect_text(const char *text, bool there)
{
	size_t len;
	char *found = (char *)files_read("disk.vmdk", &len);

	cr_assert_eq(memmem(found, len, text, strlen(text)) != NULL, there, "%s in %.*s", text,
		     (int)len, found);
	free(found);
}

static void grow_and_shrink(const char *letter)
{
	char line[64];

	write_and_resize(3 * GIB - 1, &(struct img_resize){ .size = 7 * GIB });
	cr_assert_eq(size_now(), 7 * GIB);
	cr_assert_eq(files_count(), 5);
	snprintf(line, sizeof(line), "\"disk-%s004.vmdk\"", letter);
	expect_text(line, true);
	cr_assert_eq(byte_at(3 * GIB - 1), 'x');
	cr_assert_eq(byte_at(3 * GIB), 0);
	cr_assert_eq(byte_at(7 * GIB - 1), 0);
	write_and_resize(6 * GIB, &(struct img_resize){ .size = GIB });
	cr_assert_eq(files_count(), 2);
	expect_text(line, false);
	cr_assert_eq(size_now(), GIB);
	write_and_resize(0, &(struct img_resize){ .size = 4 * GIB });
	cr_assert_eq(files_count(), 4);
	cr_assert_eq(byte_at(0), 'x');
	cr_assert_eq(byte_at(3 * GIB - 1), 0);
}

Test(vmdk_resize, split_into_files_of_grains)
{
	make("twoGbMaxExtentSparse", 3 * GIB);
	grow_and_shrink("s");
}

Test(vmdk_resize, split_into_flat_files)
{
	make("twoGbMaxExtentFlat", 3 * GIB);
	grow_and_shrink("f");
}

Test(vmdk_resize, refuses_what_cannot_be)
{
	struct img *im;

	make("monolithicSparse", GIB);
	im = open_disk(IMG_OPEN_WRITE | IMG_OPEN_AT_ONCE);
	cr_assert_not(img_resize(im, &(struct img_resize){ .size = GIB + 1 }, NULL, &err));
	cr_assert_eq(err.code, IMG_E_RANGE);
	cr_assert_not(img_resize(im, &(struct img_resize){ .size = 2 * GIB,
				 .preallocation = IMG_PREALLOC_FULL }, NULL, &err));
	cr_assert_eq(err.code, IMG_E_UNSUPPORTED);
	img_close(im);
	cr_assert_eq(size_now(), GIB);
}

/* ---- The descriptor -------------------------------------------------------------------------- */

static void expect_edited(const char *text, const uint64_t *lens, size_t n, const char *expected)
{
	struct vmdk_descriptor desc = { 0 };
	char *out;
	size_t len;

	for (size_t i = 0; i < n; i++)
		ok(vmdk_descriptor_add(&desc, VMDK_EXTENT_FLAT, lens[i] * 512, i ? "b" : "a", &err));
	ok(vmdk_descriptor_edit(text, strlen(text), &desc, false, &out, &len, &err));
	cr_assert_str_eq(out, expected);
	cr_assert_eq(len, strlen(expected));
	free(out);
	vmdk_descriptor_clear(&desc);
}

Test(vmdk_resize, leaves_what_others_wrote)
{
	expect_edited("# mine\r\n rw\t100 VMFS \"x y\" 0\r\nddb.uuid = \"1\"\n"
		      "ddb.geometry.cylinders = \"7\"\r\nddb.geometry.heads=\"2\"\n"
		      "DDB.geometry.sectors = \"5\"",
		      (uint64_t[]){ 90 }, 1,
		      "# mine\r\n rw\t90 VMFS \"x y\" 0\r\nddb.uuid = \"1\"\n"
		      "ddb.geometry.cylinders = \"9\"\r\nddb.geometry.heads=\"2\"\n"
		      "DDB.geometry.sectors = \"5\"");
	/* Without heads nothing is known of cylinders. */
	expect_edited("RW 1 FLAT \"a\" 0\nddb.geometry.cylinders = \"7\"\n", (uint64_t[]){ 2 }, 1,
		      "RW 2 FLAT \"a\" 0\nddb.geometry.cylinders = \"7\"\n");
}

Test(vmdk_resize, lines_come_and_go)
{
	expect_edited("RW 1 FLAT \"a\" 0\n\nend\n", (uint64_t[]){ 8, 4 }, 2,
		      "RW 8 FLAT \"a\" 0\nRW 4 FLAT \"b\" 0\n\nend\n");
	expect_edited("RW 8 FLAT \"a\" 0\nRW 4 FLAT \"b\" 0\n\nend\n", (uint64_t[]){ 3 }, 1,
		      "RW 3 FLAT \"a\" 0\n\nend\n");
}

static void expect_set(const char *text, const char *key, const char *expected)
{
	char *out;
	size_t len;

	ok(vmdk_descriptor_set(text, strlen(text), key, "new", &out, &len, &err));
	cr_assert_str_eq(out, expected);
	cr_assert_eq(len, strlen(expected));
	free(out);
}

Test(vmdk_resize, one_value_changes)
{
	expect_set("parentCID=1\n cid =\t0a1b\r\nCID=2\n", "CID",
		   "parentCID=1\n cid =\tnew\r\nCID=2\n");
	expect_set("ddb.x = \"an old one\"  \n", "ddb.x", "ddb.x = \"new\"  \n");
	expect_set("ddb.x=\"\"", "ddb.x", "ddb.x=\"new\"");
	expect_set("ddb.xy = \"1\"", "ddb.x", "ddb.xy = \"1\"\nddb.x = \"new\"\n");
	expect_set("# x\nparentCID=1\n", "CID", "# x\nCID=new\nparentCID=1\n");
	expect_set("# x", "CID", "# x\nCID=new\n");
	expect_set("", "ddb.x", "ddb.x = \"new\"\n");
}
