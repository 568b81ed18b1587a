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

#endif
