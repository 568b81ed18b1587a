/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Known sums, one behind the other. */
#include <criterion/criterion.h>
#include <string.h>
#include "libimg.h"

static const uint8_t sha1_of_abc[] = {
	0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e,
	0x25, 0x71, 0x78, 0x50, 0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d,
};

Test(hash, starts_anew_when_it_is_finished)
{
	struct img_err err = { 0 };
	struct img_hash *h = img_hash_open("sha1", &err);
	uint8_t sum[IMG_HASH_MAX];

	cr_assert(h, "%s", err.text);
	cr_assert_eq(img_hash_size(h), sizeof(sha1_of_abc));
	for (int i = 0; i < 2; i++) {
		cr_assert(img_hash_add(h, "a", 1, &err) && img_hash_add(h, "bc", 2, &err));
		cr_assert(img_hash_finish(h, sum, &err), "%s", err.text);
		cr_assert_arr_eq(sum, sha1_of_abc, sizeof(sha1_of_abc));
	}
	img_hash_close(h);
}

Test(hash, names_a_hash_that_does_not_exist)
{
	struct img_err err = { 0 };

	cr_assert_null(img_hash_open("sha257", &err));
	cr_assert_eq(err.code, IMG_E_UNSUPPORTED);
	cr_assert(strstr(err.text, "sha257"));
	img_hash_close(NULL);
}
