/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading a report back: what is there, of which kind, and what is not. */
#include <criterion/criterion.h>
#include "libimg.h"

static struct img_node *build(void)
{
	struct img_node *root = img_node_root("root"), *list;

	img_node_u64(root, "size", 7, IMG_UNIT_BYTES);
	img_node_text(root, "name", "disk");
	img_node_flag(root, "clean", true);
	img_node_flag(root, "dirty", false);
	list = img_node_list(root, "parts");
	img_node_u64(img_node_map(list, "part"), "n", 1, IMG_UNIT_NONE);
	img_node_u64(img_node_map(list, "part"), "n", 2, IMG_UNIT_NONE);
	return root;
}

Test(read, gives_what_was_put_in)
{
	struct img_node *root = build();
	uint64_t size = 0;

	cr_assert(img_node_get_u64(root, "size", &size));
	cr_assert_eq(size, 7);
	cr_assert_str_eq(img_node_get_text(root, "name"), "disk");
	cr_assert(img_node_get_flag(root, "clean"));
	cr_assert_not(img_node_get_flag(root, "dirty"));
	img_node_free(root);
}

Test(read, says_so_when_it_is_not_there_or_something_else)
{
	struct img_node *root = build();
	uint64_t size = 3;

	cr_assert_not(img_node_get_u64(root, "name", &size));
	cr_assert_not(img_node_get_u64(root, "length", &size));
	cr_assert_eq(size, 3);
	cr_assert_null(img_node_get_text(root, "size"));
	cr_assert_not(img_node_get_flag(root, "size"));
	cr_assert_null(img_node_find(root, "nothing"));
	cr_assert_null(img_node_find(NULL, "name"));
	cr_assert_null(img_node_first(NULL));
	img_node_free(root);
}

Test(read, goes_through_a_list)
{
	struct img_node *root = build();
	uint64_t sum = 0, n;

	for (const struct img_node *part = img_node_first(img_node_find(root, "parts")); part;
	     part = img_node_next(part)) {
		cr_assert(img_node_get_u64(part, "n", &n));
		sum = sum * 10 + n;
	}
	cr_assert_eq(sum, 12);
	img_node_free(root);
}
