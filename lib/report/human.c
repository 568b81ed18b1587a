/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The report for reading: aligned lines, indented blocks, tables. */
#include <inttypes.h>
#include <string.h>
#include "base/err.h"
#include "base/num.h"
#include "report/report.h"
#include "base/utf8.h"

#define INDENT 4
#define MAX_COLUMNS 16		/* a list with more is shown as blocks */
#define GAP 2			/* columns of space between two cells */

struct column {
	const char *key;
	const char *label;	/* or NULL */
	size_t width;
	bool right;		/* numbers */
};

struct table {
	struct column columns[MAX_COLUMNS];
	size_t n;
};

/* Prints text with '-' of a key as spaces; returns columns.  out may be NULL: only measures. */
static size_t put_text(FILE *out, const char *text, bool is_key)
{
	size_t columns = 0, len;
	uint32_t code;

	for (; *text; text += len) {
		len = img_utf8_next(text, &code);
		columns += img_utf8_columns(code);
		if (!out)
			continue;
		if (img_utf8_is_control(code))
			fputc('?', out);
		else if (is_key && code == '-')
			fputc(' ', out);
		else
			fwrite(text, 1, len, out);
	}
	return columns;
}

static size_t put_name(FILE *out, const char *label, const char *key)
{
	return put_text(out, label ? label : key, !label);
}

static void put_spaces(FILE *out, size_t n)
{
	fprintf(out, "%*s", (int)n, "");
}

/* The text of a leaf: its own, or one made in buf. */
static const char *leaf_text(const struct img_node *leaf, char buf[IMG_NUMBER_TEXT])
{
	const char *unit = leaf->unit == IMG_UNIT_SECONDS ? " s" : "";

	switch (leaf->type) {
	case IMG_NODE_U64:
		if (leaf->unit == IMG_UNIT_BYTES)
			img_size_text(leaf->value.number, buf);
		else if (leaf->unit == IMG_UNIT_ID)
			(void)snprintf(buf, IMG_NUMBER_TEXT, "%08" PRIx64, leaf->value.number);
		else
			(void)snprintf(buf, IMG_NUMBER_TEXT, "%" PRIu64 "%s", leaf->value.number,
				       unit);
		return buf;
	case IMG_NODE_REAL:
		(void)snprintf(buf, IMG_NUMBER_TEXT, "%.6g%s", leaf->value.real, unit);
		return buf;
	case IMG_NODE_FLAG:
		return leaf->value.flag ? _("yes") : _("no");
	default:
		return leaf->value.text;
	}
}

/* ---- Tables ----------------------------------------------------------------------------------- */

static struct column *column_of(struct table *table, const struct img_node *leaf)
{
	for (size_t i = 0; i < table->n; i++) {
		if (table->columns[i].key == leaf->key)
			return &table->columns[i];
	}
	if (table->n == MAX_COLUMNS)
		return NULL;
	table->columns[table->n] = (struct column){
		.key = leaf->key,
		.label = leaf->label,
		.width = put_name(NULL, leaf->label, leaf->key),
		.right = leaf->type == IMG_NODE_U64 || leaf->type == IMG_NODE_REAL,
	};
	return &table->columns[table->n++];
}

static bool add_row(struct table *table, const struct img_node *map)
{
	char buf[IMG_NUMBER_TEXT];

	for (const struct img_node *leaf = map->value.first; leaf; leaf = leaf->next) {
		struct column *column;

		if (img_node_is_branch(leaf) || leaf->unit != IMG_UNIT_NONE)
			return false;
		column = column_of(table, leaf);
		if (!column)
			return false;
		column->width = img_max_u64(column->width,
					    put_text(NULL, leaf_text(leaf, buf), false));
	}
	return true;
}

/* False: the list does not fit a table. */
static bool plan_table(struct table *table, const struct img_node *list)
{
	table->n = 0;
	for (const struct img_node *map = list->value.first; map; map = map->next) {
		if (map->type != IMG_NODE_MAP || !add_row(table, map))
			return false;
	}
	return table->n > 0;
}

