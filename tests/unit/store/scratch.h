/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of stores share: a folder of their own, and checks that show the error. */
#ifndef TEST_STORE_SCRATCH_H
#define TEST_STORE_SCRATCH_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/err.h"
#include "base/mem.h"
#include "store/store.h"

static struct img_err err __attribute__((unused));
static char scratch[64] __attribute__((unused));

/* A folder on a real disk, which is then the current one. */
static inline void scratch_enter(void)
{
	strcpy(scratch, "/var/tmp/imgtools-test-XXXXXX");
	cr_assert(mkdtemp(scratch) && !chdir(scratch));
}

static inline int scratch_remove(const char *path, const struct stat *sb, int kind, struct FTW *at)
{
	(void)sb, (void)kind, (void)at;
	return remove(path);
}

static inline void scratch_leave(void)
{
	cr_assert(!chdir("/"));
	nftw(scratch, scratch_remove, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* A file of len bytes that are told apart by their offset. */
static inline uint8_t pattern_at(uint64_t at)
{
	return (uint8_t)(at * 131 + (at >> 8) * 7 + 1);
}

static inline void fill_pattern(uint8_t *buf, uint64_t at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = pattern_at(at + i);
}

static inline bool is_pattern(const uint8_t *buf, uint64_t at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (buf[i] != pattern_at(at + i))
			return false;
	return true;
}

static inline void make_file(const char *path, size_t len)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	uint8_t *bytes = malloc(len + 1);

	fill_pattern(bytes, 0, len);
	cr_assert(fd >= 0 && write(fd, bytes, len) == (ssize_t)len && !close(fd));
	free(bytes);
}

static inline bool is_zero(const uint8_t *buf, size_t len)
{
	return len == 0 || (buf[0] == 0 && !memcmp(buf, buf + 1, len - 1));
}

/* Names in the current folder. */
static inline size_t count_files(void)
{
	size_t n = 0;
	FILE *list = popen("ls -A | wc -l", "r");

	cr_assert(list && fscanf(list, "%zu", &n) == 1 && !pclose(list));
	return n;
}

#define ok(call) cr_assert((call), "%s: %s", #call, err.text)
#define fails(call, why)                                                          \
	do {                                                                      \
		err = (struct img_err){ 0 };                                      \
		cr_assert(!(call), "%s did not fail", #call);                     \
		cr_assert_eq(err.code, why, "%s: code %d, %s", #call, (int)err.code, \
			     err.text);                                           \
	} while (0)

#endif
