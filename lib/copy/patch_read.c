/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A patch, record by record: what is handed on is whole and makes sense. */
#include "copy/patch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"

/* Room for the longest record, and for some more that come with one read. */
enum { BUF = 2 * PATCH_MOST };

/* Makes len bytes stand at buf + from; *got: whether the stream has them. */
static bool need(struct patch_reader *rd, size_t len, bool *got, struct img_err *err)
{
	size_t more;

	*got = true;
	if (rd->to - rd->from >= len)
		return true;
	memmove(rd->buf, rd->buf + rd->from, rd->to - rd->from);
	rd->to -= rd->from;
	rd->from = 0;
	if (!img_store_read_some(rd->store, rd->at, rd->buf + rd->to, BUF - rd->to, &more, err))
		return false;
	rd->to += more;
	rd->at += more;
	*got = rd->to >= len;
	return true;
}

/* As need(); that there is less is a failure. */
static bool need_all(struct patch_reader *rd, size_t len, struct img_err *err)
{
	bool got;

	return need(rd, len, &got, err) &&
	       (got || img_fail(err, IMG_E_INCOMPLETE, _("the patch is cut off")));
}

bool patch_reader_init(struct patch_reader *rd, struct img_store *store, struct img_err *err)
{
	*rd = (struct patch_reader){ .store = store, .buf = img_alloc_aligned(BUF, err) };
	if (!rd->buf || !need_all(rd, PATCH_HDR_BYTES, err) ||
	    !patch_header_decode(rd->buf, &rd->header, &rd->chain, err))
		return false;
	rd->from = PATCH_HDR_BYTES;
	return true;
}

void patch_reader_clear(struct patch_reader *rd)
{
	free(rd->buf);
	rd->buf = NULL;
}

/* What was appended to a patch may be another one, which would be ignored. */
static bool check_end(struct patch_reader *rd, struct img_err *err)
{
	bool more;

	return need(rd, 1, &more, err) &&
	       (!more || img_fail(err, IMG_E_CORRUPT, _("something stands behind the end of the "
							"patch")));
}

static bool fail_record(const struct patch_reader *rd, struct img_err *err)
{
	return img_fail(err, IMG_E_CORRUPT, _("the record at byte %" PRIu64 " of the patch is damaged"),
			rd->at - (rd->to - rd->from));
}

bool patch_reader_next(struct patch_reader *rd, struct patch_record *rec, const uint8_t **bytes,
		       struct img_err *err)
{
	size_t len;

	if (!need_all(rd, PATCH_REC_BYTES, err))
		return false;
	patch_record_decode(rd->buf + rd->from, rec);
	if (!patch_record_payload(rec, &len))
		return fail_record(rd, err);
	if (!need_all(rd, PATCH_REC_BYTES + len, err))
		return false;
	const uint8_t *raw = rd->buf + rd->from;

	if (!patch_record_is_whole(raw, raw + PATCH_REC_BYTES, len, &rd->chain) ||
	    !patch_record_fits(rec, &rd->header, rd->done))
		return fail_record(rd, err);
	*bytes = raw + PATCH_REC_BYTES;
	rd->from += PATCH_REC_BYTES + len;
	if (rec->kind != PATCH_END)
		rd->done = rec->at + rec->len;
	return rec->kind != PATCH_END || check_end(rd, err);
}
