/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target: a stream of any content, read in one pass as a copy reads it.  What goes through to its
 * end without an error must be the disk that the same bytes are as a file.
 */
#include <stdlib.h>
#include <string.h>
#include "base/bytes.h"
#include "base/num.h"
#include "format/vmdk/layout.h"
#include "fuzz/fuzz.h"
#include "image/image.h"

#define MAX_EXTENTS 4096
#define WINDOW (2 * 1024 * 1024)	/* bytes of the disk that are read */
#define MEMORY 65536			/* of the spool: it has to go in a circle */

struct opened {
	struct img_layer layer;
	struct img im;
};

static bool open_as(struct opened *o, struct img_store *st, const char *format, unsigned flags)
{
	const struct img_open how = { .format = format, .flags = flags };
	const char *doubt = NULL;

	o->im = (struct img){ .layers = &o->layer, .n_layers = 1 };
	return st && img_layer_open(&o->layer, st, &how, NULL, &doubt, NULL);
}

/* What of the extent is in the window, into seen. */
static bool read_seen(struct img *im, const struct img_extent *ex, uint8_t *seen)
{
	const uint64_t end = img_min_u64(ex->start + ex->len, WINDOW);

	return ex->start >= end ||
	       img_read_extent(im, ex, ex->start, seen + ex->start, end - ex->start, NULL);
}

/* Goes over the disk; false: an error, or it has too many extents to go on. */
static bool pass_over(struct img *im, uint8_t *seen)
{
	const uint64_t size = img_size(im);
	struct img_extent ex = { 0 };
	uint64_t at = 0;

	for (int i = 0; at < size; i++, at += ex.len) {
		if (i == MAX_EXTENTS || !img_extent(im, at, size, &ex, NULL))
			return false;
		if (ex.start != at || !ex.len || ex.len > size - at)
			abort();
		if (!read_seen(im, &ex, seen))
			return false;
		img_pass_by(im, &ex, 1);
	}
	return img_end_pass(im, false, NULL);
}

static bool add_late(struct img *im, uint8_t *seen)
{
	struct img_layer *ly = &im->layers[0];
	struct img_extent ex = { 0 };

	for (uint64_t at = 0; ly->pass == IMG_PASS_TOLD; at = ex.start + ex.len) {
		if (!ly->format->late(ly, at, &ex, NULL))
			return false;
		if (!ex.len)
			break;
		if (ex.start < at || !read_seen(im, &ex, seen))
			return false;
	}
	return true;
}

/* A file may have two footers, or second tables beside its first: then either reading is right. */
static bool means_one_thing(const uint8_t *data, size_t len)
{
	int headers = 0;

	for (size_t at = 0; at + VMDK_HDR_LEN <= len; at += VMDK_SECTOR) {
		if (memcmp(data + at, VMDK_MAGIC, 4))
			continue;
		headers++;
		if (img_get_le64(data + at + VMDK_HDR_RGD_AT))
			return false;
	}
	return headers <= 2;
}

static void compare(const uint8_t *data, size_t len, const char *format, const uint8_t *seen)
{
	struct opened file;
	uint8_t *bytes;

	if (!open_as(&file, img_store_mem(data, len, NULL), format, 0))
		return;
	const size_t n = img_min_u64(img_size(&file.im), WINDOW);
	bytes = malloc(WINDOW);
	if (img_read(&file.im, 0, bytes, n, NULL) && memcmp(bytes, seen, n))
		abort();
	free(bytes);
	img_layer_close(&file.layer);
}

static void try(const uint8_t *data, size_t len, const char *format, enum img_pass most)
{
	struct img_store *st = img_store_mem(data, len, NULL);
	struct opened once;
	uint8_t *seen;

	if (!open_as(&once, st ? img_store_spool(st, MEMORY, NULL) : NULL, format, IMG_OPEN_ONCE))
		return;
	seen = calloc(1, WINDOW);
	if (img_begin_pass(&once.im, most, NULL) && once.im.passing && pass_over(&once.im, seen) &&
	    add_late(&once.im, seen) && means_one_thing(data, len))
		compare(data, len, format, seen);
	free(seen);
	img_layer_close(&once.layer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	try(data, len, "vmdk", IMG_PASS_TOLD);
	try(data, len, "vmdk", IMG_PASS_ORDERED);
	try(data, len, "cloop", IMG_PASS_ORDERED);
	return 0;
}
