/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading a report back, for programs that want to know and not to show. */
#include <assert.h>
#include <string.h>
#include "report/report.h"

const struct img_node *img_node_first(const struct img_node *branch)
{
	assert(!branch || img_node_is_branch(branch));
	return branch ? branch->value.first : NULL;
}

const struct img_node *img_node_next(const struct img_node *node)
{
	return node->next;
}

const struct img_node *img_node_find(const struct img_node *branch, const char *key)
{
	const struct img_node *child = img_node_first(branch);

	while (child && strcmp(child->key, key) != 0)
		child = child->next;
	return child;
}

static const struct img_node *find_leaf(const struct img_node *branch, const char *key,
					enum img_node_type type)
{
	const struct img_node *child = img_node_find(branch, key);

	return child && child->type == type ? child : NULL;
}

bool img_node_get_u64(const struct img_node *branch, const char *key, uint64_t *value)
{
	const struct img_node *leaf = find_leaf(branch, key, IMG_NODE_U64);

	if (leaf)
		*value = leaf->value.number;
	return leaf;
}

const char *img_node_get_text(const struct img_node *branch, const char *key)
{
	const struct img_node *leaf = find_leaf(branch, key, IMG_NODE_TEXT);

	return leaf ? leaf->value.text : NULL;
}

bool img_node_get_flag(const struct img_node *branch, const char *key)
{
	const struct img_node *leaf = find_leaf(branch, key, IMG_NODE_FLAG);

	return leaf && leaf->value.flag;
}
