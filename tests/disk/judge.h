/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether an image holds what the guest may find in it. */
#ifndef TESTS_DISK_JUDGE_H
#define TESTS_DISK_JUDGE_H

#include "disk/layout.h"

/* NULL when the whole disk reads as it may, else what is wrong; free with free(). */
char *judge_content(struct img *im, const struct guest *guest, enum guest_when when);

#endif
