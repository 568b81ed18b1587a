/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The key of encrypted images in tests. */
#ifndef TESTS_UNIT_FAKE_KEY_H
#define TESTS_UNIT_FAKE_KEY_H

#include "libimg.h"

#define FAKE_KEY "imgtools"

/* FAKE_KEY, for the whole life of the program. */
const struct img_secret *fake_key(void);
const struct img_keys *fake_keys(void);
/* The options, which may be NULL, and what makes an encrypted image of that format in no time. */
const char *fake_hasty(const char *format, const char *options, char *text, size_t cap);

#endif
