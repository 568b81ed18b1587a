/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See system_error.h. */
#include <errno.h>
#include "common/system_error.h"

int system_error(const struct img_err *err)
{
	switch (err->code) {
	case IMG_E_NOSPACE:
		return ENOSPC;
	case IMG_E_NOMEM:
		return ENOMEM;
	case IMG_E_ARGUMENT:
	case IMG_E_RANGE:
		return EINVAL;
	case IMG_E_UNSUPPORTED:
		return ENOTSUP;
	case IMG_E_DENIED:
		return EPERM;
	case IMG_E_BUSY:
		return EBUSY;
	default:
		return EIO;
	}
}
