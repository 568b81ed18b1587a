/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands in front of each member of a tar archive (POSIX ustar). */
#ifndef IMG_OVF_TAR_H
#define IMG_OVF_TAR_H

#include "libimg.h"

enum {
	TAR_BLOCK = 512,
	TAR_NAME_MOST = 100,	/* bytes; what is longer would have to be split at a slash */
	TAR_END_BLOCKS = 2,	/* of zeros, behind the last member */
};

/*
 * Header of a file with owner 0 and mode 0644.  More than 8 GiB are written as GNU tar and all its
 * readers have it, in binary.  name has TAR_NAME_MOST bytes at most; time: seconds since 1970, not less.
 */
void tar_header(const char *name, uint64_t size, uint64_t time, uint8_t out[TAR_BLOCK]);

#endif
