/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See tell.h. */
#include <errno.h>
#include "nbdkit-img/nbdkit.h"
#include "nbdkit-img/tell.h"

int tell_errno(const struct img_err *err)
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
	default:
		return EIO;
	}
}

int tell(bool ok, const struct img_err *err)
{
	if (ok)
		return 0;
	nbdkit_error("%s", err->text);
	nbdkit_set_error(tell_errno(err));
	return -1;
}
