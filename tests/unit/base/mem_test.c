/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory that cannot be had is an error, not a crash, and nothing is lost by it. */
#include <criterion/criterion.h>
#include <string.h>
#include "base/mem.h"
#include "failing_malloc.h"

Test(mem, zero_bytes_are_something)
{
	IMG_AUTO_FREE void *none = img_calloc(0, 8, NULL);
	IMG_AUTO_FREE void *aligned = img_alloc_aligned(0, NULL);
	void *grown = img_grow(NULL, 0, 8, NULL);

	cr_assert_not_null(none);
	cr_assert_not_null(aligned);
	cr_assert_not_null(grown);
	grown = img_grow(grown, 0, 8, NULL);
	cr_assert_not_null(grown);
	free(grown);
}

Test(mem, aligned_for_direct_io)
{
	IMG_AUTO_FREE void *mem = img_alloc_aligned(100, NULL);

	cr_assert_eq((uintptr_t)mem % IMG_MEM_ALIGN, 0);
}

Test(mem, products_do_not_wrap)
{
	struct img_err err = {0};
	IMG_AUTO_FREE char *old = img_strdup("kept", NULL);

	cr_assert_null(img_calloc(SIZE_MAX / 4 + 2, 4, &err));
	cr_assert_eq(err.code, IMG_E_NOMEM);
	err.code = IMG_OK;
	cr_assert_null(img_grow(old, SIZE_MAX / 4 + 2, 4, &err));
	cr_assert_eq(err.code, IMG_E_NOMEM);
	cr_assert_str_eq(old, "kept");
}

Test(mem, composed_text)
{
	IMG_AUTO_FREE char *text = img_format_text(NULL, "%s.%d", "disk", 7);

	cr_assert_str_eq(text, "disk.7");
}

static void *allocate(int how, struct img_err *err)
{
	switch (how) {
	case 0:
		return img_calloc(3, 4, err);
	case 1:
		return img_alloc_aligned(12, err);
	case 2:
		return img_grow(NULL, 3, 4, err);
	case 3:
		return img_strdup("text", err);
	default:
		return img_format_text(err, "%d", 1);
	}
}

Test(mem, each_way_reports)
{
	for (int how = 0; how < 5; how++) {
		struct img_err err = {0};

		fail_allocation(1);
		cr_expect_null(allocate(how, &err));
		cr_expect(allocation_has_failed());
		cr_expect_eq(err.code, IMG_E_NOMEM, "way %d", how);
		cr_expect_neq(err.text[0], '\0');
	}
}

Test(mem, grows_by_one_when_there_is_no_room)
{
	struct img_err err = { 0 };
	uint32_t *v = NULL, *longer;
	size_t cap = 0;

	for (uint32_t n = 0; n < 1000; n++) {
		v = img_grow_by_one(v, n, &cap, sizeof(*v), &err);
		cr_assert(v, "%s", err.text);
		cr_assert_gt(cap, n);
		v[n] = n;
	}
	for (uint32_t n = 0; n < 1000; n++)
		cr_assert_eq(v[n], n);
	longer = img_grow_by_one(v, cap - 1, &cap, sizeof(*v), &err);
	cr_assert_eq(longer, v, "there was room");
	free(v);
}
