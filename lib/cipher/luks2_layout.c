/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decoding, encoding and checksums of the binary part of a LUKS2 header; see luks2_layout.h. */
#include "cipher/luks2_layout.h"

#include <inttypes.h>
#include <string.h>
#include "base/bytes.h"
#include "base/err.h"
#include "base/num.h"

enum { MAGIC_BYTES = 6 };
static const uint8_t magics[2][MAGIC_BYTES] = {
	{ 'L', 'U', 'K', 'S', 0xba, 0xbe }, { 'S', 'K', 'U', 'L', 0xba, 0xbe },
};

static bool has_end(const char *text, size_t room)
{
	return memchr(text, '\0', room);
}

static bool validate(const struct img_luks2_hdr *hdr, uint64_t offset, struct img_err *err)
{
	if (!img_is_pow2(hdr->size) || hdr->size < IMG_LUKS2_SIZE_MIN ||
	    hdr->size > IMG_LUKS2_SIZE_MAX)
		return img_fail(err, IMG_E_CORRUPT, _("the header has 0x%" PRIx64 " bytes"), hdr->size);
	if (offset != (hdr->second ? hdr->size : 0))
		return img_fail(err, IMG_E_CORRUPT, _("the header says that it stands at 0x%" PRIx64),
				offset);
	if (!has_end(hdr->label, sizeof(hdr->label)) ||
	    !has_end(hdr->subsystem, sizeof(hdr->subsystem)) ||
	    !has_end(hdr->uuid, sizeof(hdr->uuid)) ||
	    !has_end(hdr->csum_alg, sizeof(hdr->csum_alg)))
		return img_fail(err, IMG_E_CORRUPT, _("a text in the header has no end"));
	return true;
}

bool img_luks2_decode(const uint8_t *raw, bool second, struct img_luks2_hdr *out,
		      struct img_err *err)
{
	struct img_luks2_hdr hdr = { .second = second };

	if (memcmp(raw + IMG_LUKS2_MAGIC, magics[second], MAGIC_BYTES) != 0)
		return img_fail(err, IMG_E_NOT_THIS_FORMAT, _("it does not start as a LUKS header"));
	if (img_get_be16(raw + IMG_LUKS2_VERSION) != 2)
		return img_fail(err, IMG_E_UNSUPPORTED, _("LUKS version %u is not known here"),
				img_get_be16(raw + IMG_LUKS2_VERSION));
	hdr.size = img_get_be64(raw + IMG_LUKS2_HDR_SIZE);
	hdr.seqid = img_get_be64(raw + IMG_LUKS2_SEQID);
	memcpy(hdr.label, raw + IMG_LUKS2_LABEL, sizeof(hdr.label));
	memcpy(hdr.subsystem, raw + IMG_LUKS2_SUBSYSTEM, sizeof(hdr.subsystem));
	memcpy(hdr.csum_alg, raw + IMG_LUKS2_CSUM_ALG, sizeof(hdr.csum_alg));
	memcpy(hdr.uuid, raw + IMG_LUKS2_UUID, sizeof(hdr.uuid));
	memcpy(hdr.salt, raw + IMG_LUKS2_SALT, sizeof(hdr.salt));
	if (!validate(&hdr, img_get_be64(raw + IMG_LUKS2_HDR_OFFSET), err))
		return false;
	*out = hdr;
	return true;
}

/* The checksum of raw[0, hdr->size) as if it stood there as zeros; what is behind it is zeros. */
static bool sum_up(const struct img_luks2_hdr *hdr, const uint8_t *raw,
		   uint8_t sum[IMG_LUKS2_CSUM_BYTES], struct img_err *err)
{
	static const uint8_t zeros[IMG_LUKS2_CSUM_BYTES];
	const size_t behind = IMG_LUKS2_CSUM + IMG_LUKS2_CSUM_BYTES;
	struct img_hash *hash = img_hash_open(hdr->csum_alg, err);
	bool done;

	_Static_assert((int)IMG_HASH_MAX == (int)IMG_LUKS2_CSUM_BYTES, "there is room for any hash");
	if (!hash)
		return false;
	memset(sum, 0, IMG_LUKS2_CSUM_BYTES);
	done = img_hash_add(hash, raw, IMG_LUKS2_CSUM, err) &&
	       img_hash_add(hash, zeros, sizeof(zeros), err) &&
	       img_hash_add(hash, raw + behind, (size_t)hdr->size - behind, err) &&
	       img_hash_finish(hash, sum, err);
	img_hash_close(hash);
	return done;
}

bool img_luks2_verify(const struct img_luks2_hdr *hdr, const uint8_t *raw, struct img_err *err)
{
	uint8_t sum[IMG_LUKS2_CSUM_BYTES];

	if (!sum_up(hdr, raw, sum, err))
		return false;
	return memcmp(sum, raw + IMG_LUKS2_CSUM, sizeof(sum)) == 0 ||
	       img_fail(err, IMG_E_CORRUPT, _("the header does not have the checksum that it states"));
}

bool img_luks2_encode(const struct img_luks2_hdr *hdr, uint8_t *raw, struct img_err *err)
{
	uint8_t sum[IMG_LUKS2_CSUM_BYTES];

	memset(raw, 0, IMG_LUKS2_BYTES);
	memcpy(raw + IMG_LUKS2_MAGIC, magics[hdr->second], MAGIC_BYTES);
	img_put_be16(raw + IMG_LUKS2_VERSION, 2);
	img_put_be64(raw + IMG_LUKS2_HDR_SIZE, hdr->size);
	img_put_be64(raw + IMG_LUKS2_SEQID, hdr->seqid);
	memcpy(raw + IMG_LUKS2_LABEL, hdr->label, sizeof(hdr->label));
	memcpy(raw + IMG_LUKS2_SUBSYSTEM, hdr->subsystem, sizeof(hdr->subsystem));
	memcpy(raw + IMG_LUKS2_CSUM_ALG, hdr->csum_alg, sizeof(hdr->csum_alg));
	memcpy(raw + IMG_LUKS2_UUID, hdr->uuid, sizeof(hdr->uuid));
	memcpy(raw + IMG_LUKS2_SALT, hdr->salt, sizeof(hdr->salt));
	img_put_be64(raw + IMG_LUKS2_HDR_OFFSET, hdr->second ? hdr->size : 0);
	if (!sum_up(hdr, raw, sum, err))
		return false;
	memcpy(raw + IMG_LUKS2_CSUM, sum, sizeof(sum));
	return true;
}
