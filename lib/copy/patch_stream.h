/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of a patch, whatever it says: front to back, so that a pipe will do on both sides. */
#ifndef IMG_COPY_PATCH_STREAM_H
#define IMG_COPY_PATCH_STREAM_H

#include "store/store.h"

enum {
	PATCH_MOST     = 1 << 20,	/* bytes that a record hands on at most */
	PATCH_GATHERED = 64 << 10,
};

/* ---- patch_source.c: reading ------------------------------------------------------------------- */

struct patch_source {
	struct img_store *store;	/* borrowed */
	uint64_t at;			/* of the store: where the bytes end that were read */
	uint8_t *buf;			/* owned */
	size_t from, to;		/* of buf: read, and not used yet */
};

/* patch_source_clear() must follow, even after a failure. */
bool patch_source_init(struct patch_source *src, struct img_store *store, struct img_err *err)
	IMG_MUST_CHECK;
void patch_source_clear(struct patch_source *src);
/* Makes the next len bytes, at most PATCH_MOST and some, stand at buf + from; *got: there are so many. */
bool patch_source_need(struct patch_source *src, size_t len, bool *got, struct img_err *err)
	IMG_MUST_CHECK;
/* As patch_source_need(); IMG_E_INCOMPLETE: there are fewer. */
bool patch_source_need_all(struct patch_source *src, size_t len, struct img_err *err)
	IMG_MUST_CHECK;
/* What was appended to a patch may be another one, which would be ignored: IMG_E_CORRUPT. */
bool patch_source_check_end(struct patch_source *src, struct img_err *err) IMG_MUST_CHECK;
/* Fails: the record that begins with the next byte makes no sense. */
bool patch_source_fail_record(const struct patch_source *src, struct img_err *err);

/* ---- patch_sink.c: writing --------------------------------------------------------------------- */

/* Small pieces go out together. */
struct patch_sink {
	struct img_store *store;	/* borrowed */
	uint64_t at;			/* of the store: bytes below this are written */
	size_t n;
	uint8_t gathered[PATCH_GATHERED];
};

bool patch_sink_put(struct patch_sink *sink, const uint8_t *bytes, size_t len, struct img_err *err)
	IMG_MUST_CHECK;
/* Must follow the last put. */
bool patch_sink_flush(struct patch_sink *sink, struct img_err *err) IMG_MUST_CHECK;

#endif
