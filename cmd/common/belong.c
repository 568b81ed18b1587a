/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See belong.h. */
#include "common/belong.h"

#include <string.h>
#include "common/text.h"

bool belong_check(const struct belonging *all, size_t n, const char *verb, struct img_err *err)
{
	char word[32];

	snprintf(word, sizeof(word), " %s ", verb);
	for (size_t i = 0; i < n; i++) {
		if (all[i].given && !strstr(all[i].verbs, word))
			return img_fail(err, IMG_E_ARGUMENT, _("\"%s\" does not belong to \"%s\""),
					all[i].option, verb);
	}
	return true;
}
