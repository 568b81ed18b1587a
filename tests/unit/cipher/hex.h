/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes as published vectors print them. */
#ifndef TESTS_UNIT_CIPHER_HEX_H
#define TESTS_UNIT_CIPHER_HEX_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* Fills out, which has room; returns the number of bytes. */
static inline size_t from_hex(const char *hex, uint8_t *out)
{
	const size_t len = strlen(hex) / 2;

	for (size_t i = 0; i < len; i++) {
		unsigned byte;

		cr_assert_eq(sscanf(hex + 2 * i, "%2x", &byte), 1);
		out[i] = (uint8_t)byte;
	}
	return len;
}

/* bytes[0, strlen(hex) / 2) */
static inline void expect_hex(const uint8_t *bytes, const char *hex, const char *what)
{
	uint8_t expected[512];
	const size_t len = from_hex(hex, expected);

	cr_assert_arr_eq(bytes, expected, len, "%s", what);
}

#endif
