/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What writes put on the disk.  Made up, cheaply, from where it lies and which request wrote it, so
 * that no sector equals another and whoever reads it back knows whose it is.
 */
#ifndef CMD_IMGBENCH_CONTENT_H
#define CMD_IMGBENCH_CONTENT_H

#include "imgbench/request.h"

/*
 * The bytes [at, at + len) of a disk after the write r, which is request `number` of its load; the
 * range lies inside r, in whole sectors.  The same for the same arguments, for ever.
 */
void content_fill(uint64_t seed, uint32_t number, const struct request *r, uint64_t at,
		  uint32_t len, uint8_t *buf);

#endif
