/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers in bytes that come from, or go to, a file.  No alignment is needed. */
#ifndef IMG_BASE_BYTES_H
#define IMG_BASE_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define IMG_BYTES_ACCESS(bits, order)                                        \
	static inline uint##bits##_t img_get_##order##bits(const void *from) \
	{                                                                    \
		uint##bits##_t raw;                                          \
		memcpy(&raw, from, sizeof(raw));                             \
		return order##bits##toh(raw);                                \
	}                                                                    \
	static inline void img_put_##order##bits(void *to, uint##bits##_t v) \
	{                                                                    \
		const uint##bits##_t raw = hto##order##bits(v);              \
		memcpy(to, &raw, sizeof(raw));                               \
	}

IMG_BYTES_ACCESS(16, be)
IMG_BYTES_ACCESS(32, be)
IMG_BYTES_ACCESS(64, be)
IMG_BYTES_ACCESS(16, le)
IMG_BYTES_ACCESS(32, le)
IMG_BYTES_ACCESS(64, le)

#undef IMG_BYTES_ACCESS

#endif
