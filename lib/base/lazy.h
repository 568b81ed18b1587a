/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Libraries that are loaded only when needed: start-up time is part of a pipeline's speed. */
#ifndef IMG_BASE_LAZY_H
#define IMG_BASE_LAZY_H

#include "libimg.h"

struct img_lazy_symbol {
	const char *name;
	void *address_of_pointer;	/* where the function's address goes */
};

/*
 * Loads soname and resolves symbols (the table ends with a NULL name).  Returns a handle for
 * img_lazy_unload(), or NULL with IMG_E_UNSUPPORTED naming the library.
 */
void *img_lazy_load(const char *soname, const struct img_lazy_symbol *symbols,
		    struct img_err *err);
void img_lazy_unload(void *handle);

#endif
