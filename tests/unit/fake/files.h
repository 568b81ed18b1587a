/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small files in a folder of their own, for tests that open images by name. */
#ifndef TESTS_UNIT_FAKE_FILES_H
#define TESTS_UNIT_FAKE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Criterion's init and fini: a new empty folder is the current one; it goes with all it holds. */
void files_enter(void);
void files_leave(void);

void files_write(const char *path, const void *bytes, size_t len);
/* The whole file with *len bytes, or NULL.  Free with free(). */
uint8_t *files_read(const char *path, size_t *len);
bool files_exist(const char *path);
/* Number of files in the current folder. */
size_t files_count(void);

#define FILES_QCOW2_SIZE (1024 * 1024)
#define FILES_QCOW2_CLUSTER 65536
/*
 * A version 2 image of FILES_QCOW2_SIZE bytes whose first cluster is full of `fill` (0: a hole).
 * backing and format may be NULL.
 */
void files_write_qcow2(const char *path, const char *backing, const char *format, uint8_t fill);

#endif
