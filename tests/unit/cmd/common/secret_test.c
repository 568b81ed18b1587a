/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys from where the options say: which bytes are taken, and what is refused. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/secret.h"

/* A new file that holds these bytes, open for reading from its start. */
static int file_of(const char *bytes, size_t len, char path[32])
{
	int fd;

	strcpy(path, "/tmp/imgtools-secret-XXXXXX");
	fd = mkstemp(path);
	cr_assert(fd >= 0);
	cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void check_key(const struct secrets *secrets, size_t i, const char *bytes, size_t len)
{
	const struct img_keys *keys = secret_keys(secrets);

	cr_assert(i < keys->n);
	cr_assert_eq(img_secret_len(keys->v[i]), len);
	cr_assert_arr_eq(img_secret_view(keys->v[i]), bytes, len);
}

Test(secret, bytes_of_a_file_are_taken_as_they_are)
{
	struct secrets secrets = { .given = false };
	struct img_err err = { 0 };
	char path[32];
	const int fd = file_of("with\0zero\n", 10, path);
	char number[16];

	snprintf(number, sizeof(number), "%d", fd);
	cr_assert(secret_set_file(NULL, &secrets, path, &err), "%s", err.text);
	cr_assert(secret_set_fd(NULL, &secrets, number, &err), "%s", err.text);
	check_key(&secrets, 0, "with\0zero\n", 10);
	check_key(&secrets, 1, "with\0zero\n", 10);
	cr_assert(secrets.given);
	secret_clear(&secrets);
	cr_assert_null(secret_first(&secrets));
	close(fd);
	unlink(path);
}

Test(secret, one_end_of_line_of_standard_input_is_not_part_of_it)
{
	static const struct { const char *input, *key; } cases[] = {
		{ "key\n", "key" }, { "key", "key" }, { "two\nlines\n\n", "two\nlines\n" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct secrets secrets = { .given = false };
		char path[32];
		const int fd = file_of(cases[i].input, strlen(cases[i].input), path);

		cr_assert_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
		cr_assert(secret_set_file(NULL, &secrets, "-", NULL));
		check_key(&secrets, 0, cases[i].key, strlen(cases[i].key));
		secret_clear(&secrets);
		close(fd);
		unlink(path);
	}
}

Test(secret, long_ones_are_read_whole)
{
	struct secrets secrets = { .given = false };
	char path[32], bytes[10000];
	int fd;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7);
	fd = file_of(bytes, sizeof(bytes), path);
	cr_assert(secret_set_file(NULL, &secrets, path, NULL));
	check_key(&secrets, 0, bytes, sizeof(bytes));
	secret_clear(&secrets);
	close(fd);
	unlink(path);
}

Test(secret, a_variable_is_one)
{
	struct secrets secrets = { .given = false };
	struct img_err err = { 0 };

	setenv("IMGTOOLS_TEST_KEY", "from here", 1);
	cr_assert(secret_set_env(NULL, &secrets, "IMGTOOLS_TEST_KEY", &err));
	check_key(&secrets, 0, "from here", 9);
	cr_assert_not(secret_set_env(NULL, &secrets, "IMGTOOLS_NO_SUCH", &err));
	cr_assert_eq(err.code, IMG_E_ARGUMENT);
	secret_clear(&secrets);
}

Test(secret, what_is_none_is_refused)
{
	struct secrets secrets = { .given = false };
	struct img_err err = { 0 };
	char path[32];
	const int fd = file_of("", 0, path);

	cr_assert_not(secret_set_file(NULL, &secrets, path, &err));
	cr_assert_eq(err.code, IMG_E_KEY);
	cr_assert_not(secret_set_file(NULL, &secrets, "/does/not/exist", &err));
	cr_assert_not(secret_set_fd(NULL, &secrets, "3x", &err));
	cr_assert_not(secret_set_fd(NULL, &secrets, "-1", &err));
	cr_assert_not(secret_set_fd(NULL, &secrets, "99999", &err));
	cr_assert_eq(secret_keys(&secrets)->n, 0);
	close(fd);
	unlink(path);
}

Test(secret, there_is_a_limit_to_their_number)
{
	struct secrets secrets = { .given = false };
	struct img_err err = { 0 };

	setenv("IMGTOOLS_TEST_KEY", "k", 1);
	for (int i = 0; i < SECRET_MAX_KEYS; i++)
		cr_assert(secret_set_env(NULL, &secrets, "IMGTOOLS_TEST_KEY", &err));
	cr_assert_not(secret_set_env(NULL, &secrets, "IMGTOOLS_TEST_KEY", &err));
	cr_assert_eq(err.code, IMG_E_ARGUMENT);
	secret_clear(&secrets);
}

Test(secret, nobody_is_asked_where_there_is_nobody)
{
	struct secrets secrets = { .given = false };
	const struct img_err why = { .code = IMG_E_KEY };
	struct img_err err = { 0 };
	char path[32];
	const int fd = file_of("key\n", 4, path);

	cr_assert_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	cr_assert_not(secret_try_again(&secrets, "image", &why));
	cr_assert_not(secret_try_again(NULL, "image", &why));
	cr_assert_not(secret_need_new(&secrets, "image", &err));
	cr_assert_eq(err.code, IMG_E_KEY);
	cr_assert_eq(lseek(STDIN_FILENO, 0, SEEK_CUR), 0, "something was read");
	close(fd);
	unlink(path);
}
