/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Allocation that checks the arithmetic of its size and fills struct img_err. */
#include "base/mem.h"

#include <stdarg.h>
#include <string.h>

/* Elements that an array starts with. */
#define FIRST_CAPACITY 16

/* malloc() may answer 0 bytes with NULL, which would look like a failure. */
static size_t at_least_one(size_t bytes)
{
	return bytes ? bytes : 1;
}

/* n * size; on overflow SIZE_MAX, which no memory has. */
static size_t product(size_t n, size_t size)
{
	size_t bytes;

	return __builtin_mul_overflow(n, size, &bytes) ? SIZE_MAX : bytes;
}

void *img_calloc(size_t n, size_t size, struct img_err *err)
{
	const size_t bytes = product(n, size);
	void *mem = bytes < SIZE_MAX ? calloc(1, at_least_one(bytes)) : NULL;

	if (!mem)
		img_fail_nomem(err, bytes);
	return mem;
}

void *img_alloc_aligned(size_t bytes, struct img_err *err)
{
	void *mem;

	if (posix_memalign(&mem, IMG_MEM_ALIGN, at_least_one(bytes)) != 0) {
		img_fail_nomem(err, bytes);
		return NULL;
	}
	return mem;
}

void *img_grow(void *old, size_t n, size_t size, struct img_err *err)
{
	const size_t bytes = product(n, size);
	void *mem = bytes < SIZE_MAX ? realloc(old, at_least_one(bytes)) : NULL;

	if (!mem)
		img_fail_nomem(err, bytes);
	return mem;
}

void *img_grow_by_one(void *v, size_t n, size_t *cap, size_t size, struct img_err *err)
{
	const size_t more = *cap ? 2 * *cap : FIRST_CAPACITY;
	void *longer;

	if (n < *cap)
		return v;
	longer = img_grow(v, more, size, err);
	if (longer)
		*cap = more;
	return longer;
}

char *img_strdup(const char *text, struct img_err *err)
{
	char *copy = strdup(text);

	if (!copy)
		img_fail_nomem(err, strlen(text) + 1);
	return copy;
}

char *img_format_text(struct img_err *err, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	const int len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0) {		/* text is then undefined */
		img_fail(err, IMG_E_NOMEM, _("out of memory while composing a text"));
		return NULL;
	}
	return text;
}
