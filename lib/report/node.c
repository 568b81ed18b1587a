/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Building a report.  Nodes and texts live in blocks that are freed together; keys and labels are
 * kept once, however many extents repeat them.  A failed allocation is remembered by the tree, so
 * that those who fill it need not look.
 */
#include <assert.h>
#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "report/report.h"
#include "base/utf8.h"

#define BLOCK_BYTES (64 * 1024)
#define N_BUCKETS 64

struct branch {
	struct img_node node;		/* first: a branch is a node */
	struct img_node *last;
	struct img_tree *tree;
};

struct block {
	struct block *older;
	_Alignas(max_align_t) char bytes[];
};

struct word {
	struct word *next;		/* in the same bucket */
	char text[];
};

struct img_tree {
	struct branch root;		/* first: the root is the tree */
	struct block *newest;
	size_t used, room;		/* bytes in newest */
	struct word *words[N_BUCKETS];
	bool failed;
};

static bool add_block(struct img_tree *tree, size_t bytes)
{
	struct block *block = malloc(sizeof(*block) + bytes);

	if (!block)
		return false;
	block->older = tree->newest;
	tree->newest = block;
	tree->used = 0;
	tree->room = bytes;
	return true;
}

/* Memory of the tree, not zeroed; NULL now and for ever after when there is none. */
static void *take(struct img_tree *tree, size_t bytes)
{
	bytes = img_round_up(bytes, _Alignof(void *));
	if (!tree->failed && tree->room - tree->used < bytes)
		tree->failed = !add_block(tree, img_max_u64(bytes, BLOCK_BYTES));
	if (tree->failed)
		return NULL;
	tree->used += bytes;
	return tree->newest->bytes + tree->used - bytes;
}

static size_t bucket_of(const char *text)
{
	uint32_t hash = 2166136261u;	/* FNV-1a */

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return hash % N_BUCKETS;
}

/* The one copy of a key or label. */
static const char *intern(struct img_tree *tree, const char *text)
{
	struct word **bucket = &tree->words[bucket_of(text)];
	struct word *word = *bucket;

	while (word && strcmp(word->text, text) != 0)
		word = word->next;
	if (word)
		return word->text;
	word = take(tree, sizeof(*word) + strlen(text) + 1);
	if (!word)
		return NULL;
	strcpy(word->text, text);
	word->next = *bucket;
	*bucket = word;
	return word->text;
}

/* The character at *text as it is kept, and its bytes; *text moves behind it. */
static size_t next_character(const char **text, const char **kept)
{
	static const char replacement[] = "\xef\xbf\xbd";	/* U+FFFD */
	uint32_t code;
	const size_t len = img_utf8_next(*text, &code);
	const bool valid = code != IMG_UTF8_INVALID;

	*kept = valid ? *text : replacement;
	*text += len;
	return valid ? len : strlen(replacement);
}

static const char *copy_text(struct img_tree *tree, const char *text)
{
	size_t bytes = 1;
	const char *kept;
	char *copy, *to;

	for (const char *p = text; *p;)
		bytes += next_character(&p, &kept);
	copy = to = take(tree, bytes);
	if (!copy)
		return NULL;
	while (*text) {
		const size_t len = next_character(&text, &kept);

		memcpy(to, kept, len);
		to += len;
	}
	*to = '\0';
	return copy;
}

struct img_node *img_node_root(const char *name)
{
	struct img_tree *tree = calloc(1, sizeof(*tree));

	if (!tree)
		return NULL;
	tree->root.tree = tree;
	tree->root.node.type = IMG_NODE_MAP;
	tree->root.node.key = intern(tree, name);
	if (tree->root.node.key)
		return &tree->root.node;
	free(tree);
	return NULL;
}

void img_node_free(struct img_node *root)
{
	struct img_tree *tree = (struct img_tree *)root;

	while (tree && tree->newest) {
		struct block *older = tree->newest->older;

		free(tree->newest);
		tree->newest = older;
	}
	free(tree);
}

bool img_node_failed(const struct img_node *root)
{
	return ((const struct img_tree *)root)->failed;
}

/* A new last child; room is the size of the struct that it heads. */
static struct img_node *append(struct img_node *parent, const char *key, enum img_node_type type,
			       size_t room)
{
	struct branch *branch = (struct branch *)parent;
	struct img_node *node;
	const char *kept_key;

	if (!branch)
		return NULL;
	assert(img_node_is_branch(parent));
	kept_key = intern(branch->tree, key);
	node = kept_key ? take(branch->tree, room) : NULL;
	if (!node)
		return NULL;
	*node = (struct img_node){.key = kept_key, .type = type};
	if (branch->last)
		branch->last->next = node;
	else
		parent->value.first = node;
	branch->last = node;
	return node;
}

static struct img_node *append_branch(struct img_node *parent, const char *key,
				      enum img_node_type type)
{
	struct branch *branch = (struct branch *)append(parent, key, type, sizeof(*branch));

	if (!branch)
		return NULL;
	branch->last = NULL;
	branch->tree = ((struct branch *)parent)->tree;
	return &branch->node;
}

static struct img_node *append_leaf(struct img_node *parent, const char *key,
				    enum img_node_type type, enum img_unit unit)
{
	struct img_node *node = append(parent, key, type, sizeof(*node));

	if (node)
		node->unit = unit;
	return node;
}

struct img_node *img_node_map(struct img_node *parent, const char *key)
{
	return append_branch(parent, key, IMG_NODE_MAP);
}

struct img_node *img_node_list(struct img_node *parent, const char *key)
{
	return append_branch(parent, key, IMG_NODE_LIST);
}

void img_node_u64(struct img_node *parent, const char *key, uint64_t value, enum img_unit unit)
{
	struct img_node *node = append_leaf(parent, key, IMG_NODE_U64, unit);

	if (node)
		node->value.number = value;
}

void img_node_real(struct img_node *parent, const char *key, double value, enum img_unit unit)
{
	struct img_node *node = append_leaf(parent, key, IMG_NODE_REAL, unit);

	assert(isfinite(value));	/* JSON knows no other */
	if (node)
		node->value.real = value;
}

void img_node_text(struct img_node *parent, const char *key, const char *value)
{
	const char *kept = parent ? copy_text(((struct branch *)parent)->tree, value) : NULL;
	struct img_node *node = kept ? append_leaf(parent, key, IMG_NODE_TEXT, IMG_UNIT_NONE)
				     : NULL;

	if (node)
		node->value.text = kept;
}

void img_node_flag(struct img_node *parent, const char *key, bool value)
{
	struct img_node *node = append_leaf(parent, key, IMG_NODE_FLAG, IMG_UNIT_NONE);

	if (node)
		node->value.flag = value;
}

/* After a failure the last child is not the one meant, but then nothing is printed. */
void img_node_label(struct img_node *parent, const char *label)
{
	struct branch *branch = (struct branch *)parent;

	assert(!branch || branch->last || branch->tree->failed);
	if (branch && branch->last)
		branch->last->label = intern(branch->tree, label);
}
