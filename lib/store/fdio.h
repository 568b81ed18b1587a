/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Positional reading and writing of a file descriptor, whole or not at all. */
#ifndef IMG_STORE_FDIO_H
#define IMG_STORE_FDIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Number of bytes read at `at`, less than len only at the end of the file, or -1 and errno.
 * block: what direct I/O reads at once, 1 for others.  A read that stops inside of a block met the
 * end; going on from there would be an unaligned request.
 */
ssize_t img_fd_read_at(int fd, uint64_t at, void *buf, size_t len, uint32_t block);
/* Writes all of len, or returns false and errno; a part may then be written.  Any thread. */
bool img_fd_write_at(int fd, uint64_t at, const void *buf, size_t len);
/* fallocate() that goes on after a signal.  Returns false and errno. */
bool img_fd_allocate(int fd, int mode, uint64_t at, uint64_t len);
/* ftruncate() that goes on after a signal.  Returns false and errno. */
bool img_fd_truncate(int fd, uint64_t bytes);
/* Whether errno says that the system has no such call for this file. */
bool img_fd_unsupported(int os_errno);

#endif
