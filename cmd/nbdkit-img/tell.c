/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See tell.h. */
#include "common/system_error.h"
#include "nbdkit-img/nbdkit.h"
#include "nbdkit-img/tell.h"

int tell(bool ok, const struct img_err *err)
{
	if (ok)
		return 0;
	nbdkit_error("%s", err->text);
	nbdkit_set_error(system_error(err));
	return -1;
}
