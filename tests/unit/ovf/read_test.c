/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors of both versions, and what is wrong with some. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ovf/ovf.h"

#define ENVELOPE(version, inside) \
	"<Envelope xmlns='http://schemas.dmtf.org/ovf/envelope/" version "' " \
	"xmlns:ovf='http://schemas.dmtf.org/ovf/envelope/" version "' xmlns:r='cim' xmlns:vmw='v'>" \
	inside "</Envelope>"

static struct img_ovf *read_text(const char *text, struct img_err *err)
{
	return img_ovf_read(text, strlen(text), err);
}

static void refuse(const char *text, enum img_code code, const char *says)
{
	struct img_err err = { 0 };

	cr_assert_null(read_text(text, &err), "%s", text);
	cr_expect_eq(err.code, code, "%d: %s", err.code, err.text);
	cr_expect(strstr(err.text, says), "%s", err.text);
}

static const char appliance[] = ENVELOPE("1",
	"<References><File ovf:id='f1' ovf:href='a.vmdk' ovf:size='4096'/>"
	"<File ovf:id='f2' ovf:href='b.vmdk.gz' ovf:compression='gzip' ovf:chunkSize='100'/>"
	"</References><DiskSection><Info/>"
	"<Disk ovf:diskId='d1' ovf:fileRef='f1' ovf:capacity='8' "
	"ovf:capacityAllocationUnits='byte * 2^30' ovf:format='uri' ovf:populatedSize='77'/>"
	"<Disk ovf:diskId='d2' ovf:capacity='${size}' ovf:parentRef='d1'/></DiskSection>"
	"<VirtualSystemCollection ovf:id='c'><VirtualSystem ovf:id='vm'><Name>web</Name>"
	"<OperatingSystemSection ovf:id='96' vmw:osType='debian10_64Guest'><Info/>"
	"</OperatingSystemSection><VirtualHardwareSection><System>"
	"<v:VirtualSystemType xmlns:v='x'>vmx-13</v:VirtualSystemType></System>"
	"<Item><r:AllocationUnits>MegaBytes</r:AllocationUnits><r:InstanceID>2</r:InstanceID>"
	"<r:ResourceType>4</r:ResourceType><r:VirtualQuantity> 512 </r:VirtualQuantity></Item>"
	"<Item><r:AddressOnParent>0</r:AddressOnParent><r:ElementName>Disk 1</r:ElementName>"
	"<r:HostResource>ovf:/disk/d1</r:HostResource><r:InstanceID>7</r:InstanceID>"
	"<r:Parent>3</r:Parent><r:ResourceType>17</r:ResourceType></Item>"
	"<Item><r:Connection>LAN</r:Connection><r:ResourceSubType>E1000</r:ResourceSubType>"
	"<r:ResourceType>10</r:ResourceType></Item>"
	"<vmw:Config vmw:key='firmware' vmw:value='efi'/>"
	"</VirtualHardwareSection></VirtualSystem></VirtualSystemCollection>");

Test(ovf, files_and_disks)
{
	struct img_err err = { 0 };
	struct img_ovf *ovf = read_text(appliance, &err);

	cr_assert(ovf, "%s", err.text);
	cr_assert_eq(ovf->version, 1);
	cr_assert_eq(ovf->n_files, 2);
	cr_assert_eq(ovf->files[0].size, 4096);
	cr_assert_null(ovf->files[0].compression);
	cr_assert_eq(ovf->files[1].size, IMG_SIZE_UNKNOWN);
	cr_assert_eq(ovf->files[1].chunk, 100);
	cr_assert_eq(ovf->n_disks, 2);
	cr_assert_eq(ovf->disks[0].capacity, UINT64_C(8) << 30);
	cr_assert_eq(ovf->disks[0].populated, 77);
	cr_assert_eq(ovf->disks[1].capacity, IMG_SIZE_UNKNOWN);
	cr_assert_str_eq(ovf->disks[1].parent, "d1");
	cr_assert_eq(img_ovf_file_of(ovf, "f2"), &ovf->files[1]);
	cr_assert_null(img_ovf_file_of(ovf, "f3"));
	cr_assert_null(img_ovf_file_of(ovf, NULL));
	img_ovf_free(ovf);
	img_ovf_free(NULL);
}

