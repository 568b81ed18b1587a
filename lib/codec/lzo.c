/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * LZO1X.  Its compressors are not told how much room there is, so they write to a buffer of their
 * own.  The library is loaded when it is asked for: few images need it.
 */
#include <lzo/lzo1x.h>
#include <string.h>

#include "base/lazy.h"
#include "base/mem.h"
#include "codec/codec.h"

enum { LEVEL_FAST = 1 };

/* The functions of liblzo2 that are used, with the types that its headers give them. */
struct functions {
	__typeof__(__lzo_init_v2) *init;
	__typeof__(lzo1x_decompress_safe) *decompress;
	__typeof__(lzo1x_1_compress) *fast;
	__typeof__(lzo1x_999_compress_level) *high;
};

struct context {
	struct functions lzo;
	void *library;
	int level;
	size_t unit;
	uint8_t *memory, *made;		/* of the compressor and what it writes; when first used */
};

static void lzo_close(void *context)
{
	struct context *cx = context;

	if (!cx)
		return;
	free(cx->memory);
	free(cx->made);
	img_lazy_unload(cx->library);
	free(cx);
}

/* As the macro lzo_init() does it: the library checks that it agrees with its headers. */
static bool start(const struct context *cx, struct img_err *err)
{
	return cx->lzo.init(LZO_VERSION, (int)sizeof(short), (int)sizeof(int), (int)sizeof(long),
			    (int)sizeof(lzo_uint32_t), (int)sizeof(lzo_uint),
			    (int)lzo_sizeof_dict_t, (int)sizeof(char *), (int)sizeof(lzo_voidp),
			    (int)sizeof(lzo_callback_t)) == LZO_E_OK ||
	       img_fail(err, IMG_E_UNSUPPORTED, _("library %s is another one than expected"),
			LZO_SONAME);
}

static void *lzo_open(int level, size_t unit, struct img_err *err)
{
	struct context *cx = img_calloc(1, sizeof(*cx), err);

	if (!cx)
		return NULL;
	const struct img_lazy_symbol symbols[] = {
		{ "__lzo_init_v2", &cx->lzo.init },
		{ "lzo1x_decompress_safe", &cx->lzo.decompress },
		{ "lzo1x_1_compress", &cx->lzo.fast },
		{ "lzo1x_999_compress_level", &cx->lzo.high },
		{ NULL, NULL },
	};
	cx->level = level;
	cx->unit = unit;
	cx->library = img_lazy_load(LZO_SONAME, symbols, err);
	if (cx->library && start(cx, err))
		return cx;
	lzo_close(cx);
	return NULL;
}

static bool make_buffers(struct context *cx, struct img_err *err)
{
	const size_t memory = cx->level == LEVEL_FAST ? LZO1X_1_MEM_COMPRESS
						      : LZO1X_999_MEM_COMPRESS;

	if (!cx->memory)
		cx->memory = img_alloc_aligned(memory, err);
	/* What the documentation of the library gives for data that cannot be compressed. */
	if (cx->memory && !cx->made)
		cx->made = img_alloc_aligned(cx->unit + cx->unit / 16 + 64 + 3, err);
	return cx->memory && cx->made;
}

static bool lzo_encode(void *context, const void *in, size_t n, void *out, size_t cap,
		       size_t *used, struct img_err *err)
{
	struct context *cx = context;
	lzo_uint len = 0;
	int result;

	if (!make_buffers(cx, err))
		return false;
	result = cx->level == LEVEL_FAST
		? cx->lzo.fast(in, n, cx->made, &len, cx->memory)
		: cx->lzo.high(in, n, cx->made, &len, cx->memory, NULL, 0, NULL, cx->level);
	if (result != LZO_E_OK)
		return img_fail(err, IMG_E_NOMEM, _("lzo cannot compress"));
	*used = len <= cap ? len : 0;
	memcpy(out, cx->made, *used);
	return true;
}

static bool lzo_measure(void *context, const void *in, size_t n, void *out, size_t cap,
			size_t *used, size_t *got, struct img_err *err)
{
	struct context *cx = context;
	lzo_uint made = cap;
	const int result = cx->lzo.decompress(in, n, out, &made, NULL);

	/* What follows the mark at the end of the stream is no error of it. */
	if (result != LZO_E_OK && result != LZO_E_INPUT_NOT_CONSUMED)
		return img_fail(err, IMG_E_CORRUPT,
				_("the lzo data are damaged, or hold more than %zu bytes"), cap);
	*used = n;
	*got = made;
	return true;
}

static bool lzo_decode(void *cx, const void *in, size_t n, void *out, size_t want,
		       struct img_err *err)
{
	size_t used, got = 0;

	if (!lzo_measure(cx, in, n, out, want, &used, &got, err))
		return false;
	return got == want || img_fail(err, IMG_E_CORRUPT,
				       _("the lzo data end before %zu bytes are complete"), want);
}

const struct img_codec img_codec_lzo = {
	.name = "lzo",
	.level_min = LEVEL_FAST,
	.level_max = 9,
	.level_default = LEVEL_FAST,
	.open = lzo_open,
	.encode = lzo_encode,
	.decode = lzo_decode,
	.measure = lzo_measure,
	.close = lzo_close,
};
