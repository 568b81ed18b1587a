/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The option "compression_level" of the formats that have it. */
#ifndef IMG_FORMAT_LEVEL_H
#define IMG_FORMAT_LEVEL_H

#include "format/format.h"

/*
 * What it says of codec: a number in its range, "fastest" or "best"; usual: when it is not given.
 * IMG_E_ARGUMENT.
 */
bool img_settings_level(const struct img_settings *set, const struct img_codec *codec, int usual,
			int *level, struct img_err *err) IMG_MUST_CHECK;
/* The same of a text, NULL: it is not given. */
bool img_level_of(const char *text, const struct img_codec *codec, int usual, int *level,
		  struct img_err *err) IMG_MUST_CHECK;

#endif
