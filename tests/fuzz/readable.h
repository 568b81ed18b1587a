/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much of a damaged disk can be read, to tell whether a repair loses any of it.
 */
#ifndef TESTS_FUZZ_READABLE_H
#define TESTS_FUZZ_READABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/format.h"

enum { READABLE_SECTOR = 512, READABLE_SECTORS = 1 << 13 };

/* The first sectors of a disk. */
struct readable {
	size_t n;			/* sectors, READABLE_SECTORS at most */
	uint8_t *bytes;			/* of all of them; owned */
	bool *known;			/* those that can be read; owned */
	uint64_t *host;			/* where in the file they lie, or IMG_NOWHERE; owned */
};

/* Reads the disk of the image in file, which stays the caller's; n is 0: it has none. */
void readable_take(struct readable *to, struct img_store *file, const struct img_format *format);
void readable_free(struct readable *readable);
/* The first sector from `from` on that was known and is not, or has other bytes; n: none. */
size_t readable_differs(const struct readable *before, const struct readable *after, size_t from);

#endif
