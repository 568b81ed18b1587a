/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parameters of the plugin, KEY=VALUE. */
#ifndef CMD_NBDKIT_IMG_SETTINGS_H
#define CMD_NBDKIT_IMG_SETTINGS_H

#include "libimg.h"

/*
 * Puts a parameter into the way an image is opened; texts belong to nbdkit.  IMG_E_ARGUMENT: there is
 * no such parameter, or it cannot have that value.
 */
bool settings_take(struct img_open *how, const char *key, const char *value, struct img_err *err)
	IMG_MUST_CHECK;
/* Wipes the keys, which the way borrows: when no image will be opened any more. */
void settings_clear(void);
/* Whether that is all that is needed. */
bool settings_check(const struct img_open *how, struct img_err *err) IMG_MUST_CHECK;

#endif
