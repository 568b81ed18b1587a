/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A LUKS image that is being made: what create.c decides and write.c fills. */
#ifndef LUKS_NEW_H
#define LUKS_NEW_H

#include "format/luks/luks.h"

struct luks_new {
	enum img_preallocation preallocation;
	uint64_t written;		/* guest bytes below this are */
};

#endif
