/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory_disk.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

struct img *memory_disk(const void *bytes, size_t len)
{
	const int fd = memfd_create("disk", MFD_CLOEXEC);
	char path[40];
	const struct img_open how = { .path = path, .format = "raw" };
	struct img_err err = { 0 };
	struct img *im;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	cr_assert(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	im = img_open(&how, &err);
	cr_assert(im, "%s", err.text);
	close(fd);
	return im;
}

void put_little(uint8_t *p, uint64_t value, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(value >> 8 * i);
}

void put_big(uint8_t *p, uint64_t value, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(value >> 8 * (n - 1 - i));
}

struct free_place memory_place(struct img *im, struct free_space *space, struct img_err *err)
{
	*space = (struct free_space){ .n = 0 };
	return (struct free_place){ .im = im, .len = img_size(im), .space = space, .err = err };
}
