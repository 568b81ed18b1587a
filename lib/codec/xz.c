/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Streams of xz, one for each unit, with a dictionary that is no larger than the unit.  The library
 * is loaded when it is asked for: few images need it.
 */
#include <lzma.h>
#include <string.h>

#include "base/lazy.h"
#include "base/mem.h"
#include "base/num.h"
#include "codec/codec.h"

/* What a decoder may take, whatever a stream says: the largest dictionary of the xz command fits. */
enum { MEMORY_MAX = 128 << 20 };

/* The functions of liblzma that are used, with the types that its headers give them. */
struct functions {
	__typeof__(lzma_lzma_preset) *preset;
	__typeof__(lzma_stream_encoder) *encoder;
	__typeof__(lzma_stream_decoder) *decoder;
	__typeof__(lzma_code) *code;
	__typeof__(lzma_end) *end;
};

struct context {
	struct functions lzma;
	void *library;
	int level;
	size_t unit;
	lzma_stream writer, reader;	/* what they allocate is used again for the next unit */
};

static void xz_close(void *context)
{
	struct context *cx = context;

	if (!cx)
		return;
	if (cx->library) {
		cx->lzma.end(&cx->writer);
		cx->lzma.end(&cx->reader);
	}
	img_lazy_unload(cx->library);
	free(cx);
}

static void *xz_open(int level, size_t unit, struct img_err *err)
{
	struct context *cx = img_calloc(1, sizeof(*cx), err);

	if (!cx)
		return NULL;
	const struct img_lazy_symbol symbols[] = {
		{ "lzma_lzma_preset", &cx->lzma.preset },
		{ "lzma_stream_encoder", &cx->lzma.encoder },
		{ "lzma_stream_decoder", &cx->lzma.decoder },
		{ "lzma_code", &cx->lzma.code },
		{ "lzma_end", &cx->lzma.end },
		{ NULL, NULL },
	};
	cx->level = level;
	cx->unit = unit;
	cx->library = img_lazy_load(LZMA_SONAME, symbols, err);
	if (cx->library)
		return cx;
	xz_close(cx);
	return NULL;
}

/* Runs a stream through `s`, which was made ready, as far as the room goes. */
static lzma_ret run(const struct context *cx, lzma_stream *s, const void *in, size_t n, void *out,
		    size_t cap)
{
	s->next_in = in;
	s->avail_in = n;
	s->next_out = out;
	s->avail_out = cap;
	return cx->lzma.code(s, LZMA_FINISH);
}

static bool xz_encode(void *context, const void *in, size_t n, void *out, size_t cap, size_t *used,
		      struct img_err *err)
{
	struct context *cx = context;
	lzma_options_lzma options;
	const lzma_filter filters[] = {
		{ .id = LZMA_FILTER_LZMA2, .options = &options },
		{ .id = LZMA_VLI_UNKNOWN },
	};

	if (cx->lzma.preset(&options, (uint32_t)cx->level))
		return img_fail(err, IMG_E_ARGUMENT, _("xz has no level %d"), cx->level);
	options.dict_size = (uint32_t)img_min_u64(options.dict_size,
						  img_max_u64(cx->unit, LZMA_DICT_SIZE_MIN));
	if (cx->lzma.encoder(&cx->writer, filters, LZMA_CHECK_CRC32) != LZMA_OK)
		return img_fail(err, IMG_E_NOMEM, _("no memory to compress with xz"));
	const lzma_ret result = run(cx, &cx->writer, in, n, out, cap);
	if (result != LZMA_OK && result != LZMA_STREAM_END)
		return img_fail(err, IMG_E_NOMEM, _("xz cannot compress"));
	*used = result == LZMA_STREAM_END ? cap - cx->writer.avail_out : 0;
	return true;
}

static bool xz_measure(void *context, const void *in, size_t n, void *out, size_t cap,
		       size_t *used, size_t *got, struct img_err *err)
{
	struct context *cx = context;
	lzma_ret result;

	if (cx->lzma.decoder(&cx->reader, MEMORY_MAX, 0) != LZMA_OK)
		return img_fail(err, IMG_E_NOMEM, _("no memory to read xz data"));
	result = run(cx, &cx->reader, in, n, out, cap);
	if (result == LZMA_MEM_ERROR)
		return img_fail(err, IMG_E_NOMEM, _("no memory to read xz data"));
	if (result != LZMA_STREAM_END)
		return img_fail(err, IMG_E_CORRUPT,
				_("the xz data are damaged, or hold more than %zu bytes"), cap);
	*used = n - cx->reader.avail_in;
	*got = cap - cx->reader.avail_out;
	return true;
}

static bool xz_decode(void *cx, const void *in, size_t n, void *out, size_t want,
		      struct img_err *err)
{
	size_t used, got = 0;

	if (!xz_measure(cx, in, n, out, want, &used, &got, err))
		return false;
	return got == want || img_fail(err, IMG_E_CORRUPT,
				       _("the xz data end before %zu bytes are complete"), want);
}

const struct img_codec img_codec_xz = {
	.name = "xz",
	.level_min = 1,
	.level_max = 9,
	.level_default = 6,
	.open = xz_open,
	.encode = xz_encode,
	.decode = xz_decode,
	.measure = xz_measure,
	.close = xz_close,
};
