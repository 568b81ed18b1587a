/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reports when memory runs out, at whichever allocation, and reports that are long. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "failing_malloc.h"
#include "tree.h"

/* A text longer than what is allocated at once, so that several allocations can fail. */
static struct img_node *build(void)
{
	static char longest[200000];
	struct img_node *root = img_node_root("root");

	memset(longest, 'x', sizeof(longest) - 1);
	img_node_text(root, "long", longest);
	img_node_u64(img_node_map(img_node_list(root, "list"), "item"), "n", 1, IMG_UNIT_NONE);
	img_node_text(root, "longer", longest);
	img_node_label(root, "label");
	return root;
}

static void run_out(enum img_style style)
{
	unsigned n = 0;

	do {
		struct img_err err = {0};
		FILE *out = fopen("/dev/null", "w");

		fail_allocation(++n);
		struct img_node *root = build();
		const bool ok = img_report_write(root, style, out, &err);
		const bool failed = allocation_has_failed();

		cr_expect_eq(ok, !failed, "allocation %u", n);
		cr_expect_eq(err.code, failed ? IMG_E_NOMEM : IMG_OK, "allocation %u", n);
		img_node_free(root);
		fclose(out);
		if (!failed)
			break;
	} while (n < 100);
	cr_expect_gt(n, 4);
	cr_expect_lt(n, 100);
}

Test(node, memory_runs_out)
{
	run_out(IMG_STYLE_HUMAN);
	run_out(IMG_STYLE_JSON);
	run_out(IMG_STYLE_XML);
}

Test(node, children_of_nobody)
{
	img_node_u64(img_node_map(NULL, "map"), "n", 1, IMG_UNIT_NONE);
	img_node_text(NULL, "text", "text");
	img_node_flag(NULL, "flag", true);
	img_node_real(NULL, "real", 1, IMG_UNIT_NONE);
	img_node_label(NULL, "label");
	cr_assert_null(img_node_list(NULL, "list"));
	img_node_free(NULL);
}

/* Keys are given by their letters, not by where they lie: they may be on the caller's stack. */
Test(node, keys_and_texts_are_copied)
{
	struct img_node *root = img_node_root("root");
	char key[] = "one", text[] = "two", label[] = "three", *json, *human;

	img_node_text(root, key, text);
	img_node_label(root, label);
	memset(key, '#', 3);
	memset(text, '#', 3);
	memset(label, '#', 5);
	json = text_of(root, IMG_STYLE_JSON);
	human = text_of(root, IMG_STYLE_HUMAN);
	cr_assert_str_eq(json, "{\n  \"one\": \"two\"\n}\n");
	cr_assert_str_eq(human, "three: two\n");
	free(json);
	free(human);
	img_node_free(root);
}

Test(node, long_lists)
{
	struct img_node *root = img_node_root("root"), *list = img_node_list(root, "extents");
	char *json, *last;

	for (uint64_t i = 0; i < 100000; i++)
		img_node_u64(img_node_map(list, "extent"), "start", i, IMG_UNIT_NONE);
	json = text_of(root, IMG_STYLE_JSON);
	last = strrchr(json, '{');
	cr_assert_str_eq(last, "{ \"start\": 99999 }\n  ]\n}\n");
	free(json);
	img_node_free(root);
}
