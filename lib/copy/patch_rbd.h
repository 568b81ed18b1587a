/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What "rbd export-diff" writes and "rbd import-diff" reads: a line of text, then records that begin
 * with a letter.  Numbers are little-endian; nothing is summed up or counted, and only the last record
 * tells that all has come.  In version 2, which stands inside exports of whole images, each record says
 * how long it is, so that those of unknown letters can be skipped.
 */
#ifndef IMG_COPY_PATCH_RBD_H
#define IMG_COPY_PATCH_RBD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "libimg.h"

enum {
	RBD_BANNER    = 12,		/* bytes of the line */
	RBD_NAME_MOST = 1023,		/* of a snapshot */
	RBD_ZERO_MOST = 1 << 30,	/* librbd takes no 2 GiB at once */

	RBD_FROM = 'f',			/* what the disk is before */
	RBD_TO   = 't',			/* and afterwards */
	RBD_SIZE = 's',
	RBD_DATA = 'w',
	RBD_ZERO = 'z',
	RBD_END  = 'e',

	RBD_NAME_HEAD   = 1 + 4,	/* of version 1: letter and length; the name follows */
	RBD_SIZE_BYTES  = 1 + 8,
	RBD_RANGE_BYTES = 1 + 8 + 8,	/* where and how long; the bytes of 'w' follow */
};

/* Version of the stream that starts with raw[0, RBD_BANNER): 0: it is none. IMG_E_UNSUPPORTED. */
bool patch_rbd_version(const uint8_t *raw, unsigned *version, struct img_err *err) IMG_MUST_CHECK;
/* Of version 1, into that many bytes at raw. */
void patch_rbd_banner_encode(uint8_t *raw);
void patch_rbd_name_encode(uint8_t letter, size_t len, uint8_t *raw);
void patch_rbd_size_encode(uint64_t size, uint8_t *raw);
void patch_rbd_range_encode(uint8_t letter, uint64_t at, uint64_t len, uint8_t *raw);

#endif
