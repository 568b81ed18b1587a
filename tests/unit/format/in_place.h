/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing to an open layer, and looking at what it holds then; failures end the test. */
#ifndef TESTS_FORMAT_IN_PLACE_H
#define TESTS_FORMAT_IN_PLACE_H

#include "format/format.h"

/* What lies below: '#' everywhere, for the layer to read. */
extern const struct img_below in_place_below;

/* len bytes c, at most 64 KiB. */
void in_place_write(struct img_layer *ly, uint64_t at, size_t len, char c);
void in_place_zero(struct img_layer *ly, uint64_t at, size_t len);
void in_place_flush(struct img_layer *ly);
/* The byte at `at`; '0': it is a zero; 'z': the layer says so without it; '.': it is not here. */
char in_place_seen(struct img_layer *ly, uint64_t at);
/*
 * Two writers want different bytes of a unit that is not here yet: the second comes while the first
 * reads what is below, and has to wait.  at: where the unit begins, of 512 bytes or more.
 */
void in_place_meet(struct img_layer *ly, uint64_t at);

#endif
