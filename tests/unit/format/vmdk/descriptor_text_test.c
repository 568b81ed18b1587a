/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors to text: what is written is what is read, and names that cannot be written. */
#include <criterion/criterion.h>
#include <string.h>
#include "format/vmdk/descriptor.h"

/* To be cleared. */
static struct vmdk_descriptor sample(const char *adapter, const char *parent)
{
	return (struct vmdk_descriptor){
		.cid = 0xbadcafe, .parent_cid = 0x12345678,
		.create_type = strdup("twoGbMaxExtentFlat"), .adapter = strdup(adapter),
		.parent = parent ? strdup(parent) : NULL, .hw_version = strdup("6"),
		.tools_version = strdup("7"),
	};
}

Test(descriptor_text, is_the_inverse_of_parsing)
{
	struct vmdk_descriptor desc = sample("lsilogic", "a b.vmdk"), read;
	char *text;
	size_t len;

	cr_assert(vmdk_descriptor_add(&desc, VMDK_EXTENT_FLAT, 63 * 255 * 512 * 3 + 512, "x y", NULL));
	cr_assert(vmdk_descriptor_add(&desc, VMDK_EXTENT_SPARSE, 1024, "s", NULL));
	cr_assert(vmdk_descriptor_add(&desc, VMDK_EXTENT_ZERO, 512, NULL, NULL));
	cr_assert(vmdk_descriptor_text(&desc, &text, &len, NULL));
	cr_assert_eq(len, strlen(text));
	cr_assert(vmdk_is_descriptor((const uint8_t *)text, len));
	cr_assert(vmdk_descriptor_parse((const uint8_t *)text, len, &read, NULL));
	cr_assert(read.cid == desc.cid && read.parent_cid == desc.parent_cid);
	cr_assert(read.size == desc.size && read.n_extents == 3);
	cr_assert_str_eq(read.create_type, desc.create_type);
	cr_assert_str_eq(read.parent, desc.parent);
	cr_assert_str_eq(read.adapter, desc.adapter);
	cr_assert_str_eq(read.hw_version, desc.hw_version);
	cr_assert_str_eq(read.tools_version, desc.tools_version);
	for (size_t i = 0; i < 3; i++) {
		cr_assert_eq(read.extents[i].type, desc.extents[i].type);
		cr_assert_eq(read.extents[i].len, desc.extents[i].len);
	}
	cr_assert_str_eq(read.extents[0].name, "x y");
	cr_assert(strstr(text, "\nddb.geometry.cylinders = \"3\"\nddb.geometry.heads = \"255\"\n"));
	vmdk_descriptor_clear(&read);
	free(text);
	vmdk_descriptor_clear(&desc);
}

Test(descriptor_text, has_no_parent_line_when_there_is_none)
{
	struct vmdk_descriptor desc = sample("ide", NULL);
	char *text;
	size_t len;

	desc.size = UINT64_C(3) << 30;
	cr_assert(vmdk_descriptor_text(&desc, &text, &len, NULL));
	cr_assert_null(strstr(text, "parentFileNameHint"));
	cr_assert(strstr(text, "\nCID=0badcafe\nparentCID=12345678\n"));
	cr_assert(strstr(text, "cylinders = \"6241\"\nddb.geometry.heads = \"16\"\n"),
		  "as qemu-img counts them");
	free(text);
	vmdk_descriptor_clear(&desc);
}

Test(descriptor_text, refuses_names_that_would_end_the_line)
{
	static const char *const names[] = { "a\"b", "a\nb", "a\rb" };
	struct vmdk_descriptor desc = sample("ide", NULL);
	struct img_err err;

	for (size_t i = 0; i < 3; i++) {
		cr_assert(!vmdk_descriptor_add(&desc, VMDK_EXTENT_FLAT, 512, names[i], &err));
		cr_assert_eq(err.code, IMG_E_ARGUMENT);
	}
	cr_assert_eq(desc.n_extents, 0);
	vmdk_descriptor_clear(&desc);
}
