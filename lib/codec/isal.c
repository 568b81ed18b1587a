/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See isal.h.  The library is loaded when it is asked for. */
#include "codec/isal.h"

#include <assert.h>
#include <isa-l/igzip_lib.h>
#include <limits.h>

#include "base/lazy.h"
#include "base/mem.h"

/* That of the headers this is built with. */
#define SONAME "libisal.so.2"

enum {
	LEVEL = 1,			/* 0 gains little time and loses much */
	LEVEL_BUF = ISAL_DEF_LVL1_DEFAULT,
};

const bool img_isal_is_built_in = true;

struct img_isal {
	__typeof__(isal_deflate_stateless_init) *init;
	__typeof__(isal_deflate_stateless) *deflate;
	void *library;
	struct isal_zstream stream;
	uint8_t level_buf[LEVEL_BUF];
};

struct img_isal *img_isal_open(struct img_err *err)
{
	struct img_isal *cx = img_calloc(1, sizeof(*cx), err);

	if (!cx)
		return NULL;
	const struct img_lazy_symbol symbols[] = {
		{ "isal_deflate_stateless_init", &cx->init },
		{ "isal_deflate_stateless", &cx->deflate },
		{ NULL, NULL },
	};
	cx->library = img_lazy_load(SONAME, symbols, err);
	if (cx->library)
		return cx;
	img_isal_close(cx);
	return NULL;
}

size_t img_isal_deflate(struct img_isal *cx, bool zlib, const void *in, size_t n, void *out,
			size_t cap)
{
	struct isal_zstream *stream = &cx->stream;

	assert(n <= UINT_MAX && cap <= UINT_MAX);
	cx->init(stream);
	stream->level = LEVEL;
	stream->level_buf = cx->level_buf;
	stream->level_buf_size = LEVEL_BUF;
	stream->gzip_flag = zlib ? IGZIP_ZLIB : IGZIP_DEFLATE;
	stream->end_of_stream = 1;
	stream->next_in = (uint8_t *)in;	/* which is not written to */
	stream->avail_in = (uint32_t)n;
	stream->next_out = out;
	stream->avail_out = (uint32_t)cap;
	return cx->deflate(stream) == COMP_OK ? stream->total_out : 0;
}

void img_isal_close(struct img_isal *cx)
{
	if (!cx)
		return;
	img_lazy_unload(cx->library);
	free(cx);
}
