/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading all of a disk that can be read. */
#include "fuzz/readable.h"

#include <stdlib.h>
#include <string.h>
#include "base/num.h"
#include "image/image.h"

/* What fails as a whole may be there in part. */
static void read_sectors(struct readable *to, struct img *im, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		to->known[i] = img_read(im, (uint64_t)i * READABLE_SECTOR,
					to->bytes + i * READABLE_SECTOR, READABLE_SECTOR, NULL);
}

static void read_all(struct readable *to, struct img *im)
{
	enum { STEP = 64 };

	for (size_t at = 0; at < to->n; at += STEP) {
		const size_t end = img_min_u64(at + STEP, to->n);

		if (!img_read(im, (uint64_t)at * READABLE_SECTOR, to->bytes + at * READABLE_SECTOR,
			      (end - at) * READABLE_SECTOR, NULL))
			read_sectors(to, im, at, end);
		else
			memset(to->known + at, true, end - at);
	}
}

static void find_places(struct readable *to, struct img *im)
{
	struct img_extent ex;

	for (size_t i = 0; i < to->n; i++) {
		const uint64_t at = (uint64_t)i * READABLE_SECTOR;

		to->host[i] = img_extent(im, at, at + READABLE_SECTOR, &ex, NULL) &&
			      ex.kind == IMG_EXTENT_DATA ? ex.host : IMG_NOWHERE;
	}
}

void readable_take(struct readable *to, struct img_store *file, const struct img_format *format)
{
	const struct img_open how = { .format = format->name };
	struct img_layer layer;
	struct img im = { .layers = &layer, .n_layers = 1 };
	struct img_store *view;
	const char *doubt;
	uint64_t len = 0;

	*to = (struct readable){ 0 };
	if (!img_store_size(file, &len, NULL) || !(view = img_store_slice(file, 0, len, NULL)))
		abort();
	if (!img_layer_open(&layer, view, &how, NULL, &doubt, NULL))
		return;
	to->n = img_min_u64(img_size(&im) / READABLE_SECTOR, READABLE_SECTORS);
	to->bytes = calloc(to->n + 1, READABLE_SECTOR);
	to->known = calloc(to->n + 1, sizeof(*to->known));
	to->host = calloc(to->n + 1, sizeof(*to->host));
	if (!to->bytes || !to->known || !to->host)
		abort();
	read_all(to, &im);
	find_places(to, &im);
	img_layer_close(&layer);
}

void readable_free(struct readable *readable)
{
	free(readable->bytes);
	free(readable->known);
	free(readable->host);
}

size_t readable_differs(const struct readable *before, const struct readable *after, size_t from)
{
	for (size_t i = from; i < before->n; i++)
		if (before->known[i] && (i >= after->n || !after->known[i] ||
		    memcmp(before->bytes + i * READABLE_SECTOR, after->bytes + i * READABLE_SECTOR,
			   READABLE_SECTOR)))
			return i;
	return before->n;
}
