/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Raw deflate with a 4 KiB window, through zlib: for readers that stream through a window of that
 * size.  libdeflate cannot limit its window.  zlib is loaded when something is compressed so.
 */
#include <assert.h>
#include <limits.h>
#include <zlib.h>

#include "base/lazy.h"
#include "base/mem.h"
#include "codec/codec.h"
#include "codec/deflate.h"

#define WINDOW_BITS 12
#define MEMORY_LEVEL 9

/* The functions of zlib that are used, with the types that its header gives them. */
struct functions {
	__typeof__(deflateInit2_) *init;
	__typeof__(deflateReset) *reset;
	__typeof__(deflate) *deflate;
	__typeof__(deflateEnd) *end;
};

/* Each half is made when it is first used: most contexts only read or only write. */
struct context {
	struct functions zlib;
	void *library;
	int level;
	bool has_writer;
	z_stream writer;
	struct libdeflate_decompressor *reader;
};

static void *deflate12_open(int level, size_t unit, struct img_err *err)
{
	struct context *cx = img_calloc(1, sizeof(*cx), err);

	(void)unit;	/* zlib needs no buffers that depend on it */
	if (cx)
		cx->level = level;
	return cx;
}

static bool load(struct context *cx, struct img_err *err)
{
	const struct img_lazy_symbol symbols[] = {
		{ "deflateInit2_", &cx->zlib.init },
		{ "deflateReset", &cx->zlib.reset },
		{ "deflate", &cx->zlib.deflate },
		{ "deflateEnd", &cx->zlib.end },
		{ NULL, NULL },
	};

	cx->library = img_lazy_load(ZLIB_SONAME, symbols, err);
	return cx->library;
}

/* Ready for a new stream; the memory of the last one is used again. */
static bool restart(struct context *cx, struct img_err *err)
{
	int result;

	if (!cx->library && !load(cx, err))
		return false;
	if (cx->has_writer)
		result = cx->zlib.reset(&cx->writer);
	else
		result = cx->zlib.init(&cx->writer, cx->level, Z_DEFLATED, -WINDOW_BITS,
				       MEMORY_LEVEL, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
				       (int)sizeof(cx->writer));
	cx->has_writer |= result == Z_OK;
	return result == Z_OK ||
	       img_fail(err, IMG_E_NOMEM, _("no memory to compress with deflate"));
}

static bool deflate12_encode(void *context, const void *in, size_t n, void *out, size_t cap,
			     size_t *used, struct img_err *err)
{
	struct context *cx = context;

	assert(n <= UINT_MAX && cap <= UINT_MAX);
	if (!restart(cx, err))
		return false;
	cx->writer.next_in = (z_const Bytef *)in;
	cx->writer.avail_in = (uInt)n;
	cx->writer.next_out = out;
	cx->writer.avail_out = (uInt)cap;
	*used = cx->zlib.deflate(&cx->writer, Z_FINISH) == Z_STREAM_END ? cap - cx->writer.avail_out : 0;
	return true;
}

static bool deflate12_decode(void *context, const void *in, size_t n, void *out, size_t want,
			     struct img_err *err)
{
	struct context *cx = context;

	return img_deflate_read(&cx->reader, in, n, out, want, err);
}

static void deflate12_close(void *context)
{
	struct context *cx = context;

	if (!cx)
		return;
	if (cx->has_writer)
		(void)cx->zlib.end(&cx->writer);	/* Z_DATA_ERROR: in mid-stream, which is fine */
	img_lazy_unload(cx->library);
	libdeflate_free_decompressor(cx->reader);
	free(cx);
}

const struct img_codec img_codec_deflate12 = {
	.name = "deflate12",
	.level_min = 1,
	.level_max = 9,
	.level_default = 6,
	.open = deflate12_open,
	.encode = deflate12_encode,
	.decode = deflate12_decode,
	.close = deflate12_close,
};
