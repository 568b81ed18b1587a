/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A patch, record by record: what is handed on is whole and makes sense. */
#include "copy/patch.h"

#include "base/err.h"

/* ---- The format of our own --------------------------------------------------------------------- */

static bool own_init(struct patch_reader *rd, struct img_err *err)
{
	struct patch_source *src = &rd->src;

	if (!patch_source_need_all(src, PATCH_HDR_BYTES, err) ||
	    !patch_header_decode(src->buf, &rd->header, &rd->chain, err))
		return false;
	src->from = PATCH_HDR_BYTES;
	return true;
}

static bool own_next(struct patch_reader *rd, struct patch_record *rec, const uint8_t **bytes,
		     struct img_err *err)
{
	struct patch_source *src = &rd->src;
	size_t len;

	if (!patch_source_need_all(src, PATCH_REC_BYTES, err))
		return false;
	patch_record_decode(src->buf + src->from, rec);
	if (!patch_record_payload(rec, &len))
		return patch_source_fail_record(src, err);
	if (!patch_source_need_all(src, PATCH_REC_BYTES + len, err))
		return false;
	const uint8_t *raw = src->buf + src->from;

	if (!patch_record_is_whole(raw, raw + PATCH_REC_BYTES, len, &rd->chain) ||
	    !patch_record_fits(rec, &rd->header, rd->done))
		return patch_source_fail_record(src, err);
	*bytes = raw + PATCH_REC_BYTES;
	src->from += PATCH_REC_BYTES + len;
	if (rec->kind != PATCH_END)
		rd->done = rec->at + rec->len;
	return rec->kind != PATCH_END || patch_source_check_end(src, err);
}

/* ---- Either -------------------------------------------------------------------------------------- */

bool patch_reader_init(struct patch_reader *rd, struct img_store *store, struct img_err *err)
{
	*rd = (struct patch_reader){ .done = 0 };
	if (!patch_source_init(&rd->src, store, err) ||
	    !patch_source_need_all(&rd->src, RBD_BANNER, err) ||
	    !patch_rbd_version(rd->src.buf, &rd->rbd_version, err))
		return false;
	return rd->rbd_version ? patch_rbd_init(rd, err) : own_init(rd, err);
}

void patch_reader_clear(struct patch_reader *rd)
{
	patch_source_clear(&rd->src);
}

bool patch_reader_next(struct patch_reader *rd, struct patch_record *rec, const uint8_t **bytes,
		       struct img_err *err)
{
	return rd->rbd_version ? patch_rbd_next(rd, rec, bytes, err)
			       : own_next(rd, rec, bytes, err);
}
