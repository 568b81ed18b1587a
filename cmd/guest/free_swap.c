/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Swap space of Linux: of a system that was shut down nothing is needed but its header.  (One that
 * sleeps has another signature, and then libblkid gives it another name.)
 */
#include "guest/free_readers.h"

/* The header takes a page; no kernel has larger ones. */
static const uint64_t header_len = 64 << 10;

bool free_read_swap(struct free_place *place, struct img_err *err)
{
	return place->len <= header_len ||
	       free_place_add(place, header_len, place->len - header_len, err);
}
