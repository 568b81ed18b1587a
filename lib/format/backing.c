/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a new image stands on, for formats that have no place to say the format of that. */
#include <string.h>
#include "base/err.h"
#include "format/format.h"

static bool probe_store(struct img_store *st, const struct img_format **seen, struct img_err *err)
{
	uint8_t head[IMG_PEEK_BYTES];
	struct img_peek pk = { .head = head, .size = IMG_SIZE_UNKNOWN };

	if (!img_store_read_some(st, 0, head, sizeof(head), &pk.head_len, err))
		return false;
	img_probe(&pk, seen);
	return true;
}

static bool check_seen(const struct img_format *seen, const char *backing, const char *format,
		       struct img_err *err)
{
	return !strcmp(seen->name, format) ||
	       img_fail(err, IMG_E_ARGUMENT, _("\"%s\" looks like a %s image, and the image has no "
			"place to say that it is to be read as %s"), backing, seen->name, format);
}

bool img_backing_probe(const struct img_layer_create *what, const struct img_format **seen,
		       struct img_err *err)
{
	const struct img_reference ref = {
		.kind = IMG_REF_BACKING, .name = what->backing, .format = what->backing_format,
	};
	struct img_store *st;
	bool ok;

	if (!what->opener->open(what->opener, &ref, &st, err))
		return false;
	ok = probe_store(st, seen, err);
	img_store_close(st);
	return ok;
}

bool img_backing_check_probed(const struct img_layer_create *what, struct img_err *err)
{
	const struct img_format *seen;

	if (!what->backing_format)
		return true;
	return img_backing_probe(what, &seen, err) &&
	       check_seen(seen, what->backing, what->backing_format, err);
}

bool img_backing_check_linked(const struct img_layer_link *to, struct img_err *err)
{
	const struct img_format *seen;

	if (!to->below || !to->backing_format)
		return true;
	return probe_store(to->below->store, &seen, err) &&
	       check_seen(seen, to->backing, to->backing_format, err);
}
