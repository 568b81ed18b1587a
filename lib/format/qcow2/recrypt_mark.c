/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The header of an image whose encryption is half changed: an incompatible feature that nobody has, with
 * a name that others print, and an extension that tells what the image was.  It is of version 3, which
 * alone has features.
 */
#include "format/qcow2/recrypt.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"

#define FEATURE_BIT 63
#define FEATURE (UINT64_C(1) << FEATURE_BIT)
static const char feature_name[] = "half done by imgcrypt --in-place";

/* The data of QCOW2_EXT_RECRYPT */
enum {
	MARK_ID		= 0,
	MARK_KEY_AT	= 16,
	MARK_KEY_LEN	= 24,
	MARK_VERSION	= 32,
	MARK_LEN	= 40,
	MARK_WHOLE	= QCOW2_EXT_DATA + MARK_LEN,
};

/* ---- Rows and extensions ------------------------------------------------------------------------- */

/* In front of the others, so that it stands near the start of the file; what it gives is zeros. */
static uint8_t *put_in_front(struct qcow2_bytes *bytes, size_t len, struct img_err *err)
{
	uint8_t *raw = img_calloc(1, bytes->len + len, err);

	if (!raw)
		return NULL;
	if (bytes->len)
		memcpy(raw + len, bytes->raw, bytes->len);
	free(bytes->raw);
	bytes->raw = raw;
	bytes->len += len;
	return raw;
}

static void take_from_front(struct qcow2_bytes *bytes, size_t len)
{
	bytes->len -= len;
	memmove(bytes->raw, bytes->raw + len, bytes->len);
	if (bytes->len)
		return;
	free(bytes->raw);
	bytes->raw = NULL;
}

static bool put_extension(struct qcow2_header *hdr, const struct img_recrypt_mark *mark,
			  struct img_err *err)
{
	uint8_t *ext = put_in_front(&hdr->more_extensions, MARK_WHOLE, err);
	uint8_t *data = ext + QCOW2_EXT_DATA;

	if (!ext)
		return false;
	img_put_be32(ext + QCOW2_EXT_TYPE, QCOW2_EXT_RECRYPT);
	img_put_be32(ext + QCOW2_EXT_LEN, MARK_LEN);
	memcpy(data + MARK_ID, mark->id, sizeof(mark->id));
	img_put_be64(data + MARK_KEY_AT, mark->key_at);
	img_put_be64(data + MARK_KEY_LEN, mark->key_len);
	img_put_be32(data + MARK_VERSION, hdr->version);
	return true;
}

static bool take_extension(struct qcow2_header *hdr, struct img_recrypt_mark *mark)
{
	const uint8_t *ext = hdr->more_extensions.raw;

	if (hdr->more_extensions.len < MARK_WHOLE ||
	    img_get_be32(ext + QCOW2_EXT_TYPE) != QCOW2_EXT_RECRYPT ||
	    img_get_be32(ext + QCOW2_EXT_LEN) != MARK_LEN)
		return false;
	const uint8_t *data = ext + QCOW2_EXT_DATA;

	memcpy(mark->id, data + MARK_ID, sizeof(mark->id));
	mark->key_at = img_get_be64(data + MARK_KEY_AT);
	mark->key_len = img_get_be64(data + MARK_KEY_LEN);
	hdr->version = img_get_be32(data + MARK_VERSION);
	take_from_front(&hdr->more_extensions, MARK_WHOLE);
	return true;
}

static bool put_name(struct qcow2_header *hdr, struct img_err *err)
{
	uint8_t *row = put_in_front(&hdr->more_names, QCOW2_FEATURE_LEN, err);

	if (!row)
		return false;
	row[QCOW2_FEATURE_TYPE] = QCOW2_FEATURE_INCOMPATIBLE;
	row[QCOW2_FEATURE_BIT] = FEATURE_BIT;
	memcpy(row + QCOW2_FEATURE_NAME, feature_name, sizeof(feature_name) - 1);
	return true;
}

/* In a tiny cluster there may have been no room for it. */
static void take_name(struct qcow2_header *hdr)
{
	const struct qcow2_bytes *names = &hdr->more_names;

	if (names->len && names->raw[QCOW2_FEATURE_TYPE] == QCOW2_FEATURE_INCOMPATIBLE &&
	    names->raw[QCOW2_FEATURE_BIT] == FEATURE_BIT)
		take_from_front(&hdr->more_names, QCOW2_FEATURE_LEN);
}

/* ---- The header ---------------------------------------------------------------------------------- */

bool qcow2_recrypt_put_mark(struct qcow2_header *hdr, const struct img_recrypt_mark *mark,
			    struct img_err *err)
{
	if (!put_extension(hdr, mark, err) || !put_name(hdr, err))
		return false;
	hdr->version = 3;
	hdr->incompatible |= FEATURE;
	return true;
}

static bool is_marked(const uint8_t *raw, size_t len)
{
	return len > QCOW2_HDR_V3_LEN && img_get_be32(raw + QCOW2_HDR_MAGIC) == QCOW2_MAGIC &&
	       img_get_be32(raw + QCOW2_HDR_VERSION) >= 3 &&
	       (img_get_be64(raw + QCOW2_HDR_INCOMPATIBLE) & FEATURE);
}

static bool fail_unmarked(struct img_err *err)
{
	return img_fail(err, IMG_E_CORRUPT, _("the header does not say any more what the image was"));
}

bool qcow2_recrypt_take_mark(uint8_t *raw, size_t len, struct qcow2_header *hdr,
			     struct img_recrypt_mark *mark, struct img_err *err)
{
	struct qcow2_header was;

	if (!is_marked(raw, len))
		return fail_unmarked(err);
	img_put_be64(raw + QCOW2_HDR_INCOMPATIBLE, img_get_be64(raw + QCOW2_HDR_INCOMPATIBLE) & ~FEATURE);
	if (!qcow2_header_decode(raw, len, &was, err))
		return false;
	if (!take_extension(&was, mark)) {
		qcow2_header_clear(&was);
		return fail_unmarked(err);
	}
	take_name(&was);
	*hdr = was;
	return true;
}
