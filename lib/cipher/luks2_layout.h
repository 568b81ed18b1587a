/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The binary part of a LUKS2 header, of which there are two copies, each with its own JSON area behind
 * it.  What the JSON says is the business of others.
 */
#ifndef IMG_CIPHER_LUKS2_LAYOUT_H
#define IMG_CIPHER_LUKS2_LAYOUT_H

#include "libimg.h"

/* LUKS2 §"Binary Header"; numbers are big endian. */
enum {
	IMG_LUKS2_MAGIC		= 0,	/* "LUKS" or, of the second copy, "SKUL", and 0xba, 0xbe */
	IMG_LUKS2_VERSION	= 6,
	IMG_LUKS2_HDR_SIZE	= 8,	/* with the JSON area */
	IMG_LUKS2_SEQID		= 16,
	IMG_LUKS2_LABEL		= 24,
	IMG_LUKS2_CSUM_ALG	= 72,
	IMG_LUKS2_SALT		= 104,
	IMG_LUKS2_UUID		= 168,
	IMG_LUKS2_SUBSYSTEM	= 208,
	IMG_LUKS2_HDR_OFFSET	= 256,
	IMG_LUKS2_CSUM		= 448,
	IMG_LUKS2_BYTES		= 4096,	/* the JSON area follows */

	IMG_LUKS2_TEXT_BYTES	= 48,	/* of label and subsystem, with a NUL */
	IMG_LUKS2_ALG_BYTES	= 32,
	IMG_LUKS2_SALT_BYTES	= 64,
	IMG_LUKS2_UUID_BYTES	= 40,
	IMG_LUKS2_CSUM_BYTES	= 64,
	IMG_LUKS2_SIZE_MIN	= 16 << 10,	/* and all powers of two up to ... */
	IMG_LUKS2_SIZE_MAX	= 4 << 20,
};

struct img_luks2_hdr {
	bool second;
	uint64_t size;			/* bytes, with the JSON area */
	uint64_t seqid;			/* the copy that has the higher one is newer */
	char label[IMG_LUKS2_TEXT_BYTES], subsystem[IMG_LUKS2_TEXT_BYTES];
	char csum_alg[IMG_LUKS2_ALG_BYTES];
	char uuid[IMG_LUKS2_UUID_BYTES];
	uint8_t salt[IMG_LUKS2_SALT_BYTES];
};

/*
 * Decodes the binary part of one copy, raw[0, IMG_LUKS2_BYTES), and validates what can be without its
 * JSON area.  Errors: IMG_E_NOT_THIS_FORMAT (magic), IMG_E_UNSUPPORTED (version), IMG_E_CORRUPT.
 */
bool img_luks2_decode(const uint8_t *raw, bool second, struct img_luks2_hdr *out,
		      struct img_err *err) IMG_MUST_CHECK;
/* raw[0, hdr->size), the JSON area included, fits its checksum.  IMG_E_CORRUPT, IMG_E_UNSUPPORTED. */
bool img_luks2_verify(const struct img_luks2_hdr *hdr, const uint8_t *raw, struct img_err *err)
	IMG_MUST_CHECK;
/* Puts header and checksum in front of the JSON area, which is in raw[IMG_LUKS2_BYTES, hdr->size). */
bool img_luks2_encode(const struct img_luks2_hdr *hdr, uint8_t *raw, struct img_err *err)
	IMG_MUST_CHECK;

#endif
