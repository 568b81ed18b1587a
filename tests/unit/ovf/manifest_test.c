/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of manifests as they are written by all kinds of programs, and what is none. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "libimg.h"

static struct img_manifest *read_text(const char *text, struct img_err *err)
{
	return img_manifest_read(text, strlen(text), err);
}

Test(manifest, all_ways_to_write_a_line)
{
	struct img_err err = { 0 };
	struct img_manifest *m = read_text("SHA256(a.ovf)= 00fF\r\n\nSHA1 (b (1).vmdk) = 12\n"
					   "sha-512(c=d)=\t34  \n", &err);

	cr_assert(m, "%s", err.text);
	cr_assert_eq(m->n_lines, 3);
	cr_assert_str_eq(m->lines[0].name, "a.ovf");
	cr_assert_str_eq(m->lines[0].hash, "sha256");
	cr_assert_eq(m->lines[0].len, 2);
	cr_assert_eq(m->lines[0].sum[1], 0xff);
	cr_assert_str_eq(m->lines[1].name, "b (1).vmdk");
	cr_assert_str_eq(m->lines[2].name, "c=d");
	cr_assert_str_eq(m->lines[2].hash, "sha512");
	cr_assert_eq(m->lines[2].sum[0], 0x34);
	img_manifest_free(m);
	img_manifest_free(NULL);
}

Test(manifest, what_is_no_line)
{
	static const char *const bad[] = {
		"x", "SHA1(a)=", "SHA1(a)= 1", "SHA1(a)= 1g", "SHA1()= 12", "(a)= 12", "SHA1 a= 12",
		"SHA1(a)b= 12", "SHA1(a 12", "=(a) 12", "SHA_1(a)= 12", "SHA1SHA1SHA1SHA1(a)= 12",
		("SHA1(a)= 0000000000000000000000000000000000000000000000000000000000000000"
		 "000000000000000000000000000000000000000000000000000000000000000000"),
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct img_err err = { 0 };

		cr_expect_null(read_text(bad[i], &err), "%s", bad[i]);
		cr_expect_eq(err.code, IMG_E_CORRUPT, "%s", bad[i]);
	}
	cr_assert_null(img_manifest_read("SHA1(a)= 12\0", 12, NULL));
}

Test(manifest, lines_have_a_limit)
{
	enum { MOST = 8192 };
	static const char line[] = "SHA1(a)= 12\n";
	const size_t len = sizeof(line) - 1;
	char *text = malloc((MOST + 1) * len + 1);
	struct img_err err = { 0 };
	struct img_manifest *m;

	cr_assert(text);
	for (size_t i = 0; i <= MOST; i++)
		strcpy(text + i * len, line);
	m = img_manifest_read(text, MOST * len, &err);
	cr_assert(m && m->n_lines == MOST, "%s", err.text);
	img_manifest_free(m);
	cr_assert_null(img_manifest_read(text, (MOST + 1) * len, &err));
	cr_assert_eq(err.code, IMG_E_RANGE);
	free(text);
}

Test(manifest, comes_back_as_it_was_written)
{
	const uint8_t sum[] = { 1, 0xab };
	struct img_err err = { 0 };
	struct img_manifest *m;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	img_manifest_put(out, "sha256", "web-disk1.vmdk", sum, sizeof(sum));
	fclose(out);
	cr_assert_str_eq(text, "SHA256(web-disk1.vmdk)= 01ab\n");
	m = read_text(text, &err);
	cr_assert(m, "%s", err.text);
	cr_assert_str_eq(m->lines[0].name, "web-disk1.vmdk");
	cr_assert_arr_eq(m->lines[0].sum, sum, sizeof(sum));
	img_manifest_free(m);
	free(text);
}
