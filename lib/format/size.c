/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sizes as users write them, exact to the byte: no floating point. */
#include <string.h>
#include "base/err.h"
#include "base/num.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The power of 1024 that a suffix stands for; "b" and none are bytes.  False: not a suffix. */
static bool suffix_shift(const char *suffix, unsigned *shift)
{
	static const char units[] = "bkmgtpe";
	const char *unit;

	*shift = 0;
	if (!*suffix)
		return true;
	unit = strchr(units, *suffix | 0x20);
	if (!unit || suffix[1])
		return false;
	*shift = 10 * (unsigned)(unit - units);
	return true;
}

/* Adds ".digits" of a unit; what is finer than a byte is dropped. */
static bool add_fraction(const char *digits, size_t n, unsigned shift, uint64_t *bytes)
{
	__uint128_t scale = 1, fraction = 0;

	for (size_t i = 0; i < n && i < 18; i++) {
		fraction = fraction * 10 + (unsigned)(digits[i] - '0');
		scale *= 10;
	}
	return img_add_u64(*bytes, (uint64_t)((fraction << shift) / scale), bytes);
}

bool img_size_parse(const char *text, uint64_t *bytes, struct img_err *err)
{
	const char *p = text, *fraction;
	uint64_t whole = 0, result;
	unsigned shift;
	bool fits = true;

	for (; is_digit(*p); p++)
		fits = fits && img_mul_u64(whole, 10, &whole) &&
		       img_add_u64(whole, (unsigned)(*p - '0'), &whole);
	fraction = *p == '.' ? p + 1 : p;
	if (p != text && *p == '.')
		for (p++; is_digit(*p); p++)
			;
	if (p == text || (fraction == p && p[-1] == '.') || !suffix_shift(p, &shift))
		return img_fail(err, IMG_E_ARGUMENT, _("\"%s\" is not a size"), text);
	if (!fits || !img_mul_u64(whole, UINT64_C(1) << shift, &result) ||
	    !add_fraction(fraction, (size_t)(p - fraction), shift, &result))
		return img_fail(err, IMG_E_RANGE, _("the size \"%s\" is too large"), text);
	*bytes = result;
	return true;
}
