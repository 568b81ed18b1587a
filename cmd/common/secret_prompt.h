/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys that somebody types in: standard input is a terminal, and shows nothing of them. */
#ifndef CMD_SECRET_PROMPT_H
#define CMD_SECRET_PROMPT_H

#include "libimg.h"

/*
 * Asks for the key of the image at path (NULL: not known), up to the end of the line.  IMG_E_KEY:
 * nothing was typed, or too much; IMG_E_CANCELLED.
 */
struct img_secret *secret_prompt(const char *path, struct img_err *err);
/* The same of a key that is new there: twice, and both must be the same (IMG_E_KEY). */
struct img_secret *secret_prompt_new(const char *path, struct img_err *err);

#endif
