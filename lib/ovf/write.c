/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A descriptor for a machine, as the product that it is for wants it.  Elements are in schema order. */
#include <inttypes.h>
#include <string.h>
#include "base/mem.h"
#include "base/xml.h"
#include "ovf/ovf.h"

#define CIM "http://schemas.dmtf.org/wbem/wscim/1/"

/* ---- What there is to choose --------------------------------------------------------------------- */

/* Numbers of CIM_OperatingSystem.OSType (CIM 2.52), and VirtualMachineGuestOsIdentifier of vSphere. */
static const struct system {
	const char *name, *description;
	unsigned id;
	const char *vmware;
} systems[] = {
	{ "other64", "Other (64-bit)", 102, "otherGuest64" },
	{ "other", "Other (32-bit)", 1, "otherGuest" },
	{ "linux", "Linux (64-bit)", 101, "other3xLinux64Guest" },
	{ "centos", "CentOS (64-bit)", 107, "centos7_64Guest" },
	{ "debian", "Debian GNU/Linux (64-bit)", 96, "debian10_64Guest" },
	{ "oracle", "Oracle Linux (64-bit)", 109, "oracleLinux7_64Guest" },
	{ "rhel", "Red Hat Enterprise Linux (64-bit)", 80, "rhel7_64Guest" },
	{ "sles", "SUSE Linux Enterprise Server (64-bit)", 85, "sles12_64Guest" },
	{ "ubuntu", "Ubuntu Linux (64-bit)", 94, "ubuntu64Guest" },
	{ "windows2012r2", "Microsoft Windows Server 2012 R2 (64-bit)", 115, "windows8Server64Guest" },
};

/*
 * VMware: templates and ova-compose of its open-vmdk.  VirtualBox: ovfreader.cpp, which takes AHCI, and
 * what VMware calls it in new versions alone.  oVirt reads what VMware writes.
 */
static const struct controller {
	const char *name, *label;
	unsigned type;
	const char *subtype[3];		/* for each profile; NULL: none is said */
	unsigned disks;			/* that it takes */
	unsigned skipped;		/* an address that is the controller's own; 0: none is */
} controllers[] = {
	{ "lsilogic", "SCSI Controller 0", IMG_OVF_SCSI, { "lsilogic", "lsilogic", "lsilogic" }, 15, 7 },
	{ "pvscsi", "SCSI Controller 0", IMG_OVF_SCSI,
	  { "VirtualSCSI", "VirtualSCSI", "VirtualSCSI" }, 15, 7 },
	{ "buslogic", "SCSI Controller 0", IMG_OVF_SCSI, { "buslogic", "buslogic", "buslogic" }, 15, 7 },
	{ "sata", "SATA Controller 0", IMG_OVF_SATA,
	  { "vmware.sata.ahci", "AHCI", "vmware.sata.ahci" }, 30, 0 },
	{ "ide", "IDE Controller 0", IMG_OVF_IDE, { NULL, "PIIX4", NULL }, 2, 0 },
};

/*
 * vmx-13 is the hardware of ESXi 6.5, the first that took a manifest with SHA-256; open-vmdk has a
 * template of it.  virtualbox-2.2 is what VirtualBox writes itself.
 */
static const struct profile {
	const char *hardware, *controller, *network;
} profiles[] = {
	[IMG_OVF_VSPHERE] = { "vmx-13", "lsilogic", "VmxNet3" },
	[IMG_OVF_VIRTUALBOX] = { "virtualbox-2.2", "sata", "E1000" },
	[IMG_OVF_OVIRT] = { "vmx-13", "lsilogic", "VmxNet3" },
};

enum { N_SYSTEMS = sizeof(systems) / sizeof(systems[0]),
       N_CONTROLLERS = sizeof(controllers) / sizeof(controllers[0]) };

const char *img_ovf_os_name(size_t index)
{
	return index < N_SYSTEMS ? systems[index].name : NULL;
}

static const struct system *find_system(const char *name, struct img_err *err)
{
	for (size_t i = 0; i < N_SYSTEMS; i++)
		if (!name || !strcmp(systems[i].name, name))
			return &systems[i];
	img_fail(err, IMG_E_ARGUMENT, _("there is no guest system \"%s\" in OVF"), name);
	return NULL;
}

