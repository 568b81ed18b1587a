/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tree.h"

#include <criterion/criterion.h>

static void add_extents(struct img_node *root)
{
	struct img_node *list = img_node_list(root, "extents");
	struct img_node *map;

	img_node_label(root, "pieces");
	map = img_node_map(list, "extent");
	img_node_u64(map, "start", 0, IMG_UNIT_NONE);
	img_node_text(map, "kind", "data");
	map = img_node_map(list, "extent");
	img_node_u64(map, "start", 65536, IMG_UNIT_NONE);
	img_node_text(map, "kind", "zero");
	img_node_flag(map, "lost", true);
}

static void add_layers(struct img_node *root)
{
	struct img_node *list = img_node_list(root, "layers");

	for (uint64_t i = 1; i <= 2; i++) {
		struct img_node *map = img_node_map(list, "layer");

		img_node_u64(map, "size", i * 512, IMG_UNIT_BYTES);
	}
}

struct img_node *sample_tree(void)
{
	struct img_node *root = img_node_root("sample");
	struct img_node *map;

	img_node_text(root, "file-name", "a <b> & \"c\"\xff");
	img_node_u64(root, "virtual-size", 65536, IMG_UNIT_BYTES);
	img_node_label(root, "size");
	map = img_node_map(root, "times");
	img_node_real(map, "wall", 1.5, IMG_UNIT_SECONDS);
	img_node_u64(map, "limit", UINT64_MAX, IMG_UNIT_SECONDS);
	img_node_flag(root, "dirty", false);
	add_extents(root);
	add_layers(root);
	img_node_list(root, "bitmaps");
	return root;
}

char *text_of(const struct img_node *root, enum img_style style)
{
	struct img_err err = {0};
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_not_null(out);
	cr_assert(img_report_write(root, style, out, &err), "%s", err.text);
	cr_assert_eq(fclose(out), 0);
	return text;
}
