/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The linker's --wrap sends each call of malloc() and its kin through here. */
#include "failing_malloc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_long left;	/* until the one that fails; 0 or less: none will */
static atomic_bool failed;

void fail_allocation(unsigned n)
{
	failed = false;
	left = n;
}

bool allocation_has_failed(void)
{
	left = 0;
	return failed;
}

static bool must_fail(void)
{
	if (atomic_load(&left) <= 0 || atomic_fetch_sub(&left, 1) != 1)
		return false;
	failed = true;
	errno = ENOMEM;
	return true;
}

#define WRAP_POINTER(name, parameters, arguments)                    \
	void *__real_##name parameters;                              \
	void *__wrap_##name parameters;                              \
	void *__wrap_##name parameters                               \
	{                                                            \
		return must_fail() ? NULL : __real_##name arguments; \
	}

WRAP_POINTER(malloc, (size_t bytes), (bytes))
WRAP_POINTER(calloc, (size_t n, size_t size), (n, size))
WRAP_POINTER(realloc, (void *old, size_t bytes), (old, bytes))
WRAP_POINTER(strdup, (const char *text), (text))
WRAP_POINTER(strndup, (const char *text, size_t len), (text, len))

int __real_posix_memalign(void **mem, size_t align, size_t bytes);
int __wrap_posix_memalign(void **mem, size_t align, size_t bytes);
int __wrap_posix_memalign(void **mem, size_t align, size_t bytes)
{
	return must_fail() ? ENOMEM : __real_posix_memalign(mem, align, bytes);
}

int __real_vasprintf(char **text, const char *fmt, va_list args);
int __wrap_vasprintf(char **text, const char *fmt, va_list args);
int __wrap_vasprintf(char **text, const char *fmt, va_list args)
{
	return must_fail() ? -1 : __real_vasprintf(text, fmt, args);
}
