/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See room.h. */
#include <inttypes.h>
#include "common/room.h"
#include "common/text.h"

/* Bytes of the image; false: that cannot be told, and whoever copies will say why. */
static bool measure(const struct room_question *q, bool read, struct img_measured *out)
{
	const struct img_measure what = {
		.src = q->src, .target = q->target, .zero_grain = q->zero_grain, .read = read,
	};
	struct img_err why = { 0 };

	return img_measure_run(&what, NULL, out, &why) && out->exactness != IMG_ESTIMATED;
}

bool room_suffices(void *question, uint64_t room, struct img_err *err)
{
	const struct room_question *q = question;
	const struct img_create *target = q->target;
	struct img_measured size;

	if (target->compressed || target->dedup || target->backing || target->encrypted ||
	    !measure(q, false, &size) || size.length <= room)
		return true;
	if (size.exactness == IMG_AT_MOST && (!measure(q, true, &size) || size.length <= room))
		return true;
	img_fail(err, IMG_E_RANGE, _("has room for %" PRIu64 " bytes, %" PRIu64 " are needed"), room,
		 size.length);
	return img_within(err, "%s", target->path);
}
