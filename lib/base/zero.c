/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The search for zeros in data. */
#include "base/zero.h"

#include <assert.h>
#include <string.h>
#include "base/num.h"

/* Bytes looked at one by one; most data shows here that it is not zero. */
#define LEAD 16

bool img_is_zero(const void *buf, size_t len)
{
	const unsigned char *bytes = buf;

	for (size_t i = 0; i < LEAD; i++) {
		if (i == len)
			return true;
		if (bytes[i])
			return false;
	}
	/*
	 * The rest equals what lies LEAD bytes before it, hence all is zero.  The C library's
	 * memcmp() knows the widest registers of the machine: no loop written here was faster.
	 */
	return memcmp(bytes, bytes + LEAD, len - LEAD) == 0;
}

size_t img_zero_run(const void *buf, size_t len, size_t grain, bool *zero)
{
	const unsigned char *bytes = buf;
	size_t run = img_min_u64(grain, len);

	assert(len > 0 && grain > 0);
	*zero = img_is_zero(bytes, run);
	while (run < len) {
		const size_t next = img_min_u64(grain, len - run);

		if (img_is_zero(bytes + run, next) != *zero)
			break;
		run += next;
	}
	return run;
}