static const struct controller *find_controller(const char *name, size_t n_disks, struct img_err *err)
{
	for (size_t i = 0; i < N_CONTROLLERS; i++) {
		if (strcmp(controllers[i].name, name))
			continue;
		if (n_disks <= controllers[i].disks)
			return &controllers[i];
		img_fail(err, IMG_E_RANGE, _("%zu disks are too many for one controller of the kind "
					     "\"%s\", which takes %u"), n_disks, name,
			 controllers[i].disks);
		return NULL;
	}
	img_fail(err, IMG_E_ARGUMENT, _("there is no controller \"%s\""), name);
	return NULL;
}

/* ---- Parts of a descriptor ----------------------------------------------------------------------- */

struct writing {
	struct img_xml *xml;
	const struct img_ovf_machine *machine;
	const struct profile *profile;
	const struct system *system;
	const struct controller *controller;
	enum img_ovf_profile which;
	const struct img_ovf_image *disks;
	size_t n_disks;
	unsigned next_id;		/* of the next item */
};

/* Long enough for what is made of numbers here. */
enum { NUMBER_TEXT = 64 };

static void put_number_attribute(struct img_xml *xml, const char *name, uint64_t value)
{
	char text[NUMBER_TEXT];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	img_xml_attribute(xml, name, text);
}

static void put_name_attribute(struct img_xml *xml, const char *name, const char *prefix, size_t n)
{
	char text[NUMBER_TEXT];

	(void)snprintf(text, sizeof(text), "%s%zu", prefix, n);
	img_xml_attribute(xml, name, text);
}

static void put_number(struct img_xml *xml, const char *name, uint64_t value)
{
	char text[NUMBER_TEXT];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	img_xml_leaf(xml, name, text);
}

static void put_envelope(struct img_xml *xml)
{
	img_xml_start(xml, "Envelope");
	img_xml_attribute(xml, "xmlns", OVF_NAMESPACE_1);
	img_xml_attribute(xml, "xmlns:ovf", OVF_NAMESPACE_1);
	img_xml_attribute(xml, "xmlns:rasd", CIM "cim-schema/2/CIM_ResourceAllocationSettingData");
	img_xml_attribute(xml, "xmlns:vmw", "http://www.vmware.com/schema/ovf");
	img_xml_attribute(xml, "xmlns:vssd", CIM "cim-schema/2/CIM_VirtualSystemSettingData");
}

static bool put_files(struct writing *w, struct img_err *err)
{
	struct img_xml *xml = w->xml;

	img_xml_start(xml, "References");
	for (size_t i = 0; i < w->n_disks; i++) {
		IMG_AUTO_FREE char *uri = ovf_href_encode(w->disks[i].href, err);

		if (!uri)
			return false;
		img_xml_start(xml, "File");
		img_xml_attribute(xml, "ovf:href", uri);
		put_name_attribute(xml, "ovf:id", "file", i + 1);
		put_number_attribute(xml, "ovf:size", w->disks[i].file_size);
		img_xml_end(xml);
	}
	img_xml_end(xml);
	return true;
}

static void put_disks(struct writing *w)
{
	struct img_xml *xml = w->xml;

	img_xml_start(xml, "DiskSection");
	img_xml_leaf(xml, "Info", "Virtual disks");
	for (size_t i = 0; i < w->n_disks; i++) {
		img_xml_start(xml, "Disk");
		put_number_attribute(xml, "ovf:capacity", w->disks[i].capacity);
		img_xml_attribute(xml, "ovf:capacityAllocationUnits", "byte");
		put_name_attribute(xml, "ovf:diskId", "vmdisk", i + 1);
		put_name_attribute(xml, "ovf:fileRef", "file", i + 1);
		img_xml_attribute(xml, "ovf:format", OVF_STREAM_FORMAT);
		put_number_attribute(xml, "ovf:populatedSize", w->disks[i].populated);
		img_xml_end(xml);
	}
	img_xml_end(xml);
}

/* Whether one of that name was there before it. */
static bool is_known_network(const struct img_ovf_machine *machine, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(machine->networks[i].name, machine->networks[n].name))
			return true;
	return false;
}

