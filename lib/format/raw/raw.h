/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the guest of a raw image has written about the disk that it was on. */
#ifndef IMG_FORMAT_RAW_RAW_H
#define IMG_FORMAT_RAW_RAW_H

#include "format/format.h"

/* A GUID partition table (UEFI 2.10, §5.3): a header in front, and its copy in the last sector. */
struct raw_gpt {
	uint64_t end;			/* of the disk, in bytes; 0: there is no such table */
	uint32_t sector;		/* bytes */
	bool first, second;		/* which of the headers are in their places, and right */
};

/* st can seek.  Errors: those of reading. */
bool raw_gpt_read(struct img_store *st, struct raw_gpt *out, struct img_err *err) IMG_MUST_CHECK;

extern const struct img_check_ops raw_check_ops;

#endif
