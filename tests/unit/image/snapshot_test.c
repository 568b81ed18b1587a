/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Snapshots, above the drivers: what is refused, and that a change waits for the end. */
#include <criterion/criterion.h>
#include "libimg.h"
#include "unit/fake/files.h"

TestSuite(snapshot, .init = files_enter, .fini = files_leave, .timeout = 60);

static struct img_err err;

#define ok(call) cr_assert((call), "%s: %s", #call, err.text)
#define fails(call, why)                                                             \
	do {                                                                         \
		err = (struct img_err){ 0 };                                         \
		cr_assert(!(call), "%s did not fail", #call);                        \
		cr_assert_eq(err.code, why, "%s: %d, %s", #call, (int)err.code, err.text); \
	} while (0)

static const struct img_snapshot_new monday = { .name = "monday", .seconds = 1000 };

static void make(const char *format)
{
	const struct img_create what = { .path = "disk", .format = format, .size = 1 << 20 };
	struct img *im;

	ok(im = img_create(&what, &err));
	ok(img_finish(im, &err));
	img_close(im);
}

static struct img *open_disk(unsigned flags)
{
	const struct img_open how = { .path = "disk", .flags = flags };
	struct img *im;

	ok(im = img_open(&how, &err));
	return im;
}

static size_t count(void)
{
	struct img *im = open_disk(0);
	struct img_snapshot *list;
	size_t n;

	ok(img_snapshot_list(im, true, &list, &n, &err));
	img_snapshot_list_free(list, n);
	img_close(im);
	return n;
}

Test(snapshot, wants_an_image_that_changes_at_once)
{
	struct img *im;

	make("qcow2");
	im = open_disk(IMG_OPEN_WRITE);
	fails(img_snapshot_create(im, &monday, &err), IMG_E_DENIED);
	img_close(im);
	im = open_disk(0);
	fails(img_snapshot_remove(im, "monday", &err), IMG_E_DENIED);
	img_close(im);
	cr_assert_eq(count(), 0);
}

Test(snapshot, nothing_happens_before_the_end)
{
	struct img *im;

	make("qcow2");
	im = open_disk(IMG_OPEN_WRITE | IMG_OPEN_AT_ONCE);
	ok(img_snapshot_create(im, &monday, &err));
	fails(img_snapshot_remove(im, "monday", &err), IMG_E_DENIED);
	fails(img_write(im, 0, "x", 1, &err), IMG_E_DENIED);
	img_close(im);
	cr_assert_eq(count(), 0);
	im = open_disk(IMG_OPEN_WRITE | IMG_OPEN_AT_ONCE);
	ok(img_snapshot_create(im, &monday, &err));
	ok(img_finish(im, &err));
	img_close(im);
	cr_assert_eq(count(), 1);
}

Test(snapshot, of_a_format_that_has_none)
{
	struct img_snapshot *list;
	struct img *im;
	size_t n;

	make("vdi");
	im = open_disk(IMG_OPEN_WRITE | IMG_OPEN_AT_ONCE);
	fails(img_snapshot_list(im, false, &list, &n, &err), IMG_E_UNSUPPORTED);
	fails(img_snapshot_create(im, &monday, &err), IMG_E_UNSUPPORTED);
	fails(img_snapshot_rename(im, "a", "b", &err), IMG_E_UNSUPPORTED);
	img_close(im);
}
