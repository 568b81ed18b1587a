/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bitmaps of an image, as a table or as a report. */
#include <inttypes.h>
#include <string.h>
#include "common/memory.h"
#include "common/print.h"
#include "common/text.h"
#include "imgbitmap/imgbitmap.h"

static const char *state_of(const struct img_bitmap *bm)
{
	if (bm->in_use)
		return _("in use, or inconsistent");
	if (bm->unusable)
		return _(bm->unusable);
	return bm->enabled ? _("enabled") : _("disabled");
}

static void print_row(const struct img_bitmap *bm)
{
	printf("%-15" PRIu64 " ", bm->granularity);
	if (bm->unusable)
		printf("%-15s ", "-");
	else
		printf("%-15" PRIu64 " ", bm->dirty);
	print_padded(stdout, state_of(bm), 23);
	putchar(' ');
	print_plain_text(stdout, bm->name);
	putchar('\n');
}

static void print_table(const struct img_bitmap *list, size_t n)
{
	print_padded(stdout, _("Granularity"), 16);
	print_padded(stdout, _("Changed"), 16);
	print_padded(stdout, _("State"), 24);
	puts(_("Name"));
	for (size_t i = 0; i < n; i++)
		print_row(&list[i]);
}

static void report_one(const struct img_bitmap *bm, struct img_node *to)
{
	img_node_text(to, "name", bm->name);
	img_node_u64(to, "granularity", bm->granularity, IMG_UNIT_BYTES);
	img_node_flag(to, "enabled", bm->enabled);
	img_node_flag(to, "in-use", bm->in_use);
	if (bm->unusable)
		img_node_text(to, "unusable", bm->unusable);
	else
		img_node_u64(to, "dirty", bm->dirty, IMG_UNIT_BYTES);
}

static bool report(struct img *im, const char *path, const struct img_bitmap *list, size_t n,
		   enum img_style style, struct img_err *err)
{
	struct img_node *root = img_node_root("imgbitmap"), *nodes;

	if (!root)
		return out_of_memory(err);
	img_node_text(root, "filename", path);
	img_node_u64(root, "virtual-size", img_size(im), IMG_UNIT_BYTES);
	nodes = img_node_list(root, "bitmaps");
	for (size_t i = 0; i < n; i++)
		report_one(&list[i], img_node_map(nodes, "bitmap"));
	const bool ok = img_report_write(root, style, stdout, err);
	img_node_free(root);
	return ok;
}

/* The part of the list that has that name. */
static bool pick(const struct img_bitmap **list, size_t *n, const char *only, struct img_err *err)
{
	for (size_t i = 0; only && i < *n; i++) {
		if (strcmp((*list)[i].name, only))
			continue;
		*list += i;
		*n = 1;
		return true;
	}
	return !only ||
	       img_fail(err, IMG_E_ARGUMENT, _("there is no bitmap \"%s\""), only);
}

bool list_bitmaps(struct img *im, const char *path, const char *only, enum img_style style,
		  struct img_err *err)
{
	struct img_bitmap *list;
	size_t n;

	if (!img_bitmap_list(im, &list, &n, err))
		return false;
	const struct img_bitmap *shown = list;
	size_t n_shown = n;
	bool ok = pick(&shown, &n_shown, only, err);
	if (ok && style == IMG_STYLE_HUMAN)
		print_table(shown, n_shown);
	else if (ok)
		ok = report(im, path, shown, n_shown, style, err);
	img_bitmap_list_free(list, n);
	return ok;
}
