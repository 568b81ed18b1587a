/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arithmetic at its edges, and bytes in both orders. */
#include <criterion/criterion.h>
#include "base/bytes.h"
#include "base/num.h"

Test(num, sums_and_products_that_do_not_fit)
{
	uint64_t out = 7;

	cr_expect_not(img_add_u64(UINT64_MAX, 1, &out));
	cr_expect_not(img_mul_u64(UINT64_C(1) << 32, UINT64_C(1) << 32, &out));
	cr_expect_eq(out, 7);
	cr_expect(img_add_u64(UINT64_MAX - 1, 1, &out));
	cr_expect_eq(out, UINT64_MAX);
	cr_expect(img_mul_u64(UINT64_C(1) << 32, UINT64_C(1) << 31, &out));
	cr_expect_eq(out, UINT64_C(1) << 63);
}

Test(num, rounding)
{
	cr_expect_eq(img_round_up(0, 512), 0);
	cr_expect_eq(img_round_up(1, 512), 512);
	cr_expect_eq(img_round_up(512, 512), 512);
	cr_expect_eq(img_round_up(UINT64_MAX - 511, 512), UINT64_MAX - 511);
	cr_expect_eq(img_round_down(1023, 512), 512);
	cr_expect_eq(img_div_up(0, 3), 0);
	cr_expect_eq(img_div_up(7, 3), 3);
	cr_expect_eq(img_div_up(UINT64_MAX, 2), UINT64_C(1) << 63);
}

Test(num, powers_of_two)
{
	cr_expect_not(img_is_pow2(0));
	cr_expect(img_is_pow2(1));
	cr_expect(img_is_pow2(UINT64_C(1) << 63));
	cr_expect_not(img_is_pow2(UINT64_MAX));
}

Test(bytes, order_and_alignment)
{
	uint8_t raw[9] = {0};

	img_put_be32(raw + 1, 0x01020304);
	cr_expect_arr_eq(raw, ((uint8_t[]){0, 1, 2, 3, 4}), 5);
	cr_expect_eq(img_get_be32(raw + 1), 0x01020304);
	cr_expect_eq(img_get_le32(raw + 1), 0x04030201);
	img_put_le64(raw + 1, UINT64_C(0x0807060504030201));
	cr_expect_eq(img_get_be64(raw + 1), UINT64_C(0x0102030405060708));
	img_put_le16(raw, 0x0201);
	cr_expect_eq(img_get_be16(raw), 0x0102);
}
