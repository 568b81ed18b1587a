/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is looked into, and what is a disk. */
#include <criterion/criterion.h>
#include <string.h>
#include "image/image.h"
#include "unit/store/tar.h"

static uint8_t head[4096];

static void begin(const char *magic, size_t len)
{
	memset(head, 0, sizeof(head));
	memcpy(head, magic, len);
}

Test(unpack, looks_packed_unless_it_has_partitions)
{
	begin("\x1f\x8b\x08", 3);
	cr_assert(img_looks_packed(head, sizeof(head)));
	head[510] = 0x55;
	head[511] = 0xaa;
	cr_assert(img_looks_packed(head, sizeof(head)));
	head[450] = 0x83;
	cr_assert(!img_looks_packed(head, sizeof(head)));
	head[446] = 1;
	cr_assert(img_looks_packed(head, sizeof(head)));
	begin("PK\3\4", 4);
	cr_assert(img_looks_packed(head, sizeof(head)));
	cr_assert(!img_looks_packed(head, 3));
	begin("070701", 6);
	cr_assert(img_looks_packed(head, sizeof(head)));
	begin("070702", 6);
	cr_assert(img_looks_packed(head, sizeof(head)));
	begin("070707", 6);
	cr_assert(img_looks_packed(head, sizeof(head)));
	begin("7z\xbc\xaf\x27\x1c", 6);
	cr_assert(img_looks_packed(head, sizeof(head)));
	begin("\x1f\x9d\x90", 3);
	cr_assert(!img_looks_packed(head, sizeof(head)));
	begin("070703", 6);
	cr_assert(!img_looks_packed(head, sizeof(head)));
	begin("\xc7\x71", 2);
	cr_assert(!img_looks_packed(head, sizeof(head)));
}

/* What img_unpack() makes of len bytes; its size in *size. */
static struct img_store *look_into(const uint8_t *bytes, size_t len, const struct img_open *how,
				   uint64_t *size, struct img_err *err)
{
	struct img_store *st = img_store_mem(bytes, len, NULL);

	st = img_unpack(st, how, err);
	cr_assert(!st || img_store_size(st, size, NULL));
	return st;
}

/* That of the only member, of 700 bytes, or of the file. */
static void check_size(const struct img_open *how, uint64_t want)
{
	struct img_err err = { 0 };
	uint64_t size = 0;
	struct img_store *st = look_into(head, sizeof(head), how, &size, &err);

	cr_assert(st, "%s", err.text);
	cr_assert_eq(size, want);
	img_store_close(st);
}

static void check_refused(const struct img_open *how, enum img_code code)
{
	struct img_err err = { 0 };
	uint64_t size;

	cr_assert(!look_into(head, sizeof(head), how, &size, &err));
	cr_assert_eq(err.code, code, "%s", err.text);
}

Test(unpack, goes_as_far_in_as_it_is_told)
{
	memset(head, 0, sizeof(head));
	put_header(head, "a", 700, '0');
	memset(head + 512, 'x', 700);
	check_size(&(struct img_open){ .path = "t" }, 700);
	check_size(&(struct img_open){ .path = "t", .format = "vdi" }, 700);
	check_size(&(struct img_open){ .path = "t", .format = "raw" }, sizeof(head));
	check_size(&(struct img_open){ .path = "t", .format = "raw", .member = "1" }, 700);
	check_refused(&(struct img_open){ .path = "t", .member = "2" }, IMG_E_AMBIGUOUS);
	check_refused(&(struct img_open){ .path = "t", .flags = IMG_OPEN_WRITE }, IMG_E_UNSUPPORTED);
	put_header(head + 1536, "b", 100, '0');
	check_refused(&(struct img_open){ .path = "t" }, IMG_E_AMBIGUOUS);
	memset(head + 1536 + 512, 0, 512);
	memcpy(head + 1536 + 512, "QFI\xfb\0\0\0\3", 8);
	check_size(&(struct img_open){ .path = "t" }, 100);
	begin("no archive", 10);
	check_size(&(struct img_open){ .path = "t" }, sizeof(head));
	check_refused(&(struct img_open){ .path = "t", .member = "a" }, IMG_E_NOT_THIS_FORMAT);
	check_refused(&(struct img_open){ .path = "t", .member = "1" }, IMG_E_NOT_THIS_FORMAT);
}
