/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Metadata of boxes, of both kinds, and what is none. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "libimg-ovf.h"

static struct img_box *read_text(const char *text, struct img_err *err)
{
	return img_box_read(text, strlen(text), err);
}

Test(box, disks_are_listed_or_not)
{
	struct img_err err = { 0 };
	struct img_box *box = read_text("{\"provider\":\"libvirt\",\"virtual_size\":9}\n",
					&err);

	cr_assert(box, "%s", err.text);
	cr_assert_eq(box->n_disks, 0);
	img_box_free(box);
	box = read_text("{\"disks\": [{\"path\": \"a.img\"}, {\"name\": \"x\", \"path\": \"b/c\"}]}", &err);
	cr_assert(box, "%s", err.text);
	cr_assert_eq(box->n_disks, 2);
	cr_assert_str_eq(box->disks[0], "a.img");
	cr_assert_str_eq(box->disks[1], "b/c");
	img_box_free(box);
	img_box_free(NULL);
}

static void refuse(const char *text, size_t len, enum img_code code)
{
	struct img_err err = { 0 };

	cr_expect_null(img_box_read(text, len, &err), "%.99s", text);
	cr_expect_eq(err.code, code, "%.99s: %s", text, err.text);
}

Test(box, what_is_no_metadata)
{
	static const char *const bad[] = {
		"", "no", "[]", "{", "{\"disks\": 1}", "{\"disks\": [1]}", "{\"disks\": [{}]}",
		"{\"disks\": [{\"path\": 1}]}", "{\"disks\": [{\"path\": \"a\"}, null]}",
		"{\"a\":[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuse(bad[i], strlen(bad[i]), IMG_E_CORRUPT);
}

Test(box, metadata_have_a_limit)
{
	enum { MOST = 1 << 16, DISKS = 257 };
	static const char disk[] = "{\"path\":\"a\"},";
	const size_t len = sizeof(disk) - 1;
	char *text = malloc(MOST + 1);

	cr_assert(text);
	memset(text, ' ', MOST + 1);
	refuse(text, MOST + 1, IMG_E_RANGE);
	refuse(text, MOST, IMG_E_CORRUPT);
	memcpy(text, "{\"disks\":[", 10);
	for (size_t i = 0; i < DISKS; i++)
		memcpy(text + 10 + i * len, disk, len);
	memcpy(text + 10 + DISKS * len - 1, "]}", 2);
	refuse(text, 10 + DISKS * len + 1, IMG_E_RANGE);
	free(text);
}
