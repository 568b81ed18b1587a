/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Secrets: what the kernel was told of their pages, and what is left of what was cut off. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/random.h"
#include "base/secret.h"

/* Whether the mapping that holds at has the flag, two letters of VmFlags in proc(5). */
static bool has_flag(const void *at, const char *flag)
{
	FILE *maps = fopen("/proc/self/smaps", "r");
	char line[512];
	bool inside = false, found = false;

	cr_assert(maps);
	while (fgets(line, sizeof(line), maps)) {
		uintptr_t from, to;

		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2)
			inside = (uintptr_t)at >= from && (uintptr_t)at < to;
		else if (inside && !strncmp(line, "VmFlags:", 8))
			found = strstr(line, flag);
	}
	fclose(maps);
	return found;
}

Test(secret, is_left_out_of_core_dumps)
{
	struct img_secret *one = img_secret_new(16, NULL);

	cr_assert(one);
	cr_assert(has_flag(img_secret_bytes(one), " dd"));
	img_secret_free(one);
}

Test(secret, starts_empty_and_holds_what_was_asked_for)
{
	struct img_secret *one = img_secret_new(10000, NULL), *zeros = img_secret_zeros(5, NULL);

	cr_assert(one && zeros);
	cr_assert_eq(img_secret_len(one), 0);
	cr_assert_eq(img_secret_cap(one), 10000);
	memset(img_secret_bytes(one), 0x5a, 10000);
	cr_assert_eq(img_secret_len(zeros), 5);
	cr_assert_arr_eq(img_secret_view(zeros), "\0\0\0\0\0", 5);
	img_secret_free(one);
	img_secret_free(zeros);
	img_secret_free(NULL);
}

Test(secret, what_is_cut_off_is_wiped)
{
	struct img_secret *one = img_secret_new(8, NULL);

	cr_assert(one);
	memcpy(img_secret_bytes(one), "abcdefgh", 8);
	img_secret_set_len(one, 8);
	img_secret_set_len(one, 3);
	cr_assert_arr_eq(img_secret_view(one), "abc\0\0\0\0\0", 8);
	img_secret_free(one);
}

Test(secret, too_large_a_one_cannot_be_had)
{
	struct img_err err = { 0 };

	cr_assert_null(img_secret_new(SIZE_MAX - 8, &err));
	cr_assert_eq(err.code, IMG_E_NOMEM);
}

Test(random, differs_each_time)
{
	uint8_t a[300], b[300];

	cr_assert(img_random(a, sizeof(a), NULL) && img_random(b, sizeof(b), NULL));
	cr_assert(memcmp(a, b, sizeof(a)));
}
