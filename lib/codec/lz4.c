/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Raw blocks of lz4, which do not say where they end.  The library is loaded when it is asked for:
 * few images need it.
 */
#include <limits.h>
#include <lz4.h>
#include <lz4hc.h>

#include "base/lazy.h"
#include "base/mem.h"
#include "codec/codec.h"

/* The functions of liblz4 that are used, with the types that its headers give them. */
struct functions {
	__typeof__(LZ4_decompress_safe) *decompress;
	__typeof__(LZ4_sizeofState) *fast_size;
	__typeof__(LZ4_compress_fast_extState) *fast;
	__typeof__(LZ4_sizeofStateHC) *high_size;
	__typeof__(LZ4_compress_HC_extStateHC) *high;
};

struct context {
	struct functions lz4;
	void *library;
	int level;
	void *writer;			/* memory for a compressor, made when it is first used */
};

static void lz4_close(void *context)
{
	struct context *cx = context;

	if (!cx)
		return;
	free(cx->writer);
	img_lazy_unload(cx->library);
	free(cx);
}

static void *lz4_open(int level, size_t unit, struct img_err *err)
{
	struct context *cx = img_calloc(1, sizeof(*cx), err);

	(void)unit;	/* nothing depends on it */
	if (!cx)
		return NULL;
	const struct img_lazy_symbol symbols[] = {
		{ "LZ4_decompress_safe", &cx->lz4.decompress },
		{ "LZ4_sizeofState", &cx->lz4.fast_size },
		{ "LZ4_compress_fast_extState", &cx->lz4.fast },
		{ "LZ4_sizeofStateHC", &cx->lz4.high_size },
		{ "LZ4_compress_HC_extStateHC", &cx->lz4.high },
		{ NULL, NULL },
	};
	cx->level = level;
	cx->library = img_lazy_load(LZ4_SONAME, symbols, err);
	if (cx->library)
		return cx;
	lz4_close(cx);
	return NULL;
}

static bool is_fast(const struct context *cx)
{
	return cx->level < LZ4HC_CLEVEL_MIN;
}

static bool lz4_encode(void *context, const void *in, size_t n, void *out, size_t cap,
		       size_t *used, struct img_err *err)
{
	struct context *cx = context;

	if (n > LZ4_MAX_INPUT_SIZE || cap > INT_MAX)
		return img_fail(err, IMG_E_RANGE, _("lz4 cannot compress %zu bytes at once"), n);
	if (!cx->writer)
		cx->writer = img_alloc_aligned((size_t)(is_fast(cx) ? cx->lz4.fast_size()
								   : cx->lz4.high_size()), err);
	if (!cx->writer)
		return false;
	*used = (size_t)(is_fast(cx)
			 ? cx->lz4.fast(cx->writer, in, out, (int)n, (int)cap, 1)
			 : cx->lz4.high(cx->writer, in, out, (int)n, (int)cap, cx->level));
	return true;
}

static bool lz4_measure(void *context, const void *in, size_t n, void *out, size_t cap,
			size_t *used, size_t *got, struct img_err *err)
{
	struct context *cx = context;
	int made = -1;

	if (n <= INT_MAX && cap <= INT_MAX)
		made = cx->lz4.decompress(in, out, (int)n, (int)cap);
	if (made < 0)
		return img_fail(err, IMG_E_CORRUPT,
				_("the lz4 data are damaged, or hold more than %zu bytes"), cap);
	*used = n;
	*got = (size_t)made;
	return true;
}

static bool lz4_decode(void *cx, const void *in, size_t n, void *out, size_t want,
		       struct img_err *err)
{
	size_t used, got = 0;

	if (!lz4_measure(cx, in, n, out, want, &used, &got, err))
		return false;
	return got == want || img_fail(err, IMG_E_CORRUPT,
				       _("the lz4 data end before %zu bytes are complete"), want);
}

const struct img_codec img_codec_lz4 = {
	.name = "lz4",
	.level_min = 1,
	.level_max = LZ4HC_CLEVEL_MAX,
	/* The first of those that look for better matches. */
	.level_default = 9,
	.open = lz4_open,
	.encode = lz4_encode,
	.decode = lz4_decode,
	.measure = lz4_measure,
	.close = lz4_close,
};
