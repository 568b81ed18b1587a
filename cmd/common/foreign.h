/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of formats that nothing here reads, which are taken for raw disks. */
#ifndef CMD_FOREIGN_H
#define CMD_FOREIGN_H

#include <stddef.h>
#include <stdint.h>

enum { FOOTER_LEN = 512 };

/*
 * The name of the format that a file is of, by its first and its last len bytes, FOOTER_LEN at most;
 * NULL: none that is known.
 */
const char *foreign_format(const uint8_t *head, const uint8_t *footer, size_t len);

#endif
