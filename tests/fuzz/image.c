/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target: a file of any content, opened and salvaged by every registered driver, mapped, read and
 * told about.  Files that it names are never opened.
 */
#include <stdlib.h>
#include "base/num.h"
#include "fuzz/fuzz.h"
#include "image/image.h"

#define MAX_EXTENTS 4096
#define MAX_READ (4 * 1024 * 1024)
#define PIECE 65536

/* The start and the end of an extent: errors are an answer, crashes are not. */
static uint64_t read_ends(struct img *im, const struct img_extent *ex, uint8_t *buf)
{
	const size_t len = img_min_u64(ex->len, PIECE);

	(void)!img_read(im, ex->start, buf, len, NULL);
	if (ex->len > PIECE)
		(void)!img_read(im, ex->start + ex->len - PIECE, buf, PIECE, NULL);
	return 2 * len;
}

static void map_and_read(struct img *im)
{
	const uint64_t size = img_size(im);
	uint8_t *buf = malloc(PIECE);
	uint64_t at = 0, done = 0;

	for (int i = 0; i < MAX_EXTENTS && at < size && done < MAX_READ; i++) {
		struct img_extent ex;

		if (!img_extent(im, at, size, &ex, NULL))
			break;
		if (ex.start != at || !ex.len || ex.len > size - at)
			abort();
		if (ex.kind != IMG_EXTENT_HOLE)
			done += read_ends(im, &ex, buf);
		at += ex.len;
	}
	free(buf);
}

static void tell(struct img *im)
{
	struct img_node *root = img_node_root("image");

	(void)!img_info(im, true, root, NULL);
	img_node_free(root);
}

/* format: NULL to probe. */
static void try(const uint8_t *data, size_t len, const char *format, unsigned flags)
{
	const struct img_open how = { .format = format, .flags = flags };
	struct img_store *st = img_store_mem(data, len, NULL);
	const char *doubt = NULL;
	struct img_layer layer;
	struct img im = { .layers = &layer, .n_layers = 1 };
	struct img_err err = { 0 };

	if (!st)
		return;
	if (!img_layer_open(&layer, st, &how, NULL, &doubt, &err)) {
		if (err.code == IMG_OK || !err.text[0])
			abort();
		return;
	}
	map_and_read(&im);
	tell(&im);
	img_layer_close(&layer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	try(data, len, NULL, 0);
	/* The key of what is encrypted nobody knows. */
	try(data, len, NULL, IMG_OPEN_NO_KEY);
	for (size_t i = 0; i < img_format_count(); i++) {
		const struct img_format *format = img_format_at(i);

		try(data, len, format->name, 0);
		if (format->salvage)
			try(data, len, format->name, IMG_OPEN_SALVAGE);
	}
	return 0;
}
