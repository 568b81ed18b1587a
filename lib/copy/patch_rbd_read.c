/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An RBD difference, record by record; long ones in pieces.  No record is trusted further than it goes. */
#include "copy/patch.h"

#include <string.h>
#include "base/bytes.h"
#include "base/err.h"
#include "base/num.h"

/* How a record begins, with what version 2 says of the rest. */
struct head {
	uint8_t letter;
	size_t len;
	bool told;
	uint64_t rest;			/* bytes, if told */
};

static bool look_at_head(struct patch_reader *rd, struct head *head, struct img_err *err)
{
	struct patch_source *src = &rd->src;

	if (!patch_source_need_all(src, 1, err))
		return false;
	*head = (struct head){ .letter = src->buf[src->from], .len = 1 };
	if (rd->rbd_version == 1 || head->letter == RBD_END)
		return true;
	head->len += 8;
	head->told = true;
	if (!patch_source_need_all(src, head->len, err))
		return false;
	head->rest = img_get_le64(src->buf + src->from + 1);
	return true;
}

/* Shows what stands behind the head, len bytes of it. */
static bool look_behind(struct patch_reader *rd, const struct head *head, size_t len,
			const uint8_t **raw, struct img_err *err)
{
	if (!patch_source_need_all(&rd->src, head->len + len, err))
		return false;
	*raw = rd->src.buf + rd->src.from + head->len;
	return true;
}

static bool is_as_told(const struct head *head, uint64_t rest)
{
	return !head->told || head->rest == rest;
}

static bool skip(struct patch_reader *rd, const struct head *head, struct img_err *err)
{
	size_t now;

	rd->src.from += head->len;
	for (uint64_t left = head->rest; left; left -= now) {
		now = img_min_u64(left, PATCH_MOST);
		if (!patch_source_need_all(&rd->src, now, err))
			return false;
		rd->src.from += now;
	}
	return true;
}

/* ---- What stands in front of the changes ------------------------------------------------------- */

static bool take_name(struct patch_reader *rd, const struct head *head, char *name,
		      struct img_err *err)
{
	const uint8_t *raw;

	if (!look_behind(rd, head, 4, &raw, err))
		return false;
	const size_t len = img_get_le32(raw);

	if (len > RBD_NAME_MOST || !is_as_told(head, 4 + len))
		return patch_source_fail_record(&rd->src, err);
	if (!look_behind(rd, head, 4 + len, &raw, err))
		return false;
	if (memchr(raw + 4, 0, len))
		return patch_source_fail_record(&rd->src, err);
	memcpy(name, raw + 4, len);
	name[len] = '\0';
	rd->src.from += head->len + 4 + len;
	return true;
}

static bool take_size(struct patch_reader *rd, const struct head *head, struct img_err *err)
{
	const uint8_t *raw;

	if (!look_behind(rd, head, 8, &raw, err))
		return false;
	rd->header.new_size = img_get_le64(raw);
	if (!is_as_told(head, 8))
		return patch_source_fail_record(&rd->src, err);
	if (rd->header.new_size > INT64_MAX)
		return img_fail(err, IMG_E_CORRUPT, _("the patch is for a disk that cannot be"));
	rd->src.from += head->len + 8;
	return true;
}

/* *more: this was no change, and not the end. */
static bool take_preface(struct patch_reader *rd, bool *more, struct img_err *err)
{
	struct head head;

	*more = true;
	if (!look_at_head(rd, &head, err))
		return false;
	switch (head.letter) {
	case RBD_FROM:
		return take_name(rd, &head, rd->from, err);
	case RBD_TO:
		return take_name(rd, &head, rd->to, err);
	case RBD_SIZE:
		return take_size(rd, &head, err);
	case RBD_DATA:
	case RBD_ZERO:
	case RBD_END:
		*more = false;
		return true;
	default:
		return head.told ? skip(rd, &head, err) : patch_source_fail_record(&rd->src, err);
	}
}

bool patch_rbd_init(struct patch_reader *rd, struct img_err *err)
{
	bool more = true;

	rd->header = (struct patch_header){ PATCH_ANY_SIZE, PATCH_ANY_SIZE };
	rd->src.from += RBD_BANNER;
	while (more)
		if (!take_preface(rd, &more, err))
			return false;
	return true;
}

/* ---- Changes ----------------------------------------------------------------------------------- */

static bool take_range(struct patch_reader *rd, const struct head *head, struct patch_record *rec,
		       struct img_err *err)
{
	const bool zero = head->letter == RBD_ZERO;
	const uint64_t size = rd->header.new_size;
	const uint8_t *raw;

	if (!look_behind(rd, head, 16, &raw, err))
		return false;
	*rec = (struct patch_record){
		.kind = zero ? PATCH_ZERO : PATCH_DATA,
		.at = img_get_le64(raw), .len = img_get_le64(raw + 8),
	};
	if (rec->at > size || rec->len > size - rec->at || !is_as_told(head, 16 + (zero ? 0 : rec->len)))
		return patch_source_fail_record(&rd->src, err);
	rd->src.from += head->len + 16;
	return true;
}

/* Hands on the next bytes of the record that is under way. */
static bool hand_on(struct patch_reader *rd, struct patch_record *rec, const uint8_t **bytes,
		    struct img_err *err)
{
	struct patch_record *pending = &rd->pending;
	const size_t len = img_min_u64(pending->len, PATCH_MOST);

	if (!patch_source_need_all(&rd->src, len, err))
		return false;
	*rec = (struct patch_record){ PATCH_DATA, pending->at, len };
	*bytes = rd->src.buf + rd->src.from;
	rd->src.from += len;
	pending->at += len;
	pending->len -= len;
	rd->done = pending->at;
	return true;
}

/* Looks at one record: rec->len is 0 when nothing of it is handed on yet. */
static bool take(struct patch_reader *rd, struct patch_record *rec, struct img_err *err)
{
	struct head head;

	*rec = (struct patch_record){ .kind = PATCH_END };
	if (!look_at_head(rd, &head, err))
		return false;
	switch (head.letter) {
	case RBD_END:
		rd->src.from += head.len;
		rd->ended = true;
		return patch_source_check_end(&rd->src, err);
	case RBD_ZERO:
	case RBD_DATA:
		return take_range(rd, &head, rec, err);
	case RBD_FROM:
	case RBD_TO:
	case RBD_SIZE:
		return patch_source_fail_record(&rd->src, err);
	default:
		return head.told ? skip(rd, &head, err) : patch_source_fail_record(&rd->src, err);
	}
}

bool patch_rbd_next(struct patch_reader *rd, struct patch_record *rec, const uint8_t **bytes,
		    struct img_err *err)
{
	*bytes = NULL;
	while (!rd->pending.len) {
		if (!take(rd, rec, err))
			return false;
		if (rd->ended)
			return true;
		if (rec->kind == PATCH_ZERO && rec->len) {
			rd->done = rec->at + rec->len;
			return true;
		}
		if (rec->kind == PATCH_DATA)
			rd->pending = *rec;
	}
	return hand_on(rd, rec, bytes, err);
}
