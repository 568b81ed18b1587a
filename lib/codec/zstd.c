/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Zstandard frames, one for each unit; keeping the contexts is worth a fifth of the time. */
#include <zstd.h>
#include <zstd_errors.h>

#include "base/mem.h"
#include "codec/codec.h"

/* Each half is made when it is first used: most contexts only read or only write. */
struct context {
	int level;
	ZSTD_CCtx *writer;
	ZSTD_DCtx *reader;
};

static void *zstd_open(int level, size_t unit, struct img_err *err)
{
	struct context *cx = img_calloc(1, sizeof(*cx), err);

	(void)unit;	/* the library fits its tables to the length of the input */
	if (cx)
		cx->level = level;
	return cx;
}

static bool zstd_encode(void *context, const void *in, size_t n, void *out, size_t cap,
			size_t *used, struct img_err *err)
{
	struct context *cx = context;
	size_t made;

	if (!cx->writer)
		cx->writer = ZSTD_createCCtx();
	if (!cx->writer)
		return img_fail(err, IMG_E_NOMEM, _("no memory to compress with zstd"));
	made = ZSTD_compressCCtx(cx->writer, out, cap, in, n, cx->level);
	if (!ZSTD_isError(made)) {
		*used = made;
		return true;
	}
	if (ZSTD_getErrorCode(made) == ZSTD_error_dstSize_tooSmall) {
		*used = 0;
		return true;
	}
	return img_fail(err, IMG_E_NOMEM, _("zstd cannot compress: %s"), ZSTD_getErrorName(made));
}

static bool zstd_corrupt(size_t result, struct img_err *err)
{
	return img_fail(err, IMG_E_CORRUPT, _("the zstd data are damaged: %s"),
			ZSTD_getErrorName(result));
}

/* Frame after frame until want bytes are there; what follows the last one is never looked at. */
static bool zstd_decode(void *context, const void *in, size_t n, void *out, size_t want,
			struct img_err *err)
{
	struct context *cx = context;
	size_t from = 0, done = 0;

	if (!cx->reader)
		cx->reader = ZSTD_createDCtx();
	if (!cx->reader)
		return img_fail(err, IMG_E_NOMEM, _("no memory to read zstd data"));
	while (done < want) {
		const uint8_t *frame = (const uint8_t *)in + from;
		const size_t len = ZSTD_findFrameCompressedSize(frame, n - from);
		size_t got;

		if (ZSTD_isError(len))
			return zstd_corrupt(len, err);
		got = ZSTD_decompressDCtx(cx->reader, (uint8_t *)out + done, want - done, frame,
					  len);
		if (ZSTD_isError(got))
			return zstd_corrupt(got, err);
		done += got;
		from += len;
	}
	return true;
}

static void zstd_close(void *context)
{
	struct context *cx = context;

	if (!cx)
		return;
	ZSTD_freeCCtx(cx->writer);
	ZSTD_freeDCtx(cx->reader);
	free(cx);
}

const struct img_codec img_codec_zstd = {
	.name = "zstd",
	.level_min = 1,
	.level_max = 22,
	.level_default = 3,
	.open = zstd_open,
	.encode = zstd_encode,
	.decode = zstd_decode,
	.close = zstd_close,
};
