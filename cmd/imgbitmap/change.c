/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes of a bitmap, collected from the command line and made in that order. */
#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "imgbitmap/imgbitmap.h"

enum kind { ADD, REMOVE, CLEAR, ENABLE, DISABLE, MERGE, N_KINDS };

struct change {
	enum kind kind;
	const char *source;		/* MERGE: a bitmap; borrowed */
};

/* The kind of the option's name. */
static enum kind kind_of(const char *name)
{
	static const char *const names[N_KINDS] = {
		[ADD] = "add", [REMOVE] = "remove", [CLEAR] = "clear", [ENABLE] = "enable",
		[DISABLE] = "disable", [MERGE] = "merge",
	};
	enum kind kind = 0;

	while (strcmp(names[kind], name))
		kind++;
	return kind;
}

bool changes_set(const struct cli_option *row, void *field, const char *text, struct img_err *err)
{
	struct changes *changes = field;
	const enum kind kind = kind_of(row->name);

	if (changes->n == changes->cap) {
		const size_t cap = changes->cap ? 2 * changes->cap : 8;
		struct change *v = realloc(changes->v, cap * sizeof(*v));

		if (!v)
			return out_of_memory(err);
		changes->v = v;
		changes->cap = cap;
	}
	changes->v[changes->n++] = (struct change){ kind, text };
	changes->add |= kind == ADD;
	changes->merge |= kind == MERGE;
	return true;
}

void changes_free(struct changes *changes)
{
	free(changes->v);
}

static bool make(const struct change *change, struct img *im, const char *name,
		 struct img *source, uint64_t granularity, struct img_err *err)
{
	switch (change->kind) {
	case ADD:
		return img_bitmap_create(im, name, granularity, true, err);
	case REMOVE:
		return img_bitmap_remove(im, name, err);
	case CLEAR:
		return img_bitmap_clear(im, name, err);
	case MERGE:
		return img_bitmap_merge(im, name, source, change->source, err);
	default:
		return img_bitmap_enable(im, name, change->kind == ENABLE, err);
	}
}

bool changes_make(const struct changes *changes, struct img *im, const char *name,
		  struct img *source, uint64_t granularity, struct img_err *err)
{
	for (size_t i = 0; i < changes->n; i++)
		if (!make(&changes->v[i], im, name, source, granularity, err))
			return false;
	return img_finish(im, err);
}
