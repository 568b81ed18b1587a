/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inside view of struct img_err, and the marks for texts that are to be translated. */
#ifndef IMG_BASE_ERR_H
#define IMG_BASE_ERR_H

#include <errno.h>
#include <libintl.h>
#include "libimg.h"

#define IMG_TEXT_DOMAIN "imgtools"
#define _(text) dgettext(IMG_TEXT_DOMAIN, text)
#define N_(text) (text)

/* IMG_E_NOMEM with the number of bytes that could not be had. */
bool img_fail_nomem(struct img_err *err, size_t bytes);
/* The class that an errno belongs to. */
enum img_code img_code_of_errno(int os_errno);

/* Whether the failure is that of the image, and no matter of this machine or this library. */
static inline bool img_code_is_damage(enum img_code code)
{
	return code == IMG_E_NOT_THIS_FORMAT || code == IMG_E_CORRUPT ||
	       code == IMG_E_INCOMPLETE || code == IMG_E_RANGE;
}

#endif
