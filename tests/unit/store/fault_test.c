/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"
#include <criterion/parameterized.h>

static struct img_store *faulty(const char *script)
{
	struct img_store *mem = img_store_mem("0123456789", 10, &err);
	struct img_store *st;

	ok(st = img_store_fault(mem, script, &err));
	return st;
}

Test(fault, fails_the_call_that_the_script_names)
{
	struct img_store *st = faulty("write:2,read:1=EACCES,write:4=ENOSPC,sync:1");
	char buf[4];

	ok(img_store_write(st, 0, "ab", 2, &err));
	fails(img_store_write(st, 2, "cd", 2, &err), IMG_E_IO);
	ok(img_store_write(st, 4, "ef", 2, &err));
	fails(img_store_write(st, 6, "gh", 2, &err), IMG_E_NOSPACE);
	fails(img_store_sync(st, &err), IMG_E_IO);
	fails(img_store_read(st, 0, buf, 4, &err), IMG_E_DENIED);
	ok(img_store_read(st, 0, buf, 4, &err));
	cr_assert(!memcmp(buf, "ab23", 4));
	img_store_close(st);
}

Test(fault, short_does_half)
{
	struct img_store *st = faulty("write:1=short,read:2=short");
	char buf[4];
	size_t got;

	fails(img_store_write(st, 0, "abcd", 4, &err), IMG_E_IO);
	ok(img_store_read(st, 0, buf, 4, &err));
	cr_assert(!memcmp(buf, "ab23", 4));
	ok(img_store_read_some(st, 0, buf, 4, &got, &err));
	cr_assert_eq(got, 2);
	img_store_close(st);
}

Test(fault, reaches_every_operation)
{
	struct img_store *st = faulty("size:1,zero:1,extent:1,resize:1,preallocate:1,copy:1,"
				      "publish:1,read:1");
	struct img_extent ex;
	uint64_t number;
	size_t got;
	char buf[4];

	fails(img_store_size(st, &number, &err), IMG_E_IO);
	fails(img_store_zero(st, 0, 1, false, &err), IMG_E_IO);
	fails(img_store_extent(st, 0, 1, &ex, &err), IMG_E_IO);
	fails(img_store_resize(st, 1, &err), IMG_E_IO);
	fails(img_store_preallocate(st, 0, 1, IMG_PREALLOC_FULL, &err), IMG_E_IO);
	fails(img_store_copy(st, 0, st, 5, 1, &number, &err), IMG_E_IO);
	fails(img_store_publish(st, &err), IMG_E_IO);
	fails(img_store_peek(st, buf, 4, &got, &err), IMG_E_IO);
	img_store_close(st);
}

Test(fault, extents_lead_back_to_it)
{
	struct img_store *st = faulty("");
	struct img_extent ex;

	ok(img_store_extent(st, 0, 10, &ex, &err));
	cr_assert_eq(ex.store, st);
	img_store_close(st);
}

struct wrong {
	char script[16];
};

ParameterizedTestParameters(fault, wrong_scripts_are_refused)
{
	static struct wrong scripts[] = {
		{ "write" }, { "write:" }, { "write:0" }, { "write:-1" }, { "write:1x" },
		{ "writ:1" }, { "write:1=EWHAT" }, { "write:1=" }, { ",write:1" }, { "write:1;" },
	};

	return cr_make_param_array(struct wrong, scripts, sizeof(scripts) / sizeof(scripts[0]));
}

ParameterizedTest(struct wrong *wrong, fault, wrong_scripts_are_refused)
{
	struct img_store *mem;

	ok(mem = img_store_mem(NULL, 0, &err));
	fails(img_store_fault(mem, wrong->script, &err), IMG_E_ARGUMENT);
	img_store_close(mem);
}
