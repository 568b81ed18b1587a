/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The failure that every allocation of a command can have. */
#ifndef CMD_MEMORY_H
#define CMD_MEMORY_H

#include "common/text.h"
#include "libimg.h"

/* IMG_E_NOMEM; returns false. */
static inline bool out_of_memory(struct img_err *err)
{
	return img_fail(err, IMG_E_NOMEM, _("out of memory"));
}

#endif
