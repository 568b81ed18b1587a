/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is written is read back; and other disks in a descriptor that exists. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "libimg.h"

static const struct img_ovf_network networks[] = { { "LAN", NULL }, { "LAN", "E1000" } };
static const struct img_ovf_machine machine = {
	.name = "web & co", .cpus = 3, .memory = (UINT64_C(5) << 20) + 1, .efi = true, .os = "debian",
	.networks = networks, .n_networks = 2,
};

static struct img_ovf *write_and_read(const struct img_ovf_machine *what, enum img_ovf_profile profile,
				      size_t n_disks)
{
	static struct img_ovf_image disks[30];
	struct img_err err = { 0 };
	struct img_ovf *ovf;
	size_t len;
	char *text;

	for (size_t i = 0; i < 30; i++)
		disks[i] = (struct img_ovf_image){ "d.vmdk", 700 + i, 512 * i, 9 };
	text = img_ovf_write(what, profile, disks, n_disks, &len, &err);
	cr_assert(text, "%s", err.text);
	cr_assert_eq(strlen(text), len);
	ovf = img_ovf_read(text, len, &err);
	cr_assert(ovf, "%s: %s", err.text, text);
	free(text);
	return ovf;
}

static const struct img_ovf_item *item_of(const struct img_ovf *ovf, unsigned type, size_t n)
{
	const struct img_ovf_item *found = NULL;

	for (size_t i = 0; i < ovf->systems[0].n_items && !found; i++)
		if (ovf->systems[0].items[i].type == type && !n--)
			found = &ovf->systems[0].items[i];
	cr_assert(found, "no item of type %u", type);
	return found;
}

Test(ovf_write, all_of_it_comes_back)
{
	struct img_ovf *ovf = write_and_read(&machine, IMG_OVF_VSPHERE, 2);
	const struct img_ovf_system *vm = &ovf->systems[0];

	cr_assert_str_eq(vm->name, "web & co");
	cr_assert_str_eq(vm->firmware, "efi");
	cr_assert_str_eq(vm->hardware, "vmx-13");
	cr_assert(strstr(vm->os, "Debian"));
	cr_assert_eq(item_of(ovf, IMG_OVF_CPU, 0)->quantity, 3);
	cr_assert_eq(item_of(ovf, IMG_OVF_MEMORY, 0)->quantity, UINT64_C(6) << 20);
	cr_assert_eq(ovf->disks[1].capacity, 512);
	cr_assert_eq(ovf->disks[1].populated, 9);
	cr_assert_eq(img_ovf_file_of(ovf, ovf->disks[1].file)->size, 701);
	cr_assert_str_eq(item_of(ovf, IMG_OVF_DISK, 1)->disk, ovf->disks[1].id);
	cr_assert_str_eq(item_of(ovf, IMG_OVF_DISK, 1)->parent, item_of(ovf, IMG_OVF_SCSI, 0)->id);
	cr_assert_str_eq(item_of(ovf, IMG_OVF_NETWORK, 0)->subtype, "VmxNet3");
	cr_assert_str_eq(item_of(ovf, IMG_OVF_NETWORK, 1)->subtype, "E1000");
	img_ovf_free(ovf);
}

Test(ovf_write, profiles_differ)
{
	const struct img_ovf_machine plain = { .name = "x" };
	struct img_ovf *ovf = write_and_read(&plain, IMG_OVF_VIRTUALBOX, 1);

	cr_assert_str_eq(ovf->systems[0].hardware, "virtualbox-2.2");
	cr_assert_str_eq(item_of(ovf, IMG_OVF_SATA, 0)->subtype, "AHCI");
	cr_assert_null(ovf->systems[0].firmware);
	cr_assert_eq(item_of(ovf, IMG_OVF_MEMORY, 0)->quantity, UINT64_C(1) << 30);
	img_ovf_free(ovf);
}

