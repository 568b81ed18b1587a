/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which libimg this is: a program may run with another one than it was built with. */

#include "libimg.h"

const char *img_version(void)
{
	return PACKAGE_VERSION;
}
