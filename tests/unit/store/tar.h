/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Archives that tests make of a few bytes. */
#ifndef TEST_STORE_TAR_H
#define TEST_STORE_TAR_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { TAR_BLOCK = 512 };

/* A header of tar for len bytes; kind: as in ustar. */
static inline void put_header(uint8_t *raw, const char *name, size_t len, char kind)
{
	unsigned sum = 0;

	memset(raw, 0, TAR_BLOCK);
	strcpy((char *)raw, name);
	strcpy((char *)raw + 100, "0000644");
	sprintf((char *)raw + 124, "%011zo", len);
	sprintf((char *)raw + 136, "%011o", 0u);
	memset(raw + 148, ' ', 8);
	raw[156] = (uint8_t)kind;
	if (kind == '2')
		strcpy((char *)raw + 157, "/etc/passwd");
	memcpy(raw + 257, "ustar\00000", 8);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += raw[i];
	sprintf((char *)raw + 148, "%06o", sum);
}

#endif
