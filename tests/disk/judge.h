/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether an image is sound, and holds what the guest may find in it.
 * Each gives NULL when all is well, else what is not; free with free().
 */
#ifndef TESTS_DISK_JUDGE_H
#define TESTS_DISK_JUDGE_H

#include "disk/layout.h"

enum judge_leaks { JUDGE_LEAKS_ALLOWED, JUDGE_NO_LEAKS };

/* The whole disk, as it is read from im. */
char *judge_content(struct img *im, const struct guest *guest, enum guest_when when);
/*
 * Every reference in the image against its reference counts; im was just opened.  Leaks allowed:
 * whoever opens it for writing would set right what lazy reference counts may have wrong.
 */
char *judge_counts(const struct img *im, enum judge_leaks leaks);
/* What qemu-img check says of files that are those of prep, where there is a qemu-img. */
char *judge_by_qemu(const struct prepared *prep, uint8_t *const *bytes, const uint64_t *lens);

#endif