static void put_cell(FILE *out, const struct column *column, const char *text, bool is_key,
		     bool last)
{
	const size_t fill = column->width - put_text(NULL, text, is_key);

	if (column->right)
		put_spaces(out, fill);
	put_text(out, text, is_key);
	if (!last)
		put_spaces(out, GAP + (column->right ? 0 : fill));
}

static const struct img_node *leaf_with_key(const struct img_node *map, const char *key)
{
	const struct img_node *leaf = map->value.first;

	while (leaf && leaf->key != key)
		leaf = leaf->next;
	return leaf;
}

static void put_row(FILE *out, const struct table *table, const struct img_node *map)
{
	char buf[IMG_NUMBER_TEXT];

	for (size_t i = 0; i < table->n; i++) {
		const struct img_node *leaf = leaf_with_key(map, table->columns[i].key);

		put_cell(out, &table->columns[i], leaf ? leaf_text(leaf, buf) : "-", false,
			 i + 1 == table->n);
	}
	fputc('\n', out);
}

static void put_table(FILE *out, const struct table *table, const struct img_node *list,
		      size_t indent)
{
	put_spaces(out, indent);
	for (size_t i = 0; i < table->n; i++) {
		const struct column *column = &table->columns[i];

		put_cell(out, column, column->label ? column->label : column->key, !column->label,
			 i + 1 == table->n);
	}
	fputc('\n', out);
	for (const struct img_node *map = list->value.first; map; map = map->next) {
		put_spaces(out, indent);
		put_row(out, table, map);
	}
}

/* ---- Lines and blocks ------------------------------------------------------------------------- */

static void put_map(FILE *out, const struct img_node *map, size_t indent);

/* Items that fit no table: leaves line by line, maps with an empty line between them. */
static void put_items(FILE *out, const struct img_node *list, size_t indent)
{
	char buf[IMG_NUMBER_TEXT];
	struct table table;

	if (plan_table(&table, list)) {
		put_table(out, &table, list, indent);
		return;
	}
	for (const struct img_node *item = list->value.first; item; item = item->next) {
		if (item->type == IMG_NODE_MAP) {
			put_map(out, item, indent);
			if (item->next)
				fputc('\n', out);
		} else if (item->type == IMG_NODE_LIST) {
			put_items(out, item, indent + INDENT);
		} else {
			put_spaces(out, indent);
			put_text(out, leaf_text(item, buf), false);
			fputc('\n', out);
		}
	}
}

static void put_branch(FILE *out, const struct img_node *branch, size_t indent)
{
	put_spaces(out, indent);
	put_name(out, branch->label, branch->key);
	if (!branch->value.first) {
		fprintf(out, ": %s\n", _("none"));
		return;
	}
	fputs(":\n", out);
	if (branch->type == IMG_NODE_MAP)
		put_map(out, branch, indent + INDENT);
	else
		put_items(out, branch, indent + INDENT);
}

static void put_line(FILE *out, const struct img_node *leaf, size_t indent, size_t name_width)
{
	char buf[IMG_NUMBER_TEXT];

	put_spaces(out, indent);
	const size_t width = put_name(out, leaf->label, leaf->key);
	fputc(':', out);
	put_spaces(out, name_width - width + 1);
	put_text(out, leaf_text(leaf, buf), false);
	fputc('\n', out);
}

static void put_map(FILE *out, const struct img_node *map, size_t indent)
{
	size_t name_width = 0;

	for (const struct img_node *child = map->value.first; child; child = child->next) {
		if (!img_node_is_branch(child))
			name_width = img_max_u64(name_width,
						 put_name(NULL, child->label, child->key));
	}
	for (const struct img_node *child = map->value.first; child; child = child->next) {
		if (img_node_is_branch(child))
			put_branch(out, child, indent);
		else
			put_line(out, child, indent, name_width);
	}
}

void img_report_human(const struct img_node *root, FILE *out)
{
	put_map(out, root, 0);
}