/* CIM_OperatingSystem.OSType. */
Test(ovf_write, systems_have_the_numbers_of_cim)
{
	static const struct { const char *name, *id; } known[] = {
		{ "other64", "\"102\"" }, { "linux", "\"101\"" }, { "centos", "\"107\"" },
		{ "debian", "\"96\"" },
		{ "oracle", "\"109\"" }, { "rhel", "\"80\"" }, { "sles", "\"85\"" }, { "ubuntu", "\"94\"" },
		{ "windows2012r2", "\"115\"" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const struct img_ovf_machine one = { .name = "vm", .os = known[i].name };
		struct img_err err = { 0 };
		size_t len;
		char *text = img_ovf_write(&one, IMG_OVF_VSPHERE, NULL, 0, &len, &err);
		const char *at = text ? strstr(text, "<OperatingSystemSection ovf:id=") : NULL;

		cr_assert(at, "%s", err.text);
		cr_expect_eq(strncmp(at + strlen("<OperatingSystemSection ovf:id="), known[i].id,
				     strlen(known[i].id)), 0, "%s", known[i].name);
		free(text);
	}
}

Test(ovf_write, the_address_of_a_scsi_controller_is_left_out)
{
	struct img_ovf *ovf = write_and_read(&machine, IMG_OVF_OVIRT, 9);

	cr_assert_str_eq(item_of(ovf, IMG_OVF_DISK, 6)->address, "6");
	cr_assert_str_eq(item_of(ovf, IMG_OVF_DISK, 7)->address, "8");
	img_ovf_free(ovf);
}

static void refuse(const struct img_ovf_machine *what, size_t n_disks, enum img_code code)
{
	static const struct img_ovf_image disks[16] = { { "d", 1, 1, 1 } };
	struct img_err err = { 0 };
	size_t len;

	cr_assert_null(img_ovf_write(what, IMG_OVF_VSPHERE, disks, n_disks, &len, &err));
	cr_assert_eq(err.code, code, "%s", err.text);
}

Test(ovf_write, what_there_is_not)
{
	refuse(&(struct img_ovf_machine){ .name = "x", .os = "beos" }, 1, IMG_E_ARGUMENT);
	refuse(&(struct img_ovf_machine){ .name = "x", .controller = "floppy" }, 1, IMG_E_ARGUMENT);
	refuse(&machine, 16, IMG_E_RANGE);
}

#define NS "http://schemas.dmtf.org/ovf/envelope/1"
#define FILES(files, disks) "<Envelope xmlns='" NS "' xmlns:o='" NS "'><References>" files \
	"</References><DiskSection>" disks "</DiskSection><Kept a='b'>c</Kept></Envelope>"
#define FILE1 "<File o:id='f' o:href='old' o:size='1' o:compression='gzip' o:chunkSize='3'/>"
#define DISK1 "<Disk o:diskId='d' o:fileRef='f' o:parentRef='p' o:capacity='8' " \
	"o:capacityAllocationUnits='GigaBytes'/>"

Test(ovf_fill, keeps_all_but_the_disk)
{
	static const char other[] = FILES(FILE1, DISK1);
	const struct img_ovf_image disk = { "new.vmdk", 77, 4096, 5 };
	struct img_err err = { 0 };
	size_t len;
	char *text = img_ovf_fill(other, strlen(other), &disk, 1, &len, &err);
	struct img_ovf *ovf;

	cr_assert(text, "%s", err.text);
	cr_assert(strstr(text, "<Kept a=\"b\">c</Kept>"));
	ovf = img_ovf_read(text, len, &err);
	cr_assert(ovf, "%s", err.text);
	cr_assert_str_eq(ovf->files[0].href, "new.vmdk");
	cr_assert_eq(ovf->files[0].size, 77);
	cr_assert_null(ovf->files[0].compression);
	cr_assert_eq(ovf->files[0].chunk, 0);
	cr_assert_eq(ovf->disks[0].capacity, 4096);
	cr_assert_str_eq(ovf->disks[0].id, "d");
	cr_assert_null(ovf->disks[0].parent);
	cr_assert(strstr(ovf->disks[0].format, "streamOptimized"));
	img_ovf_free(ovf);
	free(text);
}

static void refuse_fill(const char *other, enum img_code code)
{
	const struct img_ovf_image disk = { "new.vmdk", 77, 4096, 5 };
	struct img_err err = { 0 };
	size_t len;

	cr_assert_null(img_ovf_fill(other, strlen(other), &disk, 1, &len, &err));
	cr_assert_eq(err.code, code, "%s", err.text);
}

Test(ovf_fill, each_disk_has_a_file_of_its_own)
{
	static const char other[] = FILES(FILE1 "<File o:id='g' o:href='i'/>", DISK1 DISK1);
	const struct img_ovf_image disks[] = { { "a", 1, 512, 1 }, { "b", 1, 512, 1 } };
	struct img_err err = { 0 };
	size_t len;

	cr_assert_null(img_ovf_fill(other, strlen(other), disks, 2, &len, &err));
	cr_assert_eq(err.code, IMG_E_UNSUPPORTED, "%s", err.text);
	cr_assert(strstr(err.text, "another one"), "%s", err.text);
}

Test(ovf_fill, what_does_not_fit)
{
	refuse_fill(FILES(FILE1, ""), IMG_E_ARGUMENT);
	refuse_fill(FILES(FILE1, DISK1 DISK1), IMG_E_ARGUMENT);
	refuse_fill(FILES(FILE1 "<File o:id='iso' o:href='i'/>", DISK1), IMG_E_UNSUPPORTED);
	refuse_fill(FILES("<File o:id='g' o:href='i'/>", DISK1), IMG_E_UNSUPPORTED);
	refuse_fill(FILES("<File o:id='f' o:href='i'/>", "<Disk o:diskId='d'/>"), IMG_E_UNSUPPORTED);
	refuse_fill("<a/>", IMG_E_NOT_THIS_FORMAT);
}
