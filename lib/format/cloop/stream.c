/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See stream.h. */
#include "format/cloop/stream.h"

#include <string.h>
#include "base/mem.h"
#include "base/num.h"

enum {
	/* So much of what follows is enough for any block, stored ones of noise included. */
	ENOUGH = CLOOP_FOUND_MAX + (64 << 10),
	PIECE = 64 << 10,		/* what is given up together where the system cannot read */
	/* In noise a candidate comes every 16 KiB; who makes more of them wants to keep us busy. */
	TRIES = 1000,
	BYTES_PER_TRY = 2 << 10,
};

static const uint8_t xz_magic[] = { 0xfd, '7', 'z', 'X', 'Z', 0 };

bool cloop_scan_init(struct cloop_scan *scan, struct img_store *file, struct img_err *err)
{
	*scan = (struct cloop_scan){ .file = file };
	scan->window = img_alloc_aligned(CLOOP_WINDOW, err);
	scan->out = scan->window ? img_alloc_aligned(CLOOP_FOUND_MAX, err) : NULL;
	return scan->out;
}

void cloop_scan_clear(struct cloop_scan *scan)
{
	for (unsigned id = 0; id < CLOOP_COMPRESSORS; id++)
		if (scan->contexts[id])
			img_codec_named(cloop_compressor_name(id))->close(scan->contexts[id]);
	free(scan->window);
	free(scan->out);
	*scan = (struct cloop_scan){ 0 };
}

/* ---- The window ------------------------------------------------------------------------------ */

/* Zeros, in which no stream begins, where nothing can be read. */
static bool read_pieces(struct cloop_scan *scan, struct img_err *err)
{
	for (size_t done = 0; done < scan->len; done += PIECE) {
		const size_t some = img_min_u64(PIECE, scan->len - done);
		struct img_err why = { 0 };

		if (img_store_read(scan->file, scan->at + done, scan->window + done, some, &why))
			continue;
		if (why.code != IMG_E_IO) {
			if (err)
				*err = why;
			return false;
		}
		memset(scan->window + done, 0, some);
	}
	return true;
}

static bool move_window(struct cloop_scan *scan, uint64_t host, uint64_t limit, struct img_err *err)
{
	struct img_err why = { 0 };

	scan->at = host;
	scan->len = img_min_u64(CLOOP_WINDOW, limit - host);
	if (img_store_read(scan->file, scan->at, scan->window, scan->len, &why))
		return true;
	if (why.code == IMG_E_IO)
		return read_pieces(scan, err);
	if (err)
		*err = why;
	return false;
}

/* How many bytes from host on are in the window. */
static size_t held(const struct cloop_scan *scan, uint64_t host)
{
	return host >= scan->at && host < scan->at + scan->len ? scan->at + scan->len - host : 0;
}

/* ---- Streams --------------------------------------------------------------------------------- */

bool cloop_is_stream(const uint8_t *raw, size_t len, enum cloop_compressor *id)
{
	*id = CLOOP_ZLIB;
	if (len >= 2 && cloop_is_zlib(raw))
		return true;
	*id = CLOOP_XZ;
	return len >= sizeof(xz_magic) && !memcmp(raw, xz_magic, sizeof(xz_magic));
}

/* Decodes what is at host in the window; what cannot be decoded is no stream. */
static bool measure(struct cloop_scan *scan, uint64_t host, enum cloop_compressor id,
		    size_t len, struct cloop_stream *out, struct img_err *err)
{
	const struct img_codec *codec = img_codec_named(cloop_compressor_name(id));
	struct img_err why = { 0 };
	size_t used, got;

	if (!codec)
		return true;
	if (!scan->contexts[id])
		scan->contexts[id] = codec->open(codec->level_default, CLOOP_FOUND_MAX, err);
	if (!scan->contexts[id])
		return false;
	if (codec->measure(scan->contexts[id], scan->window + (host - scan->at), len, scan->out,
			   CLOOP_FOUND_MAX, &used, &got, &why)) {
		*out = (struct cloop_stream){ .compressor = id, .host = host, .len = used,
					      .got = got };
		return true;
	}
	if (why.code == IMG_E_CORRUPT)
		return true;
	if (err)
		*err = why;
	return false;
}

bool cloop_scan_here(struct cloop_scan *scan, uint64_t host, uint64_t limit,
		     struct cloop_stream *out, struct img_err *err)
{
	const size_t wanted = img_min_u64(CLOOP_WINDOW, limit - host);
	enum cloop_compressor id;

	*out = (struct cloop_stream){ .host = host };
	if (!held(scan, host) && !move_window(scan, host, limit, err))
		return false;
	for (;;) {
		const size_t len = img_min_u64(held(scan, host), wanted);

		if (len >= img_min_u64(wanted, sizeof(xz_magic)) &&
		    !cloop_is_stream(scan->window + (host - scan->at), len, &id))
			return true;
		if (len >= sizeof(xz_magic) && !measure(scan, host, id, len, out, err))
			return false;
		/* It may be cut off by the end of the window. */
		if (out->got || len >= img_min_u64(wanted, ENOUGH))
			return true;
		if (!move_window(scan, host, limit, err))
			return false;
	}
}

/* Where something may begin, from host on; limit: nowhere. */
static bool find_candidate(struct cloop_scan *scan, uint64_t *host, uint64_t limit,
			   struct img_err *err)
{
	enum cloop_compressor id;

	while (*host < limit) {
		if (!held(scan, *host) && !move_window(scan, *host, limit, err))
			return false;
		const size_t n = img_min_u64(held(scan, *host), limit - *host);
		const uint8_t *raw = scan->window + (*host - scan->at);

		for (size_t i = 0; i < n; i++)
			/* The last bytes of a window are looked at again, together with the next. */
			if (cloop_is_stream(raw + i, n - i, &id) || n - i < sizeof(xz_magic)) {
				*host += i;
				return true;
			}
	}
	return true;
}

bool cloop_scan_next(struct cloop_scan *scan, uint64_t host, uint64_t limit,
		     struct cloop_stream *out, struct img_err *err)
{
	*out = (struct cloop_stream){ .host = limit };
	for (;; host++) {
		const uint64_t from = host;

		if (!find_candidate(scan, &host, limit, err))
			return false;
		scan->passed += host - from;
		if (host >= limit)
			return true;
		if (scan->tried > TRIES + scan->passed / BYTES_PER_TRY)
			continue;
		if (!cloop_scan_here(scan, host, limit, out, err))
			return false;
		if (out->got)
			return true;
		scan->tried++;
	}
}
