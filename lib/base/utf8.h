/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Characters of texts that may come from anywhere. */
#ifndef IMG_BASE_UTF8_H
#define IMG_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMG_UTF8_INVALID 0xfffd

/*
 * The character at the start of text (not NUL) and the bytes it takes.  One byte that starts no
 * valid sequence (overlong, surrogate, cut short) counts as IMG_UTF8_INVALID.
 */
size_t img_utf8_next(const char *text, uint32_t *code);
/* Columns that it takes in a terminal; combining marks are counted as one. */
unsigned img_utf8_columns(uint32_t code);

static inline bool img_utf8_is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

#endif
