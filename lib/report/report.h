/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tree behind a report, as the renderers see it.
 *
 * One tree, three styles that cannot disagree:
 *
 *   JSON    a map is an object, a list an array, the root is the outermost object.  Numbers have no
 *           unit: sizes are bytes, times are seconds.  A map without branches that stands in a list
 *           takes one line.
 *   XML     each node is an element named by its key, a leaf holds its value as text, flags are
 *           "true" and "false", the root's name is the document element.
 *   human   "label: value" lines, values in one column for each map.  A map below is indented.  A
 *           list of maps whose leaves have no unit is a table with labels as its head, "-" standing
 *           for what an item lacks; other lists show their items one below the other.  Sizes are
 *           "64 KiB (65536 bytes)".
 *
 * Texts are kept as valid UTF-8: each byte that is none becomes U+FFFD.  Control characters are
 * escaped in JSON and become '?' where they cannot be shown (XML) or would steer a terminal.
 */
#ifndef IMG_REPORT_REPORT_H
#define IMG_REPORT_REPORT_H

#include "libimg.h"

enum img_node_type {
	IMG_NODE_MAP, IMG_NODE_LIST, IMG_NODE_U64, IMG_NODE_REAL, IMG_NODE_TEXT, IMG_NODE_FLAG,
};

struct img_tree;

struct img_node {
	struct img_node *next;		/* sibling */
	const char *key;		/* one pointer for each spelling: compare by address */
	const char *label;		/* or NULL */
	enum img_node_type type;
	enum img_unit unit;
	union {
		struct img_node *first;	/* child of a branch */
		uint64_t number;
		double real;
		const char *text;
		bool flag;
	} value;
};

static inline bool img_node_is_branch(const struct img_node *node)
{
	return node->type == IMG_NODE_MAP || node->type == IMG_NODE_LIST;
}

/* Whether a map or list has a map or list below it. */
static inline bool img_node_has_branches(const struct img_node *branch)
{
	for (const struct img_node *child = branch->value.first; child; child = child->next) {
		if (img_node_is_branch(child))
			return true;
	}
	return false;
}

/* Room for the text of any number. */
#define IMG_NUMBER_TEXT 64

/* A finite number with a decimal point in every locale, short but exact when read back. */
void img_real_text(double value, char text[IMG_NUMBER_TEXT]);
/* "64 KiB (65536 bytes)", "512 bytes"; for people, translated. */
void img_size_text(uint64_t bytes, char text[IMG_NUMBER_TEXT]);

/* Renderers.  Errors: IMG_E_NOMEM, IMG_E_UNSUPPORTED (XML); what out says is checked by the caller. */
void img_report_human(const struct img_node *root, FILE *out);
bool img_report_json(const struct img_node *root, FILE *out, struct img_err *err) IMG_MUST_CHECK;
bool img_report_xml(const struct img_node *root, FILE *out, struct img_err *err) IMG_MUST_CHECK;

/* Whether adding to the tree failed once, for want of memory. */
bool img_node_failed(const struct img_node *root);

#endif
