/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Headers in memory, made quickly, for the tests of either version. */
#ifndef TESTS_UNIT_CIPHER_HEADERS_H
#define TESTS_UNIT_CIPHER_HEADERS_H

#include <criterion/criterion.h>
#include <string.h>
#include "base/secret.h"
#include "cipher/luks_header.h"
#include "store/store.h"

enum { AT = 4096 };	/* headers need not stand at the start */

static inline struct img_secret *secret(const char *text)
{
	struct img_err err = { 0 };
	struct img_secret *s = img_secret_zeros(strlen(text), &err);

	cr_assert(s, "%s", err.text);
	memcpy(img_secret_bytes(s), text, strlen(text));
	return s;
}

static inline struct img_store *new_store(void)
{
	struct img_err err = { 0 };
	struct img_store *st = img_store_mem(NULL, 0, &err);

	cr_assert(st, "%s", err.text);
	return st;
}

/* With the passphrase "one"; the rest of *what is the caller's. */
static inline struct img_luks_volume format(struct img_store *st, struct img_luks_new what)
{
	IMG_AUTO_SECRET struct img_secret *one = secret("one");
	struct img_luks_volume volume;
	struct img_err err = { 0 };
	uint64_t len;

	what.key = one;
	what.iterations = what.iterations ? what.iterations : 4;
	cr_assert(img_luks_format(st, AT, &what, &volume, &len, &err), "%s", err.text);
	return volume;
}

/* Whether the passphrase opens it; otherwise the error. */
static inline bool opens(struct img_store *st, const char *text, struct img_luks_volume *volume,
		  struct img_err *err)
{
	IMG_AUTO_SECRET struct img_secret *one = secret(text);
	const struct img_secret *const list[] = { one };
	const struct img_keys keys = { list, 1 };

	return img_luks_unlock(st, AT, 0, &keys, volume, err);
}

static inline void expect_opens(struct img_store *st, const char *text)
{
	struct img_luks_volume volume;
	struct img_err err = { 0 };

	cr_assert(opens(st, text, &volume, &err), "%s: %s", text, err.text);
	img_luks_volume_close(&volume);
}

static inline void expect_refuses(struct img_store *st, const char *text, enum img_code code)
{
	struct img_luks_volume volume;
	struct img_err err = { 0 };

	cr_assert_not(opens(st, text, &volume, &err), "%s", text);
	cr_assert_eq(err.code, code, "%s: %s", text, err.text);
}

static inline struct img_luks *open_header(struct img_store *st)
{
	struct img_err err = { 0 };
	struct img_luks *lk = img_luks_open(st, AT, 0, &err);

	cr_assert(lk, "%s", err.text);
	return lk;
}

static inline uint32_t add(struct img_store *st, const char *with, const char *text)
{
	const struct img_kdf kdf = { .name = "pbkdf2", .hash = "sha256", .iterations = 5 };
	IMG_AUTO_SECRET struct img_secret *old = secret(with), *new = secret(text), *key = NULL;
	uint32_t from = IMG_LUKS_ANY, slot = IMG_LUKS_ANY;
	struct img_luks *lk = open_header(st);
	struct img_err err = { 0 };

	key = img_luks_try(lk, old, &from, &err);
	cr_assert(key, "%s", err.text);
	cr_assert(img_luks_add(lk, key, new, &kdf, &slot, &err), "%s", err.text);
	img_luks_close(lk);
	return slot;
}

static inline void take_away(struct img_store *st, uint32_t slot)
{
	struct img_luks *lk = open_header(st);
	struct img_err err = { 0 };

	cr_assert(img_luks_remove(lk, slot, &err), "%s", err.text);
	img_luks_close(lk);
}

static inline void put_byte(struct img_store *st, uint64_t at, uint8_t byte)
{
	struct img_err err = { 0 };

	cr_assert(img_store_write(st, AT + at, &byte, 1, &err), "%s", err.text);
}

#endif
