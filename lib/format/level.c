/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See level.h. */
#include "format/level.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

enum { DIGITS_MAX = 3 };	/* more than any codec's highest level has */

/* The number that text is; -1: none. */
static int number_of(const char *text)
{
	const size_t len = strlen(text);

	if (!len || len > DIGITS_MAX || strspn(text, "0123456789") != len)
		return -1;
	return (int)strtoul(text, NULL, 10);
}

bool img_settings_level(const struct img_settings *set, const struct img_codec *codec, int usual,
			int *level, struct img_err *err)
{
	return img_level_of(img_settings_text(set, "compression_level"), codec, usual, level, err);
}

bool img_level_of(const char *text, const struct img_codec *codec, int usual, int *level,
		  struct img_err *err)
{
	const int wish = !text || !strcmp(text, "fastest") ? codec->level_min
		       : !strcmp(text, "best") ? codec->level_max
					       : number_of(text);

	if (wish < codec->level_min || wish > codec->level_max)
		return img_fail(err, IMG_E_ARGUMENT, _("compression_level must be %d to %d here, "
				"fastest or best"), codec->level_min, codec->level_max);
	*level = text ? wish : usual;
	return true;
}
