/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Gluing neighbouring extents together, and cutting them. */
#include "extent/extent.h"

#include <assert.h>
#include <string.h>
#include "base/num.h"

static bool same_words(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool continues(const struct img_extent *first, const struct img_extent *next)
{
	return next->start == first->start + first->len &&
	       next->kind == first->kind &&
	       next->depth == first->depth &&
	       next->zero_in_store == first->zero_in_store &&
	       next->encrypted == first->encrypted &&
	       next->guessed == first->guessed &&
	       next->left_out == first->left_out &&
	       next->loss == first->loss &&
	       same_words(next->why, first->why) &&
	       next->store == first->store &&
	       (!next->store || next->host == first->host + first->host_len);
}

bool img_extent_join(struct img_extent *first, const struct img_extent *next)
{
	if (!continues(first, next))
		return false;
	first->len += next->len;
	if (first->store)
		first->host_len += next->host_len;
	return true;
}

void img_extent_clip(struct img_extent *ex, uint64_t from, uint64_t to)
{
	const uint64_t start = img_max_u64(ex->start, from);
	const uint64_t end = img_min_u64(ex->start + ex->len, to);

	assert(start < end);
	/* What is compressed can only be decoded whole. */
	if (ex->store && (ex->kind != IMG_EXTENT_ENCODED || ex->encrypted)) {
		ex->host += start - ex->start;
		ex->host_len = end - start;
	}
	ex->start = start;
	ex->len = end - start;
}
