/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <unistd.h>
#include "common/progress.h"

#define MIB UINT64_C(1048576)

Test(progress, text_tells_rate_and_what_is_left)
{
	static const struct { uint64_t done, total; double seconds; const char *want; } cases[] = {
		{ 0, 100 * MIB, 0, "  0.0%  0 B of 100 MiB  0 B/s  0:00 left" },
		{ 10 * MIB, 100 * MIB, 2, " 10.0%  10 MiB of 100 MiB  5 MiB/s  0:18 left" },
		{ 1 * MIB, 901 * MIB, 1, "  0.1%  1 MiB of 901 MiB  1 MiB/s  15:00 left" },
		{ 0, 0, 1, "100.0%  0 B of 0 B  0 B/s  0:00 left" },
		{ 3 * MIB, IMG_SIZE_UNKNOWN, 1, "3 MiB  3 MiB/s" },
		{ 3 * MIB, 0, 1, "3 MiB  3 MiB/s" },
	};
	char text[PROGRESS_TEXT_BYTES];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct progress p = { .done = cases[i].done, .total = cases[i].total };

		progress_text(&p, cases[i].seconds, text);
		cr_expect_str_eq(text, cases[i].want, "%s", text);
	}
}

Test(progress, json_says_null_for_what_is_not_known)
{
	static const struct { uint64_t done, total; double seconds; const char *want; } cases[] = {
		{ 10, 100, 2,
		  "{\"done\":10,\"total\":100,\"rate\":5,\"eta\":18,\"phase\":\"copy\"}" },
		{ 0, 100, 0,
		  "{\"done\":0,\"total\":100,\"rate\":0,\"eta\":null,\"phase\":\"copy\"}" },
		{ 0, 0, 1,
		  "{\"done\":0,\"total\":0,\"rate\":0,\"eta\":0,\"phase\":\"copy\"}" },
		{ 7, IMG_SIZE_UNKNOWN, 1,
		  "{\"done\":7,\"total\":null,\"rate\":7,\"eta\":null,\"phase\":\"copy\"}" },
	};
	char text[PROGRESS_TEXT_BYTES];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct progress p = {
			.done = cases[i].done, .total = cases[i].total, .phase = "copy",
		};

		progress_json(&p, cases[i].seconds, text);
		cr_expect_str_eq(text, cases[i].want, "%s", text);
	}
}

Test(progress, option_takes_a_descriptor)
{
	static const struct { const char *text; enum progress_mode mode; int fd; } good[] = {
		{ NULL, PROGRESS_TEXT, 2 }, { "json", PROGRESS_JSON, 2 },
		{ "json:107", PROGRESS_JSON, 107 },
	};
	static const char *const bad[] = {
		"", "text", "json:", "json:x", "json:7x", "json:99999999999",
		"json:108",	/* nothing is open there */
		"json:109",	/* cannot be written */
	};
	struct progress_options how;
	struct img_err err = { 0 };

	cr_assert_eq(dup2(STDERR_FILENO, 107), 107);
	cr_assert_eq(dup2(open("/dev/null", O_RDONLY), 109), 109);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		cr_expect(progress_set(NULL, &how, good[i].text, &err));
		cr_expect_eq(how.mode, good[i].mode);
		cr_expect_eq(how.fd, good[i].fd);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_not(progress_set(NULL, &how, bad[i], &err), "%s", bad[i]);
}
