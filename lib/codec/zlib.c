/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deflate in the wrapping of zlib (RFC 1950): two bytes in front, a checksum behind. */
#include <libdeflate.h>

#include "base/mem.h"
#include "codec/codec.h"

/* Each half is made when it is first used: most contexts only read or only write. */
struct context {
	int level;
	struct libdeflate_compressor *writer;
	struct libdeflate_decompressor *reader;
};

static void *zlib_open(int level, size_t unit, struct img_err *err)
{
	struct context *cx = img_calloc(1, sizeof(*cx), err);

	(void)unit;	/* libdeflate needs no buffers that depend on it */
	if (cx)
		cx->level = level;
	return cx;
}

static bool zlib_encode(void *context, const void *in, size_t n, void *out, size_t cap,
			size_t *used, struct img_err *err)
{
	struct context *cx = context;

	if (!cx->writer)
		cx->writer = libdeflate_alloc_compressor(cx->level);
	if (!cx->writer)
		return img_fail(err, IMG_E_NOMEM, _("no memory to compress with deflate"));
	*used = libdeflate_zlib_compress(cx->writer, in, n, out, cap);
	return true;
}

static bool zlib_decode(void *context, const void *in, size_t n, void *out, size_t want,
			struct img_err *err)
{
	struct context *cx = context;
	size_t consumed;

	if (!cx->reader)
		cx->reader = libdeflate_alloc_decompressor();
	if (!cx->reader)
		return img_fail(err, IMG_E_NOMEM, _("no memory to read deflate data"));
	/* Without a place for the number of bytes made, anything but want of them is an error. */
	switch (libdeflate_zlib_decompress_ex(cx->reader, in, n, out, want, &consumed, NULL)) {
	case LIBDEFLATE_SUCCESS:
		return true;
	case LIBDEFLATE_SHORT_OUTPUT:
		return img_fail(err, IMG_E_CORRUPT,
				_("the deflate data end before %zu bytes are complete"), want);
	case LIBDEFLATE_INSUFFICIENT_SPACE:
		return img_fail(err, IMG_E_CORRUPT,
				_("the deflate data hold more than %zu bytes"), want);
	default:
		return img_fail(err, IMG_E_CORRUPT, _("the deflate data are damaged"));
	}
}

static void zlib_close(void *context)
{
	struct context *cx = context;

	if (!cx)
		return;
	libdeflate_free_compressor(cx->writer);
	libdeflate_free_decompressor(cx->reader);
	free(cx);
}

const struct img_codec img_codec_zlib = {
	.name = "zlib",
	.level_min = 1,
	.level_max = 12,
	.level_default = 3,
	.open = zlib_open,
	.encode = zlib_encode,
	.decode = zlib_decode,
	.close = zlib_close,
};
