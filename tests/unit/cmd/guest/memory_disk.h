/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk that a test fills byte by byte. */
#ifndef TESTS_UNIT_CMD_MEMORY_DISK_H
#define TESTS_UNIT_CMD_MEMORY_DISK_H

#include "guest/free_readers.h"

/* A raw disk of len bytes.  Close with img_close(). */
struct img *memory_disk(const void *bytes, size_t len);
/* n bytes at p, the lowest first, or the highest. */
void put_little(uint8_t *p, uint64_t value, size_t n);
void put_big(uint8_t *p, uint64_t value, size_t n);
/* A file system that fills a disk, to be read; space->spans is for free(). */
struct free_place memory_place(struct img *im, struct free_space *space, struct img_err *err);

#endif
