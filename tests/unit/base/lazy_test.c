/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loading libraries: one that is there, one that is not, one that lacks a function. */
#include <criterion/criterion.h>
#include <string.h>
#include "base/lazy.h"

Test(lazy, a_function_to_call)
{
	double (*square_root)(double) = NULL;
	const struct img_lazy_symbol symbols[] = {{"sqrt", &square_root}, {NULL, NULL}};
	void *handle = img_lazy_load("libm.so.6", symbols, NULL);

	cr_assert_not_null(handle);
	cr_assert_float_eq(square_root(9.0), 3.0, 1e-9);
	img_lazy_unload(handle);
	img_lazy_unload(NULL);
}

Test(lazy, missing_library_is_named)
{
	const struct img_lazy_symbol none[] = {{NULL, NULL}};
	struct img_err err = {0};

	cr_assert_null(img_lazy_load("libimg-missing.so.1", none, &err));
	cr_assert_eq(err.code, IMG_E_UNSUPPORTED);
	cr_assert_not_null(strstr(err.text, "libimg-missing.so.1"));
}

Test(lazy, missing_function_is_named)
{
	void *nothing = NULL;
	const struct img_lazy_symbol symbols[] = {{"img_no_such_thing", &nothing}, {NULL, NULL}};
	struct img_err err = {0};

	cr_assert_null(img_lazy_load("libm.so.6", symbols, &err));
	cr_assert_eq(err.code, IMG_E_UNSUPPORTED);
	cr_assert_not_null(strstr(err.text, "libm.so.6"));
	cr_assert_not_null(strstr(err.text, "img_no_such_thing"));
}
