/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In the place of isal.c, where ISA-L is not built in. */
#include "base/err.h"
#include "codec/isal.h"

const bool img_isal_is_built_in = false;

struct img_isal *img_isal_open(struct img_err *err)
{
	img_fail(err, IMG_E_UNSUPPORTED, _("this build has no compression \"%s\""), "ISA-L");
	return NULL;
}

size_t img_isal_deflate(struct img_isal *cx, bool zlib, const void *in, size_t n, void *out,
			size_t cap)
{
	(void)cx, (void)zlib, (void)in, (void)n, (void)out, (void)cap;
	return 0;
}

void img_isal_close(struct img_isal *cx)
{
	(void)cx;
}