Test(ovf, hardware)
{
	struct img_err err = { 0 };
	struct img_ovf *ovf = read_text(appliance, &err);
	const struct img_ovf_system *vm;

	cr_assert(ovf, "%s", err.text);
	cr_assert_eq(ovf->n_systems, 1);
	vm = &ovf->systems[0];
	cr_assert_str_eq(vm->name, "web");
	cr_assert_str_eq(vm->os, "debian10_64Guest");
	cr_assert_str_eq(vm->hardware, "vmx-13");
	cr_assert_str_eq(vm->firmware, "efi");
	cr_assert_eq(vm->n_items, 3);
	cr_assert_eq(vm->items[0].quantity, UINT64_C(512) << 20);
	cr_assert_str_eq(vm->items[1].disk, "d1");
	cr_assert_null(vm->items[1].file);
	cr_assert_str_eq(vm->items[1].parent, "3");
	cr_assert_eq(vm->items[1].quantity, IMG_SIZE_UNKNOWN);
	cr_assert_str_eq(vm->items[2].network, "LAN");
	img_ovf_free(ovf);
}

Test(ovf, version_2_has_items_of_other_names)
{
	struct img_err err = { 0 };
	struct img_ovf *ovf = read_text(ENVELOPE("2", "<VirtualSystem><VirtualHardwareSection>"
		"<StorageItem><r:HostResource>/file/iso</r:HostResource><r:ResourceType>15"
		"</r:ResourceType></StorageItem><EthernetPortItem><r:ResourceType>10</r:ResourceType>"
		"</EthernetPortItem></VirtualHardwareSection></VirtualSystem>"), &err);

	cr_assert(ovf, "%s", err.text);
	cr_assert_eq(ovf->version, 2);
	cr_assert_eq(ovf->systems[0].n_items, 2);
	cr_assert_str_eq(ovf->systems[0].items[0].file, "iso");
	img_ovf_free(ovf);
}

Test(ovf, what_is_no_descriptor)
{
	refuse("<domain/>", IMG_E_NOT_THIS_FORMAT, "no OVF");
	refuse("<Envelope xmlns='http://www.w3.org/2003/05/soap-envelope'/>", IMG_E_NOT_THIS_FORMAT,
	       "no OVF");
	refuse(ENVELOPE("3", ""), IMG_E_UNSUPPORTED, "version \"3\"");
}

#define DISK(attributes) ENVELOPE("1", "<DiskSection><Disk " attributes "/></DiskSection>")
#define ITEM(inside) ENVELOPE("1", "<VirtualSystem><VirtualHardwareSection><Item>" inside \
			      "</Item></VirtualHardwareSection></VirtualSystem>")

Test(ovf, what_is_wrong_is_named)
{
	refuse(ENVELOPE("1", "<References><File ovf:id='f'/></References>"), IMG_E_CORRUPT, "href");
	refuse(ENVELOPE("1", "<References><File ovf:id='f' ovf:href='a' ovf:size='-1'/></References>"),
	       IMG_E_CORRUPT, "size=\"-1\"");
	refuse(DISK("ovf:capacity='1'"), IMG_E_CORRUPT, "diskId");
	refuse(DISK("ovf:diskId='d'"), IMG_E_CORRUPT, "capacity");
	refuse(DISK("ovf:diskId='d' ovf:capacity='x'"), IMG_E_CORRUPT, "no number");
	refuse(DISK("ovf:diskId='d' ovf:capacity='1' ovf:capacityAllocationUnits='acre'"),
	       IMG_E_CORRUPT, "acre");
	refuse(DISK("ovf:diskId='d' ovf:capacity='16' ovf:capacityAllocationUnits='byte*2^60'"),
	       IMG_E_RANGE, "2^60");
	refuse(ENVELOPE("1", "<References><File ovf:href='a'/></References>"), IMG_E_CORRUPT, "\"id\"");
	refuse(DISK("ovf:diskId='d' ovf:capacity='1' ovf:populatedSize='x'"), IMG_E_CORRUPT, "populatedSize");
	refuse(ITEM("<r:ResourceType>65536</r:ResourceType>"), IMG_E_CORRUPT, "resource type");
	refuse(ITEM("<r:ResourceType>4</r:ResourceType><r:AllocationUnits>acre</r:AllocationUnits>"
		    "<r:VirtualQuantity>1</r:VirtualQuantity>"), IMG_E_CORRUPT, "acre");
	refuse(ITEM("<r:ResourceType>4</r:ResourceType><r:AllocationUnits>byte * 2^60</r:AllocationUnits>"
		    "<r:VirtualQuantity>16</r:VirtualQuantity>"), IMG_E_RANGE, "2^60");
	refuse(ITEM("<r:InstanceID>1</r:InstanceID>"), IMG_E_CORRUPT, "resource type");
	refuse(ITEM("<r:ResourceType>3</r:ResourceType><r:VirtualQuantity>two</r:VirtualQuantity>"),
	       IMG_E_CORRUPT, "two");
}

