/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An image that is copied as it is. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/bytes.h"
#include "image/image.h"
#include "unit/fake/files.h"

static struct img_err err;

static void enter(void)
{
	files_enter();
	err = (struct img_err){ 0 };
}

TestSuite(replicate, .init = enter, .fini = files_leave);

static bool replicate(const char *from, const char *to)
{
	const struct img_open how = { .path = from, .flags = IMG_OPEN_NO_BACKING };
	struct img *im = img_open(&how, &err);

	cr_assert(im, "%s", err.text);
	const bool ok = img_replicate(im, to, IMG_CACHE_DEFAULT, NULL, &err);

	img_close(im);
	return ok;
}

Test(replicate, what_the_image_needs_is_at_its_place)
{
	size_t len_a, len_b;
	uint8_t *a, *b;

	files_write_qcow2("a.qcow2", NULL, NULL, 7);
	cr_assert(replicate("a.qcow2", "b.qcow2"), "%s", err.text);
	a = files_read("a.qcow2", &len_a);
	b = files_read("b.qcow2", &len_b);
	cr_assert_eq(len_a, len_b);
	cr_assert_arr_eq(a, b, len_a);
	free(a);
	free(b);
}

Test(replicate, what_nothing_needs_stays_behind)
{
	size_t len;
	uint8_t *bytes;

	files_write_qcow2("a.qcow2", NULL, NULL, 7);
	bytes = files_read("a.qcow2", &len);
	bytes = realloc(bytes, len + FILES_QCOW2_CLUSTER);
	memset(bytes + len, 9, FILES_QCOW2_CLUSTER);
	files_write("longer.qcow2", bytes, len + FILES_QCOW2_CLUSTER);
	free(bytes);
	cr_assert(replicate("longer.qcow2", "b.qcow2"), "%s", err.text);
	bytes = files_read("b.qcow2", &len);
	cr_assert(bytes && !memchr(bytes, 9, len));
	free(bytes);
}

static void refuse(const char *from, enum img_code code)
{
	cr_assert_not(replicate(from, "refused"), "%s", from);
	cr_assert_eq(err.code, code, "%s: %s", from, err.text);
	cr_assert_not(files_exist("refused"));
}

Test(replicate, what_is_not_one_whole_file_is_refused)
{
	uint8_t *bytes;
	size_t len;

	files_write("disk.raw", "0123456789abcdef", 16);
	refuse("disk.raw", IMG_E_UNSUPPORTED);
	files_write_qcow2("a.qcow2", NULL, NULL, 7);
	bytes = files_read("a.qcow2", &len);
	/* The header says where the L1 table is; its first entry becomes one that cannot be. */
	bytes[img_get_be64(bytes + 40) + 7] ^= 2;
	files_write("bad.qcow2", bytes, len);
	free(bytes);
	refuse("bad.qcow2", IMG_E_CORRUPT);
}

/* The name that it has for what it stands on means the same in its own folder only. */
Test(replicate, what_stands_on_another_stays_in_its_folder)
{
	files_write("disk.raw", "0123456789abcdef", 16);
	files_write_qcow2("top.qcow2", "disk.raw", "raw", 0);
	cr_assert(replicate("top.qcow2", "beside.qcow2"), "%s", err.text);
	cr_assert(files_exist("beside.qcow2"));
	cr_assert_eq(mkdir("elsewhere", 0700), 0);
	cr_assert_not(replicate("top.qcow2", "elsewhere/top.qcow2"));
	cr_assert_eq(err.code, IMG_E_UNSUPPORTED, "%s", err.text);
	cr_assert_not(files_exist("elsewhere/top.qcow2"));
}
