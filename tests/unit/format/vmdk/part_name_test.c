/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which names are those of extents, and when one has no descriptor. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "format/vmdk/vmdk.h"
#include "format/vmdk/sparse.h"

Test(vmdk_part_name, tells_extents_of_plain_bytes)
{
	static const char *const plain[] = {
		"disk-flat.vmdk", "/a/b.c/disk-f001.vmdk", "disk-F-f12345.VMDK",
	};
	static const char *const others[] = {
		"disk.vmdk", "flat.vmdk", "-flat.vmdk", "disk-flat.raw", "disk-f01.vmdk", "disk-s001.vmdk",
		"-f001.vmdk", "f001.vmdk", "001.vmdk", ".vmdk", "", "disk-f001", "disk-x001.vmdk",
	};

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		cr_assert(vmdk_is_plain_part(plain[i]), "%s", plain[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		cr_assert(!vmdk_is_plain_part(others[i]), "%s", others[i]);
}

/* Of a file with that name and a descriptor of one sector that begins with text. */
static bool is_bare(const char *name, uint64_t capacity, const char *text)
{
	const struct vmdk_header hdr = {
		.capacity = capacity, .desc_at = VMDK_SECTOR, .desc_len = text ? VMDK_SECTOR : 0,
	};
	static uint8_t bytes[2 * VMDK_SECTOR];
	struct img_err err = { 0 };
	struct img_store *st;
	bool bare = false;

	memset(bytes, 0, sizeof(bytes));
	if (text)
		memcpy(bytes + VMDK_SECTOR, text, strlen(text));
	st = img_store_mem(bytes, sizeof(bytes), &err);
	cr_assert(st, "%s", err.text);
	free(st->name);
	st->name = strdup(name);
	cr_assert(vmdk_is_bare(st, &hdr, &bare, &err), "%s", err.text);
	img_store_close(st);
	return bare;
}

Test(vmdk_part_name, an_extent_has_no_descriptor)
{
	cr_assert(is_bare("disk-s001.vmdk", 1, NULL));
	cr_assert(is_bare("disk-s001.vmdk", 1, ""));
	cr_assert(!is_bare("disk-s001.vmdk", 1, "# Disk DescriptorFile"));
	cr_assert(!is_bare("disk-s001.vmdk", 0, ""));
	cr_assert(!is_bare("disk.vmdk", 1, ""));
}
