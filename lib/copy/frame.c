/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How long a compressed unit may get, and what a format puts around it. */
#include <string.h>
#include "base/num.h"
#include "copy/copy.h"

size_t img_encoded_max(const struct img_framing *framing, uint32_t unit)
{
	/* Codecs add a few bytes to each block of what they cannot make smaller. */
	return framing->always ? unit + unit / 64 + 512 : unit - 1;
}

size_t img_framed_len(const struct img_framing *framing, size_t encoded)
{
	const size_t len = framing->head + encoded;

	return framing->align ? img_round_up(len, framing->align) : len;
}

size_t img_framed_max(const struct img_framing *framing, uint32_t unit)
{
	return img_framed_len(framing, img_encoded_max(framing, unit));
}

uint32_t img_frame(const struct img_framing *framing, uint64_t at, uint8_t *out, size_t encoded)
{
	const size_t end = framing->head + encoded, len = img_framed_len(framing, encoded);

	if (framing->fill)
		framing->fill(at, (uint32_t)encoded, out);
	memset(out + end, 0, len - end);
	return (uint32_t)len;
}
