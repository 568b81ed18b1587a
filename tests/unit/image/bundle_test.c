/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An archive of images: its members, and that nothing of it is left without an end. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "image/image.h"
#include "unit/fake/files.h"

TestSuite(bundle, .init = files_enter, .fini = files_leave);

static struct img_bundle *create(const char *hash)
{
	const struct img_bundle_new how = { .path = "out.tar", .time = 7, .hash = hash };
	struct img_err err = { 0 };
	struct img_bundle *b = img_bundle_create(&how, &err);

	cr_assert(b, "%s", err.text);
	return b;
}

static void add_image(struct img_bundle *b, const char *format, const char *options)
{
	const struct img_create what = {
		.path = "disk", .format = format, .options = options, .size = 1 << 20,
		.compressed = true,
	};
	struct img_err err = { 0 };
	struct img *im = img_bundle_image(b, &what, &err);

	cr_assert(im, "%s", err.text);
	cr_assert(img_finish(im, &err), "%s", err.text);
	img_close(im);
	cr_assert(img_bundle_end(b, &err), "%s", err.text);
}

/* What is member n of the archive, as a disk; closes it. */
static void check_disk(const char *member, const char *format)
{
	const struct img_open how = { .path = "out.tar", .member = member };
	struct img_err err = { 0 };
	struct img *im = img_open(&how, &err);

	cr_assert(im, "%s", err.text);
	cr_assert_str_eq(img_format_name(img_layer_format(im, 0)), format);
	cr_assert_eq(img_size(im), 1 << 20);
	img_close(im);
}

Test(bundle, members_are_where_they_stay)
{
	struct img_bundle *b = create("sha1");
	struct img_bundle_member m;
	struct img_err err = { 0 };

	cr_assert(img_bundle_add(b, "first", NULL, 3, &err), "%s", err.text);
	add_image(b, "vmdk", "subformat=streamOptimized");
	cr_assert(img_bundle_add(b, "last", "12", 2, &err), "%s", err.text);
	img_bundle_member(b, 0, &m);
	cr_assert_eq(m.sum_len, 0);
	cr_assert(img_bundle_fill(b, 0, "abc", &err), "%s", err.text);
	cr_assert_eq(img_bundle_count(b), 3);
	img_bundle_member(b, 0, &m);
	cr_assert(m.size == 3 && m.sum_len == 20 && m.sum[0] == 0xa9 && m.sum[19] == 0x9d);
	img_bundle_member(b, 1, &m);
	cr_assert(m.size > 0 && m.sum_len == 20);
	cr_assert_str_eq(m.name, "disk");
	cr_assert_not(files_exist("out.tar"));
	cr_assert(img_bundle_finish(b, &err), "%s", err.text);
	img_bundle_close(b);
	check_disk("2", "vmdk");
}

Test(bundle, without_a_hash_any_format_goes)
{
	struct img_bundle *b = create(NULL);
	struct img_err err = { 0 };

	add_image(b, "qcow2", NULL);
	cr_assert(img_bundle_finish(b, &err), "%s", err.text);
	img_bundle_close(b);
	check_disk("1", "qcow2");
}

Test(bundle, what_cannot_go_front_to_back_is_hashed_later)
{
	struct img_bundle *b = create("sha1");
	struct img_hash *hash = img_hash_open("sha1", NULL);
	struct img_bundle_member m;
	struct img_err err = { 0 };
	static uint8_t bytes[1 << 20], sum[IMG_HASH_MAX];
	FILE *in;

	add_image(b, "qcow2", NULL);
	img_bundle_member(b, 0, &m);
	cr_assert(img_bundle_finish(b, &err), "%s", err.text);
	img_bundle_close(b);
	in = fopen("out.tar", "r");
	cr_assert(m.size < sizeof(bytes) && !fseek(in, 512, SEEK_SET));
	cr_assert_eq(fread(bytes, 1, m.size, in), m.size);
	fclose(in);
	cr_assert(img_hash_add(hash, bytes, m.size, &err) && img_hash_finish(hash, sum, &err));
	cr_assert_arr_eq(m.sum, sum, m.sum_len);
	img_hash_close(hash);
}

Test(bundle, names_have_a_limit)
{
	struct img_bundle *b = create(NULL);
	struct img_err err = { 0 };
	char name[102] = "";

	memset(name, 'n', 101);
	cr_assert_not(img_bundle_add(b, name, "", 0, &err));
	cr_assert_eq(err.code, IMG_E_RANGE);
	cr_assert(img_bundle_add(b, name + 1, "", 0, &err), "%s", err.text);
	img_bundle_close(b);
	img_bundle_close(NULL);
	cr_assert_eq(files_count(), 0);
}
