/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of an RBD difference as bytes. */
#include "copy/patch_rbd.h"

#include <string.h>
#include "base/bytes.h"
#include "base/err.h"

enum { DIGIT = RBD_BANNER - 2 };	/* behind it the line ends */

static const char banner[] = "rbd diff v1\n";

bool patch_rbd_version(const uint8_t *raw, unsigned *version, struct img_err *err)
{
	*version = 0;
	if (memcmp(raw, banner, DIGIT))
		return true;
	if ((raw[DIGIT] != '1' && raw[DIGIT] != '2') || raw[DIGIT + 1] != '\n')
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("is a difference of RBD of an unknown version; 1 and 2 are known"));
	*version = raw[DIGIT] - '0';
	return true;
}

void patch_rbd_banner_encode(uint8_t *raw)
{
	memcpy(raw, banner, RBD_BANNER);
}

void patch_rbd_name_encode(uint8_t letter, size_t len, uint8_t *raw)
{
	raw[0] = letter;
	img_put_le32(raw + 1, (uint32_t)len);
}

void patch_rbd_size_encode(uint64_t size, uint8_t *raw)
{
	raw[0] = RBD_SIZE;
	img_put_le64(raw + 1, size);
}

void patch_rbd_range_encode(uint8_t letter, uint64_t at, uint64_t len, uint8_t *raw)
{
	raw[0] = letter;
	img_put_le64(raw + 1, at);
	img_put_le64(raw + 9, len);
}
