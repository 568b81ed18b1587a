/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Error texts: how they grow, where they are cut, and what never gets into them. */
#include <criterion/criterion.h>
#include <string.h>
#include "base/err.h"

Test(err, grows_outwards)
{
	struct img_err err = {0};

	cr_assert_not(img_fail(&err, IMG_E_CORRUPT, "entry %d", 12));
	cr_assert_not(img_within(&err, "snapshot \"%s\"", "before"));
	cr_assert_str_eq(err.text, "snapshot \"before\": entry 12");
	cr_assert_eq(err.code, IMG_E_CORRUPT);
	cr_assert_eq(err.os_errno, 0);
}

Test(err, nobody_listens)
{
	cr_assert_not(img_fail(NULL, IMG_E_IO, "x"));
	cr_assert_not(img_fail_os(NULL, "x"));
	cr_assert_not(img_within(NULL, "x"));
	cr_assert_not(img_fail_nomem(NULL, 1));
}

Test(err, classes_of_errno)
{
	static const struct { int os_errno; enum img_code code; } table[] = {
		{ENOSPC, IMG_E_NOSPACE}, {EDQUOT, IMG_E_NOSPACE}, {EFBIG, IMG_E_NOSPACE},
		{ENOMEM, IMG_E_NOMEM}, {EACCES, IMG_E_DENIED}, {EPERM, IMG_E_DENIED},
		{EROFS, IMG_E_DENIED}, {EBUSY, IMG_E_BUSY}, {ETXTBSY, IMG_E_BUSY},
		{EIO, IMG_E_IO}, {ENOENT, IMG_E_IO},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct img_err err = {0};

		errno = table[i].os_errno;
		cr_assert_not(img_fail_os(&err, "cannot open"));
		cr_assert_eq(err.code, table[i].code, "%s", strerror(table[i].os_errno));
		cr_assert_eq(err.os_errno, table[i].os_errno);
	}
}

/* The reason is taken before anything else can change errno, even the arguments' printing. */
Test(err, reason_of_the_system)
{
	struct img_err err = {0};

	errno = ENOENT;
	cr_assert_not(img_fail_os(&err, "%s", "disk.raw"));
	cr_assert_str_eq(err.text, "disk.raw: No such file or directory");
	cr_assert_not(img_fail(&err, IMG_E_CORRUPT, "%s", "other"));
	cr_assert_eq(err.os_errno, 0);
}

Test(err, its_own_text_as_an_argument)
{
	struct img_err err = {0};

	img_fail(&err, IMG_E_IO, "cause");
	img_fail(&err, IMG_E_KEY, "%s, hence %s", err.text, err.text);
	cr_assert_str_eq(err.text, "cause, hence cause");
}

/* Names of 1 to 4 bytes a character, shifted so that each byte of one meets the end. */
Test(err, cut_between_characters)
{
	static const char *const characters[] = {"a", "\xc3\xa9", "\xe5\xa4\xa7", "\xf0\x9f\x98\x80"};

	for (size_t c = 0; c < 4; c++) {
		const size_t width = strlen(characters[c]);

		for (size_t shift = 0; shift < 4; shift++) {
			const size_t room = sizeof(((struct img_err *)0)->text) - 1 - shift;
			struct img_err err = {0};
			char name[1200] = "";

			while (strlen(name) < 1000)
				strcat(name, characters[c]);
			img_fail(&err, IMG_E_IO, "%.*s%s", (int)shift, "....", name);
			cr_expect_eq(strlen(err.text), shift + room / width * width,
				     "%zu bytes, shift %zu", width, shift);
		}
	}
}

Test(err, long_places_push_out_the_end)
{
	struct img_err err = {0};
	char place[701];

	memset(place, 'p', sizeof(place) - 1);
	place[sizeof(place) - 1] = '\0';
	img_fail(&err, IMG_E_IO, "cause");
	img_within(&err, "%.600s", place);
	cr_expect_str_eq(err.text + 600, ": cause");
	img_within(&err, "%s", place);
	cr_expect_eq(strlen(err.text), sizeof(err.text) - 1);
}

Test(err, one_printable_line)
{
	struct img_err err = {0};

	img_fail(&err, IMG_E_IO, "%s", "a\nb\x1b[2J\x7f\xc2\x9b\xc2\xa0z");
	cr_assert_str_eq(err.text, "a?b?[2J???\xc2\xa0z");
}
