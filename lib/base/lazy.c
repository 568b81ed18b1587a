/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dlopen() and a table of dlsym(), with the reason in words when either fails. */
#include "base/lazy.h"

#include <dlfcn.h>
#include <string.h>
#include "base/err.h"

void *img_lazy_load(const char *soname, const struct img_lazy_symbol *symbols,
		    struct img_err *err)
{
	void *handle = dlopen(soname, RTLD_NOW | RTLD_LOCAL);

	if (!handle) {
		img_fail(err, IMG_E_UNSUPPORTED, _("library %s cannot be loaded: %s"), soname,
			 dlerror());
		return NULL;
	}
	for (const struct img_lazy_symbol *s = symbols; s->name; s++) {
		void *address = dlsym(handle, s->name);

		if (!address) {
			img_fail(err, IMG_E_UNSUPPORTED, _("library %s has no function %s"),
				 soname, s->name);
			dlclose(handle);
			return NULL;
		}
		memcpy(s->address_of_pointer, &address, sizeof(address));
	}
	return handle;
}

void img_lazy_unload(void *handle)
{
	if (handle)
		dlclose(handle);
}
