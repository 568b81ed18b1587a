/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unpacking gzip by zlib, which compares length and checksum: the filter of libarchive does not.  Of
 * members one after the other all are taken; zeros behind the last are the padding of a tape.  zlib is
 * loaded when there is something to unpack.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <zlib.h>
#include "base/err.h"
#include "base/lazy.h"
#include "base/mem.h"
#include "store/unpack.h"

enum { INPUT_BYTES = 256 * 1024, WINDOW_AND_GZIP = 15 + 16 };

/* The functions of zlib that are used, with the types that its header gives them. */
struct functions {
	__typeof__(inflateInit2_) *init;
	__typeof__(inflateReset) *reset;
	__typeof__(inflate) *inflate;
	__typeof__(inflateEnd) *end;
};

struct gunzip {
	struct img_producer producer;
	struct functions zlib;
	void *library;
	uint8_t *input;
	z_stream z;
	uint64_t made;
	bool between;		/* members */
};

static bool damaged(const struct gunzip *g, enum img_code code, const char *why, struct img_err *err)
{
	return img_fail(err, code, _("%s: cannot be unpacked at offset %" PRIu64 ": %s"),
			g->producer.in.st->name, g->made, why);
}

/* *end: there is no more input. */
static bool need_input(struct gunzip *g, bool *end, struct img_err *err)
{
	size_t got = 0;

	*end = false;
	if (g->z.avail_in)
		return true;
	if (!img_pull(&g->producer.in, g->input, INPUT_BYTES, &got, err))
		return false;
	g->z.next_in = g->input;
	g->z.avail_in = (uInt)got;
	*end = !got;
	return true;
}

/* Whether another member follows. */
static bool begin_member(struct gunzip *g, bool *follows, struct img_err *err)
{
	bool end;

	do {
		if (!need_input(g, &end, err))
			return false;
		while (g->z.avail_in && *g->z.next_in == 0) {
			g->z.next_in++;
			g->z.avail_in--;
		}
	} while (!end && !g->z.avail_in);
	*follows = !end;
	g->between = false;
	return g->zlib.reset(&g->z) == Z_OK || img_fail_nomem(err, sizeof(g->z));
}

static bool inflate_some(struct gunzip *g, struct img_err *err)
{
	bool end;

	if (!need_input(g, &end, err))
		return false;
	if (end)
		return damaged(g, IMG_E_INCOMPLETE, _("it ends too early"), err);
	switch (g->zlib.inflate(&g->z, Z_NO_FLUSH)) {
	case Z_STREAM_END:
		g->between = true;
		return true;
	case Z_OK:
	case Z_BUF_ERROR:
		return true;
	case Z_MEM_ERROR:
		return img_fail_nomem(err, sizeof(g->z));
	default:
		return damaged(g, IMG_E_CORRUPT, g->z.msg ? g->z.msg : _("it is damaged"), err);
	}
}

static bool gunzip_make(struct img_producer *producer, uint8_t *buf, size_t len, size_t *got,
			struct img_err *err)
{
	struct gunzip *g = (struct gunzip *)producer;
	bool follows = true;

	g->z.next_out = buf;
	g->z.avail_out = (uInt)len;
	while (g->z.next_out == buf && follows) {
		if (g->between && !begin_member(g, &follows, err))
			return false;
		if (follows && !inflate_some(g, err))
			return false;
	}
	*got = (size_t)(g->z.next_out - buf);
	g->made += *got;
	return true;
}

static void gunzip_close(struct img_producer *producer)
{
	struct gunzip *g = (struct gunzip *)producer;

	if (g->library)
		(void)g->zlib.end(&g->z);	/* there is nothing that it could keep */
	img_lazy_unload(g->library);
	img_store_close(producer->in.st);
	free(g->input);
	free(g);
}

static const struct img_producer_ops gunzip_ops = {
	.make = gunzip_make, .close = gunzip_close,
};

static bool load(struct gunzip *g, struct img_err *err)
{
	const struct img_lazy_symbol symbols[] = {
		{ "inflateInit2_", &g->zlib.init },
		{ "inflateReset", &g->zlib.reset },
		{ "inflate", &g->zlib.inflate },
		{ "inflateEnd", &g->zlib.end },
		{ NULL, NULL },
	};

	g->library = img_lazy_load(ZLIB_SONAME, symbols, err);
	return g->library;
}

static bool start(struct gunzip *g, struct img_err *err)
{
	g->input = img_alloc_aligned(INPUT_BYTES, err);
	if (!g->input || !load(g, err))
		return false;
	return g->zlib.init(&g->z, WINDOW_AND_GZIP, ZLIB_VERSION, (int)sizeof(g->z)) == Z_OK ||
	       img_fail_nomem(err, sizeof(g->z));
}

struct img_producer *img_unpack_gzip(struct img_store *packed, struct img_err *err)
{
	struct gunzip *g = img_calloc(1, sizeof(*g), err);

	if (!g)
		return NULL;
	g->producer.ops = &gunzip_ops;
	if (start(g, err)) {
		g->producer.in.st = packed;
		return &g->producer;
	}
	gunzip_close(&g->producer);
	return NULL;
}
