/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See random.h. */
#include "base/random.h"

#include <sys/random.h>
#include "base/err.h"

bool img_random(void *bytes, size_t len, struct img_err *err)
{
	uint8_t *to = bytes;

	while (len) {
		const ssize_t n = getrandom(to, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return img_fail_os(err, _("no random numbers can be had"));
		to += n;
		len -= (size_t)n;
	}
	return true;
}
