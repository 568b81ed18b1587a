/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See looks.h. */
#include "format/looks.h"

#include "base/mem.h"
#include "base/num.h"

bool img_looks_init(struct img_looks *looks, uint64_t n_pieces, size_t piece_len, uint64_t memory,
		    struct img_err *err)
{
	const uint64_t most = img_max_u64(memory / piece_len, 1);

	*looks = (struct img_looks){ 0 };
	if (n_pieces <= most)
		return true;
	looks->v = img_calloc(most, sizeof(*looks->v), err);
	if (!looks->v)
		return false;
	looks->n = most;
	pthread_mutex_init(&looks->lock, NULL);
	return true;
}

void img_looks_clear(struct img_looks *looks)
{
	if (!looks->v)
		return;
	for (size_t i = 0; i < looks->n; i++)
		free(looks->v[i].piece);
	free(looks->v);
	pthread_mutex_destroy(&looks->lock);
	*looks = (struct img_looks){ 0 };
}

const void *img_looks_at(struct img_looks *looks, uint64_t index, img_looks_read *read,
			 const void *ctx, struct img_err *err)
{
	struct img_look *look = &looks->v[index % looks->n];
	void *piece;

	if (look->piece && look->index == index)
		return look->piece;
	piece = read(ctx, index, err);
	if (!piece)
		return NULL;
	free(look->piece);
	*look = (struct img_look){ .index = index, .piece = piece };
	return piece;
}
