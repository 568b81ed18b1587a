/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of undo files share: an image, and the changes that it goes through. */
#ifndef TEST_STORE_UNDO_IMAGE_H
#define TEST_STORE_UNDO_IMAGE_H

#include "scratch.h"
#include "store/undo.h"

enum { IMAGE_MAX = 1 << 18 };

/* len bytes, every third block of which is zero. */
static inline void fill_image(uint8_t *bytes, size_t len)
{
	fill_pattern(bytes, 0, len);
	for (size_t at = UNDO_BLOCK; at < len; at += 3 * UNDO_BLOCK)
		memset(bytes + at, 0, len - at < UNDO_BLOCK ? len - at : UNDO_BLOCK);
}

static inline struct img_store *mem_image(size_t len)
{
	static uint8_t bytes[IMAGE_MAX];
	struct img_store *st;

	fill_image(bytes, len);
	ok(st = img_store_mem(bytes, len, &err));
	return st;
}

static inline size_t size_of(struct img_store *st)
{
	uint64_t size;

	ok(img_store_size(st, &size, &err));
	return size;
}

/* Whether st holds len bytes as they were. */
static inline bool is_image(struct img_store *st, size_t len)
{
	static uint8_t bytes[IMAGE_MAX], now[IMAGE_MAX];

	if (size_of(st) != len)
		return false;
	fill_image(bytes, len);
	ok(img_store_read(st, 0, now, len, &err));
	return !memcmp(bytes, now, len);
}

/* One change, by chance; lengths of 0 to twice len. */
static inline bool change(struct img_store *st, size_t len, struct img_err *why)
{
	static uint8_t noise[5 * UNDO_BLOCK];
	const size_t at = (size_t)random() % (len + UNDO_BLOCK);
	const size_t n = 1 + (size_t)random() % (random() % 2 ? 64 : sizeof(noise));

	for (size_t i = 0; i < n; i++)
		noise[i] = (uint8_t)random();
	switch (random() % 8) {
	case 0:
		return img_store_resize(st, (size_t)random() % (2 * len + 1), why);
	case 1: case 2:
		return img_store_zero(st, at, n, random() % 2, why);
	default:
		return img_store_write(st, at, noise, n, why);
	}
}

/* Up to `steps` changes; stops at the first that fails. */
static inline bool change_much(struct img_store *st, size_t len, int steps, struct img_err *why)
{
	for (int i = 0; i < steps; i++)
		if (!change(st, len, why))
			return false;
	return true;
}

#endif