static void put_networks(struct writing *w)
{
	struct img_xml *xml = w->xml;

	if (!w->machine->n_networks)
		return;
	img_xml_start(xml, "NetworkSection");
	img_xml_leaf(xml, "Info", "Logical networks");
	for (size_t i = 0; i < w->machine->n_networks; i++) {
		if (is_known_network(w->machine, i))
			continue;
		img_xml_start(xml, "Network");
		img_xml_attribute(xml, "ovf:name", w->machine->networks[i].name);
		img_xml_end(xml);
	}
	img_xml_end(xml);
}

static void put_os(struct writing *w)
{
	struct img_xml *xml = w->xml;

	img_xml_start(xml, "OperatingSystemSection");
	put_number_attribute(xml, "ovf:id", w->system->id);
	img_xml_attribute(xml, "vmw:osType", w->system->vmware);
	img_xml_leaf(xml, "Info", "The guest operating system");
	img_xml_leaf(xml, "Description", w->system->description);
	img_xml_end(xml);
}

static void put_family(struct writing *w)
{
	struct img_xml *xml = w->xml;

	img_xml_start(xml, "System");
	img_xml_leaf(xml, "vssd:ElementName", "Virtual Hardware Family");
	img_xml_leaf(xml, "vssd:InstanceID", "0");
	img_xml_leaf(xml, "vssd:VirtualSystemIdentifier", w->machine->name);
	img_xml_leaf(xml, "vssd:VirtualSystemType",
		     w->machine->hardware ? w->machine->hardware : w->profile->hardware);
	img_xml_end(xml);
}

static void put_processors(struct writing *w)
{
	const unsigned n = w->machine->cpus ? w->machine->cpus : 1;
	struct img_xml *xml = w->xml;

	img_xml_start(xml, "Item");
	img_xml_leaf(xml, "rasd:AllocationUnits", "hertz * 10^6");
	img_xml_leaf(xml, "rasd:ElementName", "Processors");
	put_number(xml, "rasd:InstanceID", w->next_id++);
	put_number(xml, "rasd:ResourceType", IMG_OVF_CPU);
	put_number(xml, "rasd:VirtualQuantity", n);
	img_xml_end(xml);
}

/* In whole MiB: VMware writes no other unit, and VirtualBox refuses bytes. */
static void put_memory(struct writing *w)
{
	const uint64_t bytes = w->machine->memory ? w->machine->memory : UINT64_C(1) << 30;
	struct img_xml *xml = w->xml;

	img_xml_start(xml, "Item");
	img_xml_leaf(xml, "rasd:AllocationUnits", "byte * 2^20");
	img_xml_leaf(xml, "rasd:ElementName", "Memory");
	put_number(xml, "rasd:InstanceID", w->next_id++);
	put_number(xml, "rasd:ResourceType", IMG_OVF_MEMORY);
	put_number(xml, "rasd:VirtualQuantity", (bytes >> 20) + !!(bytes & ((1 << 20) - 1)));
	img_xml_end(xml);
}

/* Returns its id. */
static unsigned put_controller(struct writing *w)
{
	const char *subtype = w->controller->subtype[w->which];
	struct img_xml *xml = w->xml;

	img_xml_start(xml, "Item");
	img_xml_leaf(xml, "rasd:Address", "0");
	img_xml_leaf(xml, "rasd:ElementName", w->controller->label);
	put_number(xml, "rasd:InstanceID", w->next_id);
	if (subtype)
		img_xml_leaf(xml, "rasd:ResourceSubType", subtype);
	put_number(xml, "rasd:ResourceType", w->controller->type);
	img_xml_end(xml);
	return w->next_id++;
}

static void put_disk_item(struct writing *w, size_t i, unsigned controller)
{
	const unsigned skipped = w->controller->skipped;
	struct img_xml *xml = w->xml;
	char text[NUMBER_TEXT];

	img_xml_start(xml, "Item");
	put_number(xml, "rasd:AddressOnParent", i + (skipped && i >= skipped));
	(void)snprintf(text, sizeof(text), "Hard Disk %zu", i + 1);
	img_xml_leaf(xml, "rasd:ElementName", text);
	(void)snprintf(text, sizeof(text), "ovf:/disk/vmdisk%zu", i + 1);
	img_xml_leaf(xml, "rasd:HostResource", text);
	put_number(xml, "rasd:InstanceID", w->next_id++);
	put_number(xml, "rasd:Parent", controller);
	put_number(xml, "rasd:ResourceType", IMG_OVF_DISK);
	img_xml_end(xml);
}

