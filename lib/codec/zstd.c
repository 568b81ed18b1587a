/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Zstandard frames, one for each unit; keeping the contexts is worth a fifth of the time.  The library is
 * loaded when it is asked for: it would be a tenth of the start of any command.
 */
#include <zstd.h>
#include <zstd_errors.h>

#include "base/lazy.h"
#include "base/mem.h"
#include "codec/codec.h"

enum {
	LEVEL_TUNED = 0,	/* what is done unless a level is asked for */
	LEVEL_LIKE = 3,		/* the library's usual one, of which that is a better form */
};

/* The functions of libzstd that are used, with the types that its headers give them. */
struct functions {
	__typeof__(ZSTD_isError) *is_error;
	__typeof__(ZSTD_getErrorCode) *error_code;
	__typeof__(ZSTD_getErrorName) *error_name;
	__typeof__(ZSTD_createCCtx) *new_writer;
	__typeof__(ZSTD_CCtx_setParameter) *set;
	__typeof__(ZSTD_compress2) *compress;
	__typeof__(ZSTD_freeCCtx) *free_writer;
	__typeof__(ZSTD_createDCtx) *new_reader;
	__typeof__(ZSTD_findFrameCompressedSize) *frame_length;
	__typeof__(ZSTD_decompressDCtx) *decompress;
	__typeof__(ZSTD_freeDCtx) *free_reader;
};

/* Each half is made when it is first used: most contexts only read or only write. */
struct context {
	struct functions zstd;
	void *library;
	int level;
	size_t unit;
	ZSTD_CCtx *writer;
	ZSTD_DCtx *reader;
};

static void zstd_close(void *context)
{
	struct context *cx = context;

	if (!cx)
		return;
	if (cx->writer)
		cx->zstd.free_writer(cx->writer);
	if (cx->reader)
		cx->zstd.free_reader(cx->reader);
	img_lazy_unload(cx->library);
	free(cx);
}

static bool load(struct context *cx, struct img_err *err)
{
	const struct img_lazy_symbol symbols[] = {
		{ "ZSTD_isError", &cx->zstd.is_error },
		{ "ZSTD_getErrorCode", &cx->zstd.error_code },
		{ "ZSTD_getErrorName", &cx->zstd.error_name },
		{ "ZSTD_createCCtx", &cx->zstd.new_writer },
		{ "ZSTD_CCtx_setParameter", &cx->zstd.set },
		{ "ZSTD_compress2", &cx->zstd.compress },
		{ "ZSTD_freeCCtx", &cx->zstd.free_writer },
		{ "ZSTD_createDCtx", &cx->zstd.new_reader },
		{ "ZSTD_findFrameCompressedSize", &cx->zstd.frame_length },
		{ "ZSTD_decompressDCtx", &cx->zstd.decompress },
		{ "ZSTD_freeDCtx", &cx->zstd.free_reader },
		{ NULL, NULL },
	};

	cx->library = img_lazy_load(ZSTD_SONAME, symbols, err);
	return cx->library;
}

static void *zstd_open(int level, size_t unit, struct img_err *err)
{
	struct context *cx = img_calloc(1, sizeof(*cx), err);

	if (!cx)
		return NULL;
	cx->level = level;
	cx->unit = unit;
	if (load(cx, err))
		return cx;
	zstd_close(cx);
	return NULL;
}

/*
 * The library has one set of parameters for level 3 and all that is longer than 16 and up to 128 KiB:
 * tables of 2^16 and 2^15 places, which are cleared for each unit and do not stay in the cache next to
 * the processor, and matches of five bytes.  Tables of 2^13 places each and matches of four bytes take 5
 * to 10 % less time.  A disk with a system on it gets smaller by 0.7 % in units of 64 and by 0.2 % in
 * units of 128 KiB, programs by 1.1 %; sources alone get larger by 0.7 %.  For shorter and longer units
 * nothing was found that is both quicker and smaller.
 */
static bool tune(const struct context *cx)
{
	enum { SHORTEST = 64 << 10, LONGEST = 128 << 10, PLACES_LOG = 13, MATCH = 4 };
	static const struct {
		ZSTD_cParameter what;
		int value;
	} values[] = {
		{ ZSTD_c_strategy, ZSTD_dfast }, { ZSTD_c_hashLog, PLACES_LOG },
		{ ZSTD_c_chainLog, PLACES_LOG }, { ZSTD_c_minMatch, MATCH },
	};

	if (cx->unit < SHORTEST || cx->unit > LONGEST)
		return true;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (cx->zstd.is_error(cx->zstd.set(cx->writer, values[i].what, values[i].value)))
			return false;
	return true;
}

static bool start_writer(struct context *cx, struct img_err *err)
{
	const bool tuned = cx->level == LEVEL_TUNED;
	const int level = tuned ? LEVEL_LIKE : cx->level;

	cx->writer = cx->zstd.new_writer();
	if (cx->writer &&
	    !cx->zstd.is_error(cx->zstd.set(cx->writer, ZSTD_c_compressionLevel, level)) &&
	    (!tuned || tune(cx)))
		return true;
	if (cx->writer)
		cx->zstd.free_writer(cx->writer);
	cx->writer = NULL;
	return img_fail(err, IMG_E_NOMEM, _("no memory to compress with zstd"));
}

static bool zstd_encode(void *context, const void *in, size_t n, void *out, size_t cap,
			size_t *used, struct img_err *err)
{
	struct context *cx = context;
	size_t made;

	if (!cx->writer && !start_writer(cx, err))
		return false;
	made = cx->zstd.compress(cx->writer, out, cap, in, n);
	if (!cx->zstd.is_error(made)) {
		*used = made;
		return true;
	}
	if (cx->zstd.error_code(made) == ZSTD_error_dstSize_tooSmall) {
		*used = 0;
		return true;
	}
	return img_fail(err, IMG_E_NOMEM, _("zstd cannot compress: %s"), cx->zstd.error_name(made));
}

static bool zstd_corrupt(const struct context *cx, size_t result, struct img_err *err)
{
	return img_fail(err, IMG_E_CORRUPT, _("the zstd data are damaged: %s"),
			cx->zstd.error_name(result));
}

/* Frame after frame until want bytes are there; what follows the last one is never looked at. */
static bool zstd_decode(void *context, const void *in, size_t n, void *out, size_t want,
			struct img_err *err)
{
	struct context *cx = context;
	size_t from = 0, done = 0;

	if (!cx->reader)
		cx->reader = cx->zstd.new_reader();
	if (!cx->reader)
		return img_fail(err, IMG_E_NOMEM, _("no memory to read zstd data"));
	while (done < want) {
		const uint8_t *frame = (const uint8_t *)in + from;
		const size_t len = cx->zstd.frame_length(frame, n - from);
		size_t got;

		if (cx->zstd.is_error(len))
			return zstd_corrupt(cx, len, err);
		got = cx->zstd.decompress(cx->reader, (uint8_t *)out + done, want - done, frame,
					  len);
		if (cx->zstd.is_error(got))
			return zstd_corrupt(cx, got, err);
		done += got;
		from += len;
	}
	return true;
}

const struct img_codec img_codec_zstd = {
	.name = "zstd",
	.level_min = 1,
	.level_max = 22,
	.level_default = LEVEL_TUNED,
	.open = zstd_open,
	.encode = zstd_encode,
	.decode = zstd_decode,
	.close = zstd_close,
};
