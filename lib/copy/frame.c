/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How long a compressed unit may get, and what a format puts around it. */
#include <string.h>
#include "base/num.h"
#include "copy/copy.h"

size_t img_encoded_max(const struct img_work *work)
{
	/* Codecs add a few bytes to each block of what they cannot make smaller. */
	return work->framing.always ? work->unit + work->unit / 64 + 512 : work->unit - 1;
}

size_t img_framed_len(const struct img_framing *framing, size_t encoded)
{
	const size_t len = framing->head + encoded;

	return framing->align ? img_round_up(len, framing->align) : len;
}

uint32_t img_frame(const struct img_framing *framing, uint64_t at, uint8_t *out, size_t encoded)
{
	const size_t end = framing->head + encoded, len = img_framed_len(framing, encoded);

	if (framing->fill)
		framing->fill(at, (uint32_t)encoded, out);
	memset(out + end, 0, len - end);
	return (uint32_t)len;
}
