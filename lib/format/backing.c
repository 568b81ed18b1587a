/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a new image stands on, for formats that have no place to say the format of that. */
#include <string.h>
#include "base/err.h"
#include "format/format.h"

bool img_backing_probe(const struct img_layer_create *what, const struct img_format **seen,
		       struct img_err *err)
{
	const struct img_reference ref = {
		.kind = IMG_REF_BACKING, .name = what->backing, .format = what->backing_format,
	};
	uint8_t head[IMG_PEEK_BYTES];
	struct img_peek pk = { .head = head, .size = IMG_SIZE_UNKNOWN };
	struct img_store *st;
	bool ok;

	if (!what->opener->open(what->opener, &ref, &st, err))
		return false;
	ok = img_store_read_some(st, 0, head, sizeof(head), &pk.head_len, err);
	img_store_close(st);
	if (ok)
		img_probe(&pk, seen);
	return ok;
}

bool img_backing_check_probed(const struct img_layer_create *what, struct img_err *err)
{
	const struct img_format *seen;

	if (!what->backing_format)
		return true;
	if (!img_backing_probe(what, &seen, err))
		return false;
	return !strcmp(seen->name, what->backing_format) ||
	       img_fail(err, IMG_E_ARGUMENT, _("\"%s\" looks like a %s image, and the image has no "
			"place to say that it is to be read as %s"), what->backing, seen->name,
			what->backing_format);
}
