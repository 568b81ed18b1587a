/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compression of one unit (cluster, grain, block) at a time, in memory. */
#ifndef IMG_CODEC_CODEC_H
#define IMG_CODEC_CODEC_H

#include "libimg.h"

struct img_codec {
	const char *name;
	int level_min, level_max;
	int level_default;	/* also one below level_min, which nobody can ask for by its number */
	/* One context per thread.  unit: the largest n that will come, in bytes. */
	void *(*open)(int level, size_t unit, struct img_err *err);
	/* *used = 0: does not fit in cap, store it plain */
	bool (*encode)(void *cx, const void *in, size_t n, void *out, size_t cap, size_t *used,
		       struct img_err *err);
	/*
	 * Gives exactly want bytes, or IMG_E_CORRUPT.  Bytes behind the end of the stream are
	 * ignored (formats store lengths that are rounded up) unless the stream does not say where
	 * it ends, as that of lz4.
	 */
	bool (*decode)(void *cx, const void *in, size_t n, void *out, size_t want,
		       struct img_err *err);
	/*
	 * As decode, of a stream that gives *got bytes, cap at most, and takes *used of the n.
	 * NULL: this codec has no need of it.
	 */
	bool (*measure)(void *cx, const void *in, size_t n, void *out, size_t cap, size_t *used,
			size_t *got, struct img_err *err);
	void (*close)(void *cx);
};

extern const struct img_codec img_codec_deflate;	/* raw deflate, 32 KiB window, libdeflate */
extern const struct img_codec img_codec_deflate12;	/* raw deflate, 4 KiB window, zlib */
extern const struct img_codec img_codec_zlib;		/* the same in the wrapping of zlib */
extern const struct img_codec img_codec_zstd;
extern const struct img_codec img_codec_lz4;	/* raw blocks */
extern const struct img_codec img_codec_xz;	/* with a CRC32: all that kernels check */
extern const struct img_codec img_codec_lzo;	/* LZO1X */

/* One of several that a unit may be compressed with; codec NULL ends a list of them. */
struct img_other_codec {
	const struct img_codec *codec;
	int level;
};

/* NULL: not known, or not built in. */
const struct img_codec *img_codec_named(const char *name);

/* Contexts of one codec, kept for the next caller.  Any number of threads. */
struct img_codec_pool;
struct img_codec_pool *img_codec_pool_new(const struct img_codec *codec, int level, size_t unit,
					  struct img_err *err);
/* A context that is the caller's until it is put back; NULL on failure. */
void *img_codec_pool_get(struct img_codec_pool *pool, struct img_err *err);
void img_codec_pool_put(struct img_codec_pool *pool, void *cx);
/* All contexts must have been put back.  Accepts NULL. */
void img_codec_pool_free(struct img_codec_pool *pool);

/* A running hash over a stream of bytes. */
struct img_digest;
/* "sha256", "sha512", "sha1", "md5", "blake2b512" ...: what libcrypto knows.  IMG_E_UNSUPPORTED. */
struct img_digest *img_digest_open(const char *name, struct img_err *err);
bool img_digest_add(struct img_digest *dg, const void *buf, size_t len, struct img_err *err)
	IMG_MUST_CHECK;
bool img_digest_add_zeros(struct img_digest *dg, uint64_t len, struct img_err *err) IMG_MUST_CHECK;
/* Hexadecimal, lower case, at most 128 characters and NUL. */
bool img_digest_finish(struct img_digest *dg, char hex[129], struct img_err *err) IMG_MUST_CHECK;
void img_digest_close(struct img_digest *dg);

#endif