static void put_network_item(struct writing *w, size_t i)
{
	const struct img_ovf_network *net = &w->machine->networks[i];
	struct img_xml *xml = w->xml;
	char text[NUMBER_TEXT];

	img_xml_start(xml, "Item");
	put_number(xml, "rasd:AddressOnParent", 7 + i);	/* behind what VMware puts on that bus itself */
	img_xml_leaf(xml, "rasd:AutomaticAllocation", "true");
	img_xml_leaf(xml, "rasd:Connection", net->name);
	(void)snprintf(text, sizeof(text), "Network Adapter %zu", i + 1);
	img_xml_leaf(xml, "rasd:ElementName", text);
	put_number(xml, "rasd:InstanceID", w->next_id++);
	img_xml_leaf(xml, "rasd:ResourceSubType", net->model ? net->model : w->profile->network);
	put_number(xml, "rasd:ResourceType", IMG_OVF_NETWORK);
	img_xml_end(xml);
}

static void put_firmware(struct img_xml *xml)
{
	img_xml_start(xml, "vmw:Config");
	img_xml_attribute(xml, "ovf:required", "false");
	img_xml_attribute(xml, "vmw:key", "firmware");
	img_xml_attribute(xml, "vmw:value", "efi");
	img_xml_end(xml);
}

static void put_hardware(struct writing *w)
{
	unsigned controller;

	img_xml_start(w->xml, "VirtualHardwareSection");
	img_xml_leaf(w->xml, "Info", "Virtual hardware requirements");
	put_family(w);
	put_processors(w);
	put_memory(w);
	controller = w->n_disks ? put_controller(w) : 0;
	for (size_t i = 0; i < w->n_disks; i++)
		put_disk_item(w, i, controller);
	for (size_t i = 0; i < w->machine->n_networks; i++)
		put_network_item(w, i);
	if (w->machine->efi)
		put_firmware(w->xml);
	img_xml_end(w->xml);
}

static void put_system(struct writing *w)
{
	img_xml_start(w->xml, "VirtualSystem");
	img_xml_attribute(w->xml, "ovf:id", w->machine->name);
	img_xml_leaf(w->xml, "Info", "A virtual machine");
	img_xml_leaf(w->xml, "Name", w->machine->name);
	put_os(w);
	put_hardware(w);
	img_xml_end(w->xml);
}

/* ---- All of it ----------------------------------------------------------------------------------- */

static bool write_to(struct writing *w, FILE *out, struct img_err *err)
{
	bool ok;

	w->xml = img_xml_open(out, err);
	if (!w->xml)
		return false;
	put_envelope(w->xml);
	ok = put_files(w, err);
	put_disks(w);
	put_networks(w);
	put_system(w);
	img_xml_end(w->xml);
	return img_xml_close(w->xml, err) && ok;
}

static char *to_text(struct writing *w, size_t *len, struct img_err *err)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);
	bool ok;

	if (!out) {
		img_fail_nomem(err, 1);
		return NULL;
	}
	ok = write_to(w, out, err);
	if (fclose(out) && ok)
		ok = img_fail_os(err, _("out of memory while writing XML"));
	if (ok)
		return text;
	free(text);
	return NULL;
}

char *img_ovf_write(const struct img_ovf_machine *machine, enum img_ovf_profile profile,
		    const struct img_ovf_image *disks, size_t n_disks, size_t *len,
		    struct img_err *err)
{
	struct writing w = {
		.machine = machine, .profile = &profiles[profile], .which = profile,
		.disks = disks, .n_disks = n_disks, .next_id = 1,
	};

	w.system = find_system(machine->os, err);
	if (w.system)
		w.controller = find_controller(machine->controller ? machine->controller
					       : w.profile->controller, n_disks, err);
	return w.controller ? to_text(&w, len, err) : NULL;
}
