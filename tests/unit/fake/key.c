/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See key.h. */
#include "unit/fake/key.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct img_secret *key;
static struct img_keys keys = { .v = (const struct img_secret *const *)&key, .n = 1 };

__attribute__((constructor)) static void make(void)
{
	key = img_secret_new(sizeof(FAKE_KEY), NULL);
	memcpy(img_secret_bytes(key), FAKE_KEY, sizeof(FAKE_KEY) - 1);
	img_secret_set_len(key, sizeof(FAKE_KEY) - 1);
}

__attribute__((destructor)) static void forget(void)
{
	img_secret_free(key);
}

const struct img_secret *fake_key(void)
{
	return key;
}

const struct img_keys *fake_keys(void)
{
	return &keys;
}

const char *fake_hasty(const char *format, const char *options, char *text, size_t cap)
{
	const char *given = options ? options : "";
	const bool outside = !strcmp(format, "luks"), inside = strstr(given, "encrypt.format=luks");
	const bool adds = (outside || inside) && !strstr(given, "iter-time");
	const int len = snprintf(text, cap, "%s%s%s%s", given, adds && options ? "," : "",
				 adds && inside ? "encrypt." : "", adds ? "iter-time=1" : "");

	cr_assert(len >= 0 && (size_t)len < cap);
	return *text ? text : NULL;
}
