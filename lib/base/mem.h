/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory: allocation that reports, and scratch memory that frees itself. */
#ifndef IMG_BASE_MEM_H
#define IMG_BASE_MEM_H

#include <stdlib.h>
#include "base/err.h"

/* Buffers that direct I/O may use start on a multiple of this. */
#define IMG_MEM_ALIGN 4096

/* Zeroed; NULL and IMG_E_NOMEM on failure or when n * size overflows.  Free with free(). */
void *img_calloc(size_t n, size_t size, struct img_err *err);
/* Not zeroed, aligned to IMG_MEM_ALIGN.  Free with free(). */
void *img_alloc_aligned(size_t bytes, struct img_err *err);
/* As realloc() for n * size bytes; old stays valid on failure. */
void *img_grow(void *old, size_t n, size_t size, struct img_err *err);
/*
 * Room for one more element of size bytes behind the n in v, which has room for *cap: v itself, or
 * a longer one in its place, twice as long.  NULL: v and *cap are as before.
 */
void *img_grow_by_one(void *v, size_t n, size_t *cap, size_t size, struct img_err *err);
char *img_strdup(const char *text, struct img_err *err);
/* As asprintf(). */
char *img_format_text(struct img_err *err, const char *fmt, ...) IMG_PRINTF(2, 3);

static inline void img_free_scratch(void *pointer_to_pointer)
{
	free(*(void **)pointer_to_pointer);
}

#define IMG_AUTO_FREE __attribute__((cleanup(img_free_scratch)))

#endif