Test(ovf, collections_have_a_limit)
{
	char text[4096];
	size_t n = (size_t)snprintf(text, sizeof(text), "%.*s", (int)strcspn(ENVELOPE("1", ""), ">") + 1,
				    ENVELOPE("1", ""));

	for (int i = 0; i < 20; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "<VirtualSystemCollection>");
	for (int i = 0; i < 20; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "</VirtualSystemCollection>");
	snprintf(text + n, sizeof(text) - n, "</Envelope>");
	refuse(text, IMG_E_RANGE, "collections");
}

/* n times the same element, between what opens and what closes an envelope. */
static bool reads_many(const char *before, const char *one, size_t n, const char *after, struct img_err *err)
{
	const size_t len = strlen(one), head = strlen(before);
	char *text = malloc(head + n * len + strlen(after) + 1);
	struct img_ovf *ovf;

	cr_assert(text);
	memcpy(text, before, head);
	for (size_t i = 0; i < n; i++)
		memcpy(text + head + i * len, one, len);
	strcpy(text + head + n * len, after);
	ovf = read_text(text, err);
	img_ovf_free(ovf);
	free(text);
	return ovf;
}

#define OPEN "<Envelope xmlns='http://schemas.dmtf.org/ovf/envelope/1' xmlns:o='o'>"
#define MACHINE "<VirtualSystem><VirtualHardwareSection>"

Test(ovf, of_each_kind_there_is_a_limit)
{
	static const struct { size_t most; const char *before, *one, *after; } table[] = {
		{ 4096, OPEN "<References>", "<File o:id='f' o:href='a'/>", "</References></Envelope>" },
		{ 4096, OPEN "<DiskSection>", "<Disk o:diskId='d' o:capacity='1'/>",
		  "</DiskSection></Envelope>" },
		{ 1024, OPEN, "<VirtualSystem/>", "</Envelope>" },
		{ 4096, OPEN MACHINE, "<Item><ResourceType>1</ResourceType></Item>",
		  "</VirtualHardwareSection></VirtualSystem></Envelope>" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *before = table[i].before, *one = table[i].one, *after = table[i].after;
		struct img_err err = { 0 };

		cr_expect(reads_many(before, one, table[i].most, after, &err), "row %zu: %s", i, err.text);
		cr_expect_not(reads_many(before, one, table[i].most + 1, after, &err));
		cr_expect_eq(err.code, IMG_E_RANGE, "row %zu: %s", i, err.text);
	}
}

Test(ovf, units)
{
	static const struct { const char *text; uint64_t bytes; } table[] = {
		{ NULL, 1 }, { "", 1 }, { "byte", 1 }, { "byte * 2^30", 1 << 30 },
		{ "byte*2^20", 1 << 20 }, { " byte * 1024 * 10^3", 1024000 }, { "MegaBytes", 1 << 20 },
		{ "gb", 1 << 30 }, { "byte * 1^0", 1 }, { "byte * 0", 0 }, { "byte *", 0 },
		{ "byte 2", 0 }, { "byte * 2^", 0 }, { "byte * 2^64", 0 }, { "hertz", 0 },
		{ "byte * 99999999999999999999", 0 },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint64_t bytes = 0;

		cr_expect_eq(ovf_units(table[i].text, &bytes), table[i].bytes != 0, "row %zu", i);
		cr_expect_eq(bytes, table[i].bytes, "row %zu", i);
	}
}

Test(ovf, hrefs_are_uris_and_names_are_not)
{
	static const struct { const char *uri, *name, *back; } table[] = {
		{ "a.vmdk", "a.vmdk", "a.vmdk" }, { "my%20disk.vmdk", "my disk.vmdk", "my%20disk.vmdk" },
		{ "my disk", "my disk", "my%20disk" }, { "100%", "100%", "100%25" },
		{ "%zz%4", "%zz%4", "%25zz%254" }, { "a%00b", "a%00b", "a%2500b" },
		{ "%c3%BC", "\xc3\xbc", "%C3%BC" }, { "x%2f%2e%2e/y", "x/../y", "x/../y" },
		{ "%2525", "%25", "%2525" }, { "", "", "" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *name = ovf_href_decode(table[i].uri, NULL), *uri = ovf_href_encode(table[i].name, NULL);

		cr_expect_str_eq(name, table[i].name);
		cr_expect_str_eq(uri, table[i].back);
		free(name);
		free(uri);
	}
}

Test(ovf, names_stay_in_the_folder)
{
	static const char *const inside[] = { "a", "a/b", "a/c:d", "..a", "a..", "x/..y" };
	static const char *const outside[] = {
		"", "/a", "..", ".", "a/../b", "../a", "a//b", "a/", "http://h/a", "file:/etc/passwd",
		"a/..", "a:b", "a:b/c:d",
	};

	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
		cr_expect(img_ovf_href_is_inside(inside[i]), "%s", inside[i]);
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		cr_expect_not(img_ovf_href_is_inside(outside[i]), "%s", outside[i]);
}
