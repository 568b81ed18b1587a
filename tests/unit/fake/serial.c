/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs Criterion's tests one after the other in this process, in place of Criterion's own main.
 * Criterion's shared memory does not go together with the address space of ThreadSanitizer.  A
 * failing assertion ends the program.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

extern struct criterion_test *__start_cr_tst[], *__stop_cr_tst[];
extern struct criterion_suite *__start_cr_sts[] __attribute__((weak));
extern struct criterion_suite *__stop_cr_sts[] __attribute__((weak));

void criterion_internal_test_setup(void)
{
}

void criterion_internal_test_main(void (*test)(void))
{
	test();
}

void criterion_internal_test_teardown(void)
{
}

static void nothing(void)
{
}

/* The data of the suite called name, which holds what comes before and after each test; or NULL. */
static const struct criterion_test_extra_data *suite_data(const char *name)
{
	for (struct criterion_suite **s = __start_cr_sts; s < __stop_cr_sts; s++)
		if (*s && !strcmp((*s)->name, name))
			return (*s)->data;
	return NULL;
}

static void run_test(const struct criterion_test *test)
{
	const struct criterion_test_extra_data *data = suite_data(test->category);

	(data && data->init ? data->init : nothing)();
	test->test();
	(data && data->fini ? data->fini : nothing)();
}

int main(void)
{
	size_t n = 0;

	for (struct criterion_test **t = __start_cr_tst; t < __stop_cr_tst; t++) {
		if (!*t)
			continue;
		fprintf(stderr, "%s::%s\n", (*t)->category, (*t)->name);
		run_test(*t);
		n++;
	}
	printf("%zu tests passed\n", n);
	return 0;
}
