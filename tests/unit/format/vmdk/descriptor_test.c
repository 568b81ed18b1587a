/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors from text: what they say, and what is refused. */
#include <criterion/criterion.h>
#include <string.h>
#include "format/vmdk/descriptor.h"

static bool parse(const char *text, struct vmdk_descriptor *out, struct img_err *err)
{
	*err = (struct img_err){ 0 };
	return vmdk_descriptor_parse((const uint8_t *)text, strlen(text), out, err);
}

Test(descriptor, says_what_the_image_is)
{
	static const char text[] =
		"# Disk DescriptorFile\r\n version = 1\r\nCID=0badcafe\r\nparentCID=12345678\r\n"
		"CID=1\ncreateType=\"vmfs\"\nparentFileNameHint=\"a b.vmdk\"\n"
		"RW 8 FLAT \"x y.bin\" 3\nrdonly 16 zero\nRW 1 SPARSE \"s\"\n"
		"ddb.adapterType = \"ide\"\nunknown = 7\nno pair\n";
	struct vmdk_descriptor d;
	struct img_err err;

	cr_assert(parse(text, &d, &err), "%s", err.text);
	cr_assert(d.cid == 0x0badcafe && d.parent_cid == 0x12345678);
	cr_assert_str_eq(d.create_type, "vmfs");
	cr_assert_str_eq(d.parent, "a b.vmdk");
	cr_assert_str_eq(d.adapter, "ide");
	cr_assert(d.n_extents == 3 && d.size == 25 * 512);
	cr_assert(d.extents[0].type == VMDK_EXTENT_FLAT && d.extents[0].at == 3 * 512);
	cr_assert_str_eq(d.extents[0].name, "x y.bin");
	cr_assert(d.extents[1].type == VMDK_EXTENT_ZERO && !d.extents[1].name);
	cr_assert(d.extents[2].type == VMDK_EXTENT_SPARSE && d.extents[2].len == 512);
	vmdk_descriptor_clear(&d);
}

Test(descriptor, ends_at_a_nul_byte)
{
	static const char text[] = "RW 8 ZERO\n\0RW 8 ZERO\n";
	struct vmdk_descriptor d;

	cr_assert(vmdk_descriptor_parse((const uint8_t *)text, sizeof(text), &d, NULL));
	cr_assert_eq(d.n_extents, 1);
	vmdk_descriptor_clear(&d);
}

static const struct {
	const char *text;
	enum img_code code;
} refused[] = {
	{ "", IMG_E_CORRUPT },
	{ "version=1\n", IMG_E_CORRUPT },
	{ "version=4\nRW 8 ZERO", IMG_E_UNSUPPORTED },
	{ "version=11\nRW 8 ZERO", IMG_E_UNSUPPORTED },
	{ "CID=\nRW 8 ZERO", IMG_E_CORRUPT },
	{ "CID=-1\nRW 8 ZERO", IMG_E_CORRUPT },
	{ "CID=123456789\nRW 8 ZERO", IMG_E_CORRUPT },
	{ "parentCID=x\nRW 8 ZERO", IMG_E_CORRUPT },
	{ "RW", IMG_E_CORRUPT },
	{ "RW 8", IMG_E_CORRUPT },
	{ "RW 0 ZERO", IMG_E_CORRUPT },
	{ "RW -8 ZERO", IMG_E_CORRUPT },
	{ "RW 8x ZERO", IMG_E_CORRUPT },
	{ "RW 36028797018963968 ZERO", IMG_E_CORRUPT },
	{ "RW 18446744073709551616 ZERO", IMG_E_CORRUPT },
	{ "RW 12009599006321322 ZERO\nRW 12009599006321322 ZERO", IMG_E_RANGE },
	{ "RW 8 FLAT", IMG_E_CORRUPT },
	{ "RW 8 FLAT name 0", IMG_E_CORRUPT },
	{ "RW 8 FLAT \"name 0", IMG_E_CORRUPT },
	{ "RW 8 FLAT \"\" 0", IMG_E_CORRUPT },
	{ "RW 8 FLAT \"name\" -1", IMG_E_CORRUPT },
	{ "RW 8 FLAT \"name\" \"0\"", IMG_E_CORRUPT },
	{ "RW 8 VMFSRDM \"name\"", IMG_E_UNSUPPORTED },
	{ "RW 8 VMFSRAW \"name\"", IMG_E_UNSUPPORTED },
	{ "RW 8 OTHER \"name\"", IMG_E_UNSUPPORTED },
	{ "NOACCESS 8 ZERO", IMG_E_UNSUPPORTED },
	{ "createType=\"partitionedDevice\"\nRW 8 ZERO", IMG_E_UNSUPPORTED },
	{ "createType=\"vmfsRDMP\"", IMG_E_UNSUPPORTED },
};

Test(descriptor, refuses)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct vmdk_descriptor d;
		struct img_err err;

		cr_assert_not(parse(refused[i].text, &d, &err), "%s", refused[i].text);
		cr_assert_eq(err.code, refused[i].code, "%s: %s", refused[i].text, err.text);
		vmdk_descriptor_clear(&d);
	}
}

static const struct {
	const char *text;
	bool is;
} heads[] = {
	{ "# Disk DescriptorFile\nversion=1\n", true },
	{ "\r\n  # disk descriptorfile\r\n", true },
	{ "# made by hand\n# Disk DescriptorFile", true },
	{ "version=1\nCID=1\n", true },
	{ "# a comment\nversion=3\nparentCID=2\nCID=1\n", true },
	{ "version=1\n", false },
	{ "version=4\nCID=1\n", false },
	{ "x\n# Disk DescriptorFile\n", false },
	{ "# Disk Descriptor", false },
	{ "", false },
	{ "\n\n", false },
};

Test(descriptor, is_recognized)
{
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		cr_assert_eq(vmdk_is_descriptor((const uint8_t *)heads[i].text,
						strlen(heads[i].text)),
			     heads[i].is, "%s", heads[i].text);
}
