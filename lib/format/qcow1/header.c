/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The header of a qcow file from and to bytes, and what is legal in it.  Pure but for the read. */
#include <inttypes.h>
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow1/qcow1.h"

/* ---- What is legal --------------------------------------------------------------------------- */

static bool validate_bits(const struct qcow1_header *hdr, struct img_err *err)
{
	if (hdr->cluster_bits < QCOW1_CLUSTER_BITS_MIN ||
	    hdr->cluster_bits > QCOW1_CLUSTER_BITS_MAX)
		return img_fail(err, IMG_E_CORRUPT, _("clusters of 2^%u bytes"), hdr->cluster_bits);
	if (hdr->l2_bits < QCOW1_L2_BITS_MIN || hdr->l2_bits > QCOW1_L2_BITS_MAX)
		return img_fail(err, IMG_E_CORRUPT, _("L2 tables of 2^%u entries"), hdr->l2_bits);
	if (hdr->crypt > QCOW1_CRYPT_AES)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("encryption method %" PRIu32 " is not known here"), hdr->crypt);
	return true;
}

static bool validate_size(const struct qcow1_header *hdr, struct img_err *err)
{
	if (img_div_up(hdr->size, UINT64_C(1) << qcow1_l1_bits(hdr)) < QCOW1_L1_MAX)
		return true;
	return img_fail(err, IMG_E_RANGE,
			_("a disk of %" PRIu64 " bytes is too large for its tables"), hdr->size);
}

static bool validate_places(const struct qcow1_header *hdr, struct img_err *err)
{
	if (hdr->l1_off < QCOW1_HDR_LEN || hdr->l1_off > INT64_MAX / 2)
		return img_fail(err, IMG_E_CORRUPT, _("an L1 table at 0x%" PRIx64), hdr->l1_off);
	if (!hdr->backing_off)
		return true;
	if (hdr->backing_len > QCOW1_NAME_MAX)
		return img_fail(err, IMG_E_CORRUPT,
				_("the name of the backing file has %" PRIu32 " bytes, but %d at "
				  "most are allowed"), hdr->backing_len, QCOW1_NAME_MAX);
	if (hdr->backing_off < QCOW1_HDR_LEN || hdr->backing_off > INT64_MAX / 2)
		return img_fail(err, IMG_E_CORRUPT,
				_("the name of the backing file at 0x%" PRIx64), hdr->backing_off);
	return true;
}

bool qcow1_header_decode(const uint8_t *raw, size_t len, struct qcow1_header *out,
			 struct img_err *err)
{
	struct qcow1_header hdr;

	if (len < QCOW1_HDR_VERSION + 4 || img_get_be32(raw + QCOW1_HDR_MAGIC) != QCOW1_MAGIC ||
	    img_get_be32(raw + QCOW1_HDR_VERSION) != QCOW1_VERSION)
		return img_fail(err, IMG_E_NOT_THIS_FORMAT,
				_("this is not a qcow image of version 1"));
	if (len < QCOW1_HDR_LEN)
		return img_fail(err, IMG_E_INCOMPLETE,
				_("the file ends inside the header, after %zu bytes"), len);
	hdr = (struct qcow1_header){
		.size = img_get_be64(raw + QCOW1_HDR_SIZE),
		.cluster_bits = raw[QCOW1_HDR_CLUSTER_BITS], .l2_bits = raw[QCOW1_HDR_L2_BITS],
		.mtime = img_get_be32(raw + QCOW1_HDR_MTIME),
		.crypt = img_get_be32(raw + QCOW1_HDR_CRYPT),
		.l1_off = img_get_be64(raw + QCOW1_HDR_L1_OFF),
		.backing_off = img_get_be64(raw + QCOW1_HDR_BACKING_OFF),
		.backing_len = img_get_be32(raw + QCOW1_HDR_BACKING_LEN),
	};
	if (!validate_bits(&hdr, err) || !validate_size(&hdr, err) || !validate_places(&hdr, err))
		return false;
	*out = hdr;
	return true;
}

void qcow1_header_encode(const struct qcow1_header *hdr, uint8_t *raw)
{
	memset(raw, 0, QCOW1_HDR_LEN);
	img_put_be32(raw + QCOW1_HDR_MAGIC, QCOW1_MAGIC);
	img_put_be32(raw + QCOW1_HDR_VERSION, QCOW1_VERSION);
	img_put_be64(raw + QCOW1_HDR_BACKING_OFF, hdr->backing_off);
	img_put_be32(raw + QCOW1_HDR_BACKING_LEN, hdr->backing_len);
	img_put_be32(raw + QCOW1_HDR_MTIME, hdr->mtime);
	img_put_be64(raw + QCOW1_HDR_SIZE, hdr->size);
	raw[QCOW1_HDR_CLUSTER_BITS] = (uint8_t)hdr->cluster_bits;
	raw[QCOW1_HDR_L2_BITS] = (uint8_t)hdr->l2_bits;
	img_put_be32(raw + QCOW1_HDR_CRYPT, hdr->crypt);
	img_put_be64(raw + QCOW1_HDR_L1_OFF, hdr->l1_off);
}

/* ---- From a file ----------------------------------------------------------------------------- */

static bool read_name(struct img_store *st, const struct qcow1_header *hdr, char **backing,
		      struct img_err *err)
{
	char name[QCOW1_NAME_MAX + 1];

	*backing = NULL;
	if (!hdr->backing_off || !hdr->backing_len)
		return true;
	if (!img_store_read(st, hdr->backing_off, name, hdr->backing_len, err))
		return img_within(err, _("name of the backing file"));
	name[hdr->backing_len] = '\0';
	if (strlen(name) != hdr->backing_len)
		return img_fail(err, IMG_E_CORRUPT,
				_("there is a zero byte in the name of the backing file"));
	*backing = img_strdup(name, err);
	return *backing;
}

bool qcow1_header_read(struct img_store *st, struct qcow1_header *out, char **backing,
		       struct img_err *err)
{
	uint8_t raw[QCOW1_HDR_LEN];
	size_t got;

	return img_store_read_some(st, 0, raw, sizeof(raw), &got, err) &&
	       qcow1_header_decode(raw, got, out, err) && read_name(st, out, backing, err);
}
