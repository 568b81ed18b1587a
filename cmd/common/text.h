/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Marks for texts that are to be translated; N_() where the text is only kept, not yet shown. */
#ifndef CMD_TEXT_H
#define CMD_TEXT_H

#include <libintl.h>

#define CMD_TEXT_DOMAIN "imgtools"
#define _(text) gettext(text)
#define N_(text) (text)

#endif
