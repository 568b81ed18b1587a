/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"
#include "store/archive.h"
#include "tar.h"

static uint8_t tar[8 * TAR_BLOCK];
static struct img_store *st;

/* A link, then 700 bytes of pattern, then the end. */
static struct img_archive *open_tar(size_t len)
{
	struct img_pull in = { .at = 0 };
	struct img_archive *archive;

	put_header(tar, "../../link", 0, '2');
	put_header(tar + TAR_BLOCK, "./deep/disk\033.raw", 700, '0');
	fill_pattern(tar + 2 * TAR_BLOCK, 0, 700);
	ok(st = img_store_mem(tar, len, &err));
	in.st = st;
	ok(archive = img_archive_read_from(&in, IMG_ARCHIVE_MEMBERS, false, &err));
	return archive;
}

Test(archive, says_what_there_is_and_where)
{
	struct img_archive *archive = open_tar(sizeof(tar));
	struct img_member m;
	uint8_t buf[1000];
	size_t got;
	bool end;

	ok(img_archive_next(archive, &m, &end, &err));
	cr_assert(!end && m.number == 1 && m.kind == IMG_MEMBER_OTHER && !m.in_place);
	ok(img_archive_read(archive, buf, 10, &got, &err));
	cr_assert_eq(got, 0);
	ok(img_archive_next(archive, &m, &end, &err));
	cr_assert(!end && m.number == 2 && m.kind == IMG_MEMBER_FILE && m.size == 700);
	cr_assert_str_eq(m.name, "./deep/disk?.raw");
	cr_assert(m.in_place && m.at == 2 * TAR_BLOCK);
	ok(img_archive_read(archive, buf, 300, &got, &err));
	cr_assert(got == 300 && is_pattern(buf, 0, 300));
	ok(img_archive_read(archive, buf, 1000, &got, &err));
	cr_assert(got == 400 && is_pattern(buf, 300, 400));
	ok(img_archive_next(archive, &m, &end, &err));
	cr_assert(end);
	img_archive_close(archive);
	img_store_close(st);
}

Test(archive, what_is_cut_off_is_said)
{
	struct img_archive *archive = open_tar(2 * TAR_BLOCK + 300);
	struct img_member m;
	uint8_t buf[1000];
	size_t got;
	bool end;

	ok(img_archive_next(archive, &m, &end, &err));
	ok(img_archive_next(archive, &m, &end, &err));
	fails(img_archive_read(archive, buf, 700, &got, &err), IMG_E_INCOMPLETE);
	cr_assert(strstr(err.text, "member 2, \"./deep/disk?.raw\""), "%s", err.text);
	img_archive_close(archive);
	img_store_close(st);
}

Test(archive, other_bytes_are_none)
{
	struct img_pull in = { .at = 0 };

	ok(in.st = img_store_mem("no archive at all", 17, &err));
	cr_assert(!img_archive_read_from(&in, IMG_ARCHIVE_MEMBERS, false, &err));
	cr_assert_eq(err.code, IMG_E_NOT_THIS_FORMAT);
	img_store_close(in.st);
}

Test(archive, a_member_is_meant_by_number_name_or_pattern)
{
	const struct img_member m = { .number = 12, .name = "./a/disk[1].vmdk" };
	static const char *const means[] = { "12", "a/disk[1].vmdk", "./a/disk[1].vmdk", "*.vmdk", "a/*" };
	static const char *const others[] = { "1", "disk[1].vmdk", "", "*.qcow2", "0", "012x" };

	for (size_t i = 0; i < sizeof(means) / sizeof(means[0]); i++)
		cr_assert(img_member_is(&m, means[i]), "%s", means[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		cr_assert(!img_member_is(&m, others[i]), "%s", others[i]);
}
