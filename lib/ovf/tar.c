/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See tar.h. */
#include "ovf/tar.h"

#include <assert.h>
#include <string.h>

/* Fields of a header: where they begin, and their bytes. */
enum {
	NAME = 0,
	MODE = 100, UID = 108, GID = 116, ID_LEN = 8,
	SIZE = 124, SIZE_LEN = 12,
	TIME = 136, TIME_LEN = 12,
	SUM = 148, SUM_LEN = 8,
	TYPE = 156,
	MAGIC = 257, MAGIC_LEN = 8,
};

/* Octal digits and a NUL. */
static void put_octal(uint8_t *field, size_t len, uint64_t value)
{
	field[--len] = '\0';
	while (len--) {
		field[len] = (uint8_t)('0' + (value & 7));
		value >>= 3;
	}
}

/* The first bit says that the others are a binary number. */
static void put_binary(uint8_t *field, size_t len, uint64_t value)
{
	while (len--) {
		field[len] = (uint8_t)value;
		value >>= 8;
	}
	field[0] |= 0x80;
}

static void put_number(uint8_t *field, size_t len, uint64_t value)
{
	if (value >> (3 * (len - 1)))
		put_binary(field, len, value);
	else
		put_octal(field, len, value);
}

void tar_header(const char *name, uint64_t size, uint64_t time, uint8_t out[TAR_BLOCK])
{
	unsigned sum = 0;

	assert(strlen(name) <= TAR_NAME_MOST);
	memset(out, 0, TAR_BLOCK);
	memcpy(out + NAME, name, strlen(name));
	put_octal(out + MODE, ID_LEN, 0644);
	put_octal(out + UID, ID_LEN, 0);
	put_octal(out + GID, ID_LEN, 0);
	put_number(out + SIZE, SIZE_LEN, size);
	put_number(out + TIME, TIME_LEN, time);
	out[TYPE] = '0';
	memcpy(out + MAGIC, "ustar\0" "00", MAGIC_LEN);
	/* The sum counts its own field as blanks. */
	memset(out + SUM, ' ', SUM_LEN);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += out[i];
	put_octal(out + SUM, SUM_LEN - 1, sum);
}
