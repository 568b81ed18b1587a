/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* UUIDs as PC formats keep them: the first three fields are little endian. */
#ifndef IMG_BASE_UUID_H
#define IMG_BASE_UUID_H

#include "base/err.h"

enum {
	IMG_UUID_BYTES = 16,
	IMG_UUID_TEXT = 37,	/* with the NUL behind it */
};

struct img_uuid {
	uint8_t raw[IMG_UUID_BYTES];	/* in the order of the file */
};

bool img_uuid_equal(const struct img_uuid *a, const struct img_uuid *b);
/* All bytes are zero: there is none. */
bool img_uuid_is_nil(const struct img_uuid *id);
void img_uuid_to_text(const struct img_uuid *id, char text[IMG_UUID_TEXT]);
/* Of the usual form, "{...}" around it or not, in any case.  IMG_E_ARGUMENT. */
bool img_uuid_parse(const char *text, struct img_uuid *out, struct img_err *err) IMG_MUST_CHECK;
/* A new one of version 4.  IMG_E_IO. */
bool img_uuid_make(struct img_uuid *out, struct img_err *err) IMG_MUST_CHECK;

#endif
