/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See size.h.  Integers only: a double cannot hold every size. */
#include <inttypes.h>
#include <stdio.h>
#include "common/size.h"

const char *size_text(uint64_t bytes, char text[SIZE_TEXT_BYTES])
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned power = 0;
	uint64_t tenths;

	while (power < 6 && bytes >> (10 * (power + 1)))
		power++;
	if (!power) {
		snprintf(text, SIZE_TEXT_BYTES, "%" PRIu64 " B", bytes);
		return text;
	}
	tenths = (uint64_t)((unsigned __int128)bytes * 10 >> (10 * power));
	if (tenths >= 1000 || !(tenths % 10))
		snprintf(text, SIZE_TEXT_BYTES, "%" PRIu64 " %s", tenths / 10, names[power]);
	else
		snprintf(text, SIZE_TEXT_BYTES, "%" PRIu64 ".%u %s", tenths / 10,
			 (unsigned)(tenths % 10), names[power]);
	return text;
}
