/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Judging images. */
#include "disk/judge.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/num.h"

#define PIECE (64 * 1024)

char *judge_content(struct img *im, const struct guest *guest, enum guest_when when)
{
	static uint8_t buf[PIECE];
	struct img_err err = { 0 };
	uint64_t wrong;

	if (img_size(im) != guest->size)
		return img_format_text(NULL, "the disk has %" PRIu64 " bytes", img_size(im));
	for (uint64_t at = 0; at < guest->size; at += PIECE) {
		const size_t len = img_min_u64(PIECE, guest->size - at);

		if (!img_read(im, at, buf, len, &err))
			return strdup(err.text);
		if (!guest_allows(guest, when, at, buf, len, &wrong))
			return guest_complaint(guest, when, wrong, buf + (wrong - at));
	}
	return NULL;
}
