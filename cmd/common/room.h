/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a new image fits on a device or behind a server, before anything is written there. */
#ifndef CMD_ROOM_H
#define CMD_ROOM_H

#include "libimg-measure.h"

struct room_question {
	const struct img_create *target;
	struct img *src;	/* whose disk it will hold; NULL: none, target->size bytes of nothing */
	uint32_t zero_grain;	/* as in struct img_copy */
};

/*
 * For struct img_create; question: a struct room_question.  Data are read only if the map alone
 * says that it does not fit.  Where the size depends on how data compress, on another image or on a
 * key, nobody knows beforehand: true.  IMG_E_RANGE: it does not fit.
 */
bool room_suffices(void *question, uint64_t room, struct img_err *err);

#endif
