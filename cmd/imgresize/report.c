/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What imgresize says of its work. */
#include <string.h>
#include "common/memory.h"
#include "common/text.h"
#include "imgresize/imgresize.h"

static void add_number(struct img_node *map, const char *key, const char *label, uint64_t value,
		       enum img_unit unit)
{
	img_node_u64(map, key, value, unit);
	img_node_label(map, label);
}

static void add_text(struct img_node *map, const char *key, const char *label, const char *value)
{
	if (!value || !value[0])
		return;
	img_node_text(map, key, value);
	img_node_label(map, label);
}

static void add_table(struct img_node *root, const struct plan *plan)
{
	const struct table *table = &plan->table;

	if (table->kind == TABLE_NONE)
		return;
	add_text(root, "partition-table", _("partition table"), table->name);
	if (table->kind == TABLE_GPT || table->kind == TABLE_DOS)
		add_number(root, "sector-size", _("size of a sector"), table->sector,
			   IMG_UNIT_BYTES);
	if (table->kind != TABLE_GPT)
		return;
	img_node_flag(root, "backup-table-moved", plan->moves_gpt);
	img_node_label(root, _("second copy of it moved"));
	img_node_flag(root, "table-mended", plan->mends_gpt);
	img_node_label(root, _("a damaged copy of it made anew"));
}

/* Names the command that has to follow in the guest, where there is more room than before. */
static void add_content(struct img_node *map, const struct superblock *content, bool grows)
{
	add_text(map, "content", _("what it holds"), content->type);
	if (content->size)
		add_number(map, "content-size", _("size of that"), content->size,
			   IMG_UNIT_BYTES);
	if (grows)
		add_text(map, "grow-content-with", _("in the guest this makes it larger"),
			 advice_inside(content->type));
}

static void add_last(struct img_node *root, const struct plan *plan)
{
	const struct partition *last = &plan->last;
	struct img_node *map;

	if (!last->number)
		return;
	map = img_node_map(root, "last-partition");
	img_node_label(root, _("last partition"));
	add_number(map, "number", _("number"), last->number, IMG_UNIT_NONE);
	add_number(map, "start", _("start"), last->start, IMG_UNIT_BYTES);
	add_number(map, "old-length", _("old length"), last->len, IMG_UNIT_BYTES);
	add_number(map, "new-length", _("new length"), plan->last_len, IMG_UNIT_BYTES);
	add_content(map, &last->content, plan->last_len > last->len);
}

/* People have read them as warnings already. */
static void add_remarks(struct img_node *root, const struct plan *plan)
{
	struct img_node *list = img_node_list(root, "warnings");

	for (size_t i = 0; i < plan->n_remarks; i++) {
		const struct remark *remark = &plan->remarks[i];
		struct img_node *map = img_node_map(list, "warning");

		img_node_text(map, "id", remark_id(remark->kind));
		if (remark->partition)
			img_node_u64(map, "partition", remark->partition, IMG_UNIT_NONE);
		if (remark->bytes)
			img_node_u64(map, "bytes", remark->bytes, IMG_UNIT_BYTES);
	}
}

static void fill(struct img_node *root, const struct request *request, const struct plan *plan,
		 const struct img_format *format)
{
	add_text(root, "file", _("image"), request->path);
	add_text(root, "format", _("format"), img_format_name(format));
	add_number(root, "old-size", _("old size"), plan->old_size, IMG_UNIT_BYTES);
	add_number(root, "new-size", _("new size"), plan->new_size, IMG_UNIT_BYTES);
	if (plan->need)
		add_number(root, "smallest-safe-size", _("smallest safe size"), plan->need,
			   IMG_UNIT_BYTES);
	img_node_flag(root, "dry-run", request->dry_run);
	img_node_label(root, _("only tried"));
	add_table(root, plan);
	add_content(root, &plan->content, plan->new_size > plan->old_size);
	add_last(root, plan);
}

bool report(const struct request *request, const struct plan *plan, const struct img_format *format,
	    enum img_style style, struct img_err *err)
{
	struct img_node *root = img_node_root("imgresize");
	bool ok;

	if (!root)
		return out_of_memory(err);
	fill(root, request, plan, format);
	if (style != IMG_STYLE_HUMAN)
		add_remarks(root, plan);
	ok = img_report_write(root, style, stdout, err);
	img_node_free(root);
	return ok;
}
