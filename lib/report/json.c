/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON, written while the tree is walked: a second tree of json-c's objects would take more memory
 * than the report.  json-c quotes the strings.
 */
#include <inttypes.h>
#include <json.h>
#include "base/err.h"
#include "report/report.h"

#define INDENT 2

struct json {
	FILE *out;
	struct json_object *quoter;	/* a string, set anew each time */
};

static bool put_quoted(struct json *js, const char *text)
{
	const char *quoted;

	/* json-c up to 0.16 loses the memory of a longer text when an empty one takes its place. */
	if (!*text) {
		fputs("\"\"", js->out);
		return true;
	}
	if (!json_object_set_string(js->quoter, text))
		return false;
	quoted = json_object_to_json_string_ext(js->quoter, JSON_C_TO_STRING_NOSLASHESCAPE);
	if (!quoted)
		return false;
	fputs(quoted, js->out);
	return true;
}

static bool put_leaf(struct json *js, const struct img_node *leaf)
{
	char text[IMG_NUMBER_TEXT];

	switch (leaf->type) {
	case IMG_NODE_U64:
		fprintf(js->out, "%" PRIu64, leaf->value.number);
		return true;
	case IMG_NODE_REAL:
		img_real_text(leaf->value.real, text);
		fputs(text, js->out);
		return true;
	case IMG_NODE_FLAG:
		fputs(leaf->value.flag ? "true" : "false", js->out);
		return true;
	default:
		return put_quoted(js, leaf->value.text);
	}
}

/* What stands in front of a child, and of the bracket behind the last one. */
static void put_gap(struct json *js, bool one_line, int depth)
{
	if (one_line)
		fputc(' ', js->out);
	else
		fprintf(js->out, "\n%*s", depth * INDENT, "");
}

static bool put_branch(struct json *js, const struct img_node *branch, int depth, bool in_list)
{
	const bool is_map = branch->type == IMG_NODE_MAP;
	const bool one_line = is_map && in_list && !img_node_has_branches(branch);

	fputc(is_map ? '{' : '[', js->out);
	for (const struct img_node *child = branch->value.first; child; child = child->next) {
		put_gap(js, one_line, depth + 1);
		if (is_map) {
			if (!put_quoted(js, child->key))
				return false;
			fputs(": ", js->out);
		}
		if (!(img_node_is_branch(child) ? put_branch(js, child, depth + 1, !is_map)
						: put_leaf(js, child)))
			return false;
		if (child->next)
			fputc(',', js->out);
	}
	if (branch->value.first)
		put_gap(js, one_line, depth);
	fputc(is_map ? '}' : ']', js->out);
	return true;
}

bool img_report_json(const struct img_node *root, FILE *out, struct img_err *err)
{
	struct json js = {.out = out, .quoter = json_object_new_string("")};
	const bool ok = js.quoter && put_branch(&js, root, 0, false);

	if (js.quoter)
		json_object_put(js.quoter);
	if (!ok)
		return img_fail(err, IMG_E_NOMEM, _("out of memory while writing JSON"));
	fputc('\n', out);
	return true;
}
