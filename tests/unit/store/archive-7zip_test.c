/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of members that are there, that are not, and that are bombs. */
#include "base/bytes.h"
#include "scratch.h"
#include "store/archive-7zip.h"

enum { HEADER = 32 };

static uint8_t file[HEADER + 256] = "7z\xbc\xaf\x27\x1c\0\4";

/* What is said of a file with that list, len bytes of it, which its header tells to be at `at`. */
static enum img_code check_at(uint64_t at, const void *list, size_t len, uint64_t told)
{
	struct img_err why = { 0 };
	struct img_store *st;
	bool good;

	cr_assert(len <= sizeof(file) - HEADER);
	img_put_le64(file + 12, at);
	img_put_le64(file + 20, told);
	memcpy(file + HEADER, list, len);
	ok(st = img_store_mem(file, HEADER + len, &err));
	good = img_7zip_check_list(st, &why);
	cr_assert_eq(good, why.code == IMG_OK, "%s", why.text);
	img_store_close(st);
	return why.code;
}

#define check(list) check_at(0, list, sizeof(list) - 1, sizeof(list) - 1)

Test(archive_7zip, a_list_is_within_the_file)
{
	cr_assert_eq(check("\1\0"), IMG_OK);
	cr_assert_eq(check_at(1, "\1\0", 2, 1), IMG_OK);
	cr_assert_eq(check_at(0, "\1\0", 2, 0), IMG_OK);
	cr_assert_eq(check_at(0, "\1\0", 2, 3), IMG_E_INCOMPLETE);
	cr_assert_eq(check_at(2, "\1\0", 2, 1), IMG_E_INCOMPLETE);
	cr_assert_eq(check_at(1, "\1\0", 2, UINT64_MAX), IMG_E_INCOMPLETE);
	cr_assert_eq(check_at(UINT64_MAX, "\1\0", 2, 2), IMG_E_INCOMPLETE);
}

Test(archive_7zip, only_a_7z_has_one)
{
	struct img_store *st;

	ok(st = img_store_mem(file, HEADER - 1, &err));
	fails(img_7zip_check_list(st, &err), IMG_E_INCOMPLETE);
	img_store_close(st);
	ok(st = img_store_mem(file, 5, &err));
	ok(img_7zip_check_list(st, &err));
	img_store_close(st);
	ok(st = img_store_mem("QFI\xfb\0\0\0\3", 8, &err));
	ok(img_7zip_check_list(st, &err));
	img_store_close(st);
}

#define PACK_INFO "\x06\0\1\x09\x20\0"
#define LZMA "\x23\3\1\1\5\x5d\0\0\1\0"
#define PACKED(folders, sizes) "\x17" PACK_INFO "\7\x0b" folders "\x0c" sizes "\x0a\1abcd\0\0"
#define ONE "\1\0\1" LZMA

Test(archive_7zip, what_a_list_unpacks_to_has_a_limit)
{
	cr_assert_eq(check(PACKED(ONE, "\x40")), IMG_OK);
	cr_assert_eq(check(PACKED(ONE, "\xe0\0\0\x40")), IMG_OK);		/* 4 MiB */
	cr_assert_eq(check(PACKED(ONE, "\xe0\1\0\x40")), IMG_E_RANGE);
	cr_assert_eq(check(PACKED(ONE, "\xff\xff\xff\xff\xff\xff\xff\xff\xff")), IMG_E_RANGE);
	/* With sums of what is packed, for all and for some. */
	cr_assert_eq(check("\x17\x06\0\1\x09\x20\x0a\1abcd\0\7\x0b" ONE "\x0c\xe0\1\0\x40"), IMG_E_RANGE);
	cr_assert_eq(check("\x17\x06\0\2\x09\1\1\x0a\0\x80" "abcd\0\7\x0b" ONE "\x0c\x40"), IMG_OK);
	/* Two folders, and one of two coders: all that comes out of them counts. */
	cr_assert_eq(check(PACKED("\2\0\1" LZMA "\1" LZMA, "\1\xe0\0\0\x40")), IMG_E_RANGE);
	cr_assert_eq(check(PACKED("\1\0\2" LZMA "\1\0\0\1", "\1\xe0\0\0\x40")), IMG_E_RANGE);
	cr_assert_eq(check(PACKED("\1\0\1\x14\3\3\1\x1b\4\1\0\1\2\3", "\x40")), IMG_OK);
	cr_assert_eq(check(PACKED(ONE, "\xff\xff\xff\xff\xff\xff\xff\xff\xff")), IMG_E_RANGE);
}

Test(archive_7zip, what_is_no_such_list_is_damaged)
{
	static const char good[] = PACKED(ONE, "\x40");
	const size_t needed = (size_t)((const char *)memchr(good, 0x40, sizeof(good)) - good) + 1;

	for (size_t len = 1; len < needed; len++)
		cr_assert_eq(check_at(0, good, len, len), IMG_E_CORRUPT, "%zu", len);
	cr_assert_eq(check("\x17\7\x0b"), IMG_E_CORRUPT);
	cr_assert_eq(check("\x17\x06\0\1\x0b\1\0"), IMG_E_CORRUPT);
	cr_assert_eq(check(PACKED("\1\1\1" LZMA, "\x40")), IMG_E_CORRUPT);
	cr_assert_eq(check(PACKED("\1\0\0", "\x40")), IMG_E_CORRUPT);
	cr_assert_eq(check(PACKED("\1\0\1\x11\3\1\3", "\x40")), IMG_E_CORRUPT);
	cr_assert_eq(check(PACKED("\xff\xff\xff\xff\xff\xff\xff\xff\xff\0", "\x40")), IMG_E_CORRUPT);
}
