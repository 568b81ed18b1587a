/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See looks.h. */
#include "format/looks.h"

#include "base/mem.h"
#include "base/num.h"

bool img_looks_init(struct img_looks *looks, size_t n, struct img_err *err)
{
	*looks = (struct img_looks){ .v = img_calloc(n, sizeof(*looks->v), err), .n = n };
	if (!looks->v)
		return false;
	pthread_mutex_init(&looks->lock, NULL);
	return true;
}

bool img_looks_init_if_needed(struct img_looks *looks, uint64_t n_pieces, size_t piece_len,
			      uint64_t memory, struct img_err *err)
{
	const uint64_t most = img_max_u64(memory / piece_len, 1);

	*looks = (struct img_looks){ 0 };
	return n_pieces <= most || img_looks_init(looks, most, err);
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
