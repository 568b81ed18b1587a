/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What VMware takes: an ESXi host as the disk of a virtual machine in a datastore, vSphere as a
 * file that is uploaded or lies beside an OVF descriptor.
 */
#include <strings.h>
#include "common/text.h"
#include "imgcheck/targets.h"

#define STORAGE "VMware vSphere Storage 6.5, \"Supported Disk Formats\" (vmkfstools -d)"
#define LARGE "VMware KB 2058287, https://kb.vmware.com/s/article/2058287"
#define GOVMOMI "VMware govmomi, vmdk/import.go, Seek(): \"must be streamOptimized\", " \
	"https://github.com/vmware/govmomi"
#define ADAPTERS "VMware vSphere API, VirtualDiskManager.VirtualDiskAdapterType, https://" \
	"developer.broadcom.com/xapis/virtual-infrastructure-json-api/latest/data-structures/" \
	"VirtualDiskAdapterType_enum"
#define TO_FLAT "imgconv -O vmdk -o subformat=monolithicFlat"
#define TO_STREAM "imgconv -O vmdk -o subformat=streamOptimized"

#define SIZE_MAX_BYTES (UINT64_C(62) << 40)
#define LEAST_HARDWARE 4
#define LEAST_HARDWARE_OF_STREAM 9
#define USUAL_GRAIN (UINT64_C(64) << 10)

static bool no_vmdk(const struct facts *facts)
{
	return !facts_is(facts, "vmdk");
}

static bool too_large(const struct facts *facts)
{
	return facts_larger(facts, SIZE_MAX_BYTES);
}

static bool has_other_adapter(const struct facts *facts)
{
	static const char *const known[] = { "ide", "buslogic", "lsilogic" };

	for (size_t i = 0; facts->vmdk.adapter && i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcasecmp(facts->vmdk.adapter, known[i]))
			return false;
	return facts->vmdk.described;
}

/* ---- ESXi ------------------------------------------------------------------------------------ */

static bool is_hosted(const struct facts *facts)
{
	return facts->vmdk.sparse && !facts->vmdk.compressed;
}

static bool is_compressed(const struct facts *facts)
{
	return facts->vmdk.compressed;
}

static bool has_wrong_parent(const struct facts *facts)
{
	return facts->stands_on_other &&
	       (facts_found(facts, "image.mismatch") || facts_found(facts, "image.chain"));
}

static bool is_split(const struct facts *facts)
{
	return facts->vmdk.n_extents > 1;
}

static bool is_hosted_flat(const struct facts *facts)
{
	return facts->vmdk.flat && facts->vmdk.n_extents == 1 &&
	       (!facts->vmdk.type || strncmp(facts->vmdk.type, "vmfs", 4) != 0);
}

static bool has_old_hardware(const struct facts *facts)
{
	return facts->vmdk.described && facts->vmdk.hardware < LEAST_HARDWARE;
}

const struct rule rules_esxi[] = {
	{ "for.esxi.format", true, no_vmdk,
	  N_("the disks of virtual machines are VMDK images"), STORAGE, TO_FLAT },
	{ "for.esxi.hosted", true, is_hosted,
	  N_("a sparse disk of the hosted products must be imported before a virtual machine can "
	     "be started from it"), STORAGE, TO_FLAT },
	{ "for.esxi.stream", true, is_compressed,
	  N_("a compressed stream is for transport: it can be imported, but not be written at "
	     "random"),
	  "VMware Virtual Disk Development Kit, \"Virtual Disk Types\": "
	  "VIXDISKLIB_DISK_STREAM_OPTIMIZED", TO_FLAT },
	{ "for.esxi.parent", true, has_wrong_parent,
	  N_("the image that it stands on is missing, or is not what it was made for"),
	  "VMware KB 1007969, https://kb.vmware.com/s/article/1007969", NULL },
	{ "for.esxi.size", true, too_large, N_("a disk has at most 62 TiB"), LARGE, NULL },
	{ "for.esxi.split", false, is_split,
	  N_("disks in several files need the module multiextent, which is not loaded by default"),
	  "https://williamlam.com/tag/multiextent (release notes of vSphere 5.1)", TO_FLAT },
	{ "for.esxi.flat", false, is_hosted_flat,
	  N_("the host's own disks have the type vmfs; whether another one is taken is not "
	     "documented"),
	  STORAGE, NULL },
	{ "for.esxi.hardware", false, has_old_hardware,
	  N_("no version of the virtual hardware is named, or one below 4, of which hosts run no "
	     "machines; whether they take such a disk is not documented"),
	  "VMware vSphere Client SDK 6.5, \"Virtual Machine Hardware Versions\": of version 3",
	  TO_FLAT },
	{ "for.esxi.adapter", false, has_other_adapter,
	  N_("the adapter type is not ide, busLogic or lsiLogic; what becomes of others is not "
	     "documented"), ADAPTERS, TO_FLAT },
	{ .id = NULL },
};

/* ---- vSphere --------------------------------------------------------------------------------- */

static bool is_old_stream(const struct facts *facts)
{
	return facts_is_stream(facts) && facts->vmdk.versions & (1u << 0 | 1u << 1 | 1u << 2);
}

static bool is_delta(const struct facts *facts)
{
	return facts_is_stream(facts) && facts->stands_on_other;
}

static bool has_no_end(const struct facts *facts)
{
	return facts_is_stream(facts) && !facts->vmdk.footer;
}

static bool has_unusual_grain(const struct facts *facts)
{
	return facts_is_stream(facts) && facts->vmdk.least_grain != USUAL_GRAIN;
}

static bool has_older_hardware(const struct facts *facts)
{
	return facts_is_stream(facts) && facts->vmdk.described &&
	       facts->vmdk.hardware < LEAST_HARDWARE_OF_STREAM;
}

static bool has_no_tools(const struct facts *facts)
{
	return facts_is_stream(facts) && facts->vmdk.described && !facts->vmdk.tools;
}

const struct rule rules_vsphere[] = {
	{ "for.vsphere.format", true, no_vmdk, N_("disks are imported as VMDK images"), GOVMOMI,
	  TO_STREAM },
	{ "for.vsphere.subformat", true, facts_is_other_vmdk,
	  N_("only a single compressed stream can be imported (type streamOptimized)"), GOVMOMI,
	  TO_STREAM },
	{ "for.vsphere.version", true, is_old_stream,
	  N_("a stream must say that it is of version 3"),
	  "https://github.com/glennmatthews/cot/issues/65: \"sparse VMDK version too old\"",
	  TO_STREAM },
	{ "for.vsphere.size", true, too_large, N_("a disk has at most 62 TiB"), LARGE, NULL },
	{ "for.vsphere.end", false, has_no_end,
	  N_("the stream has no footer and no end-of-stream marker, which the specification asks "
	     "for; whether they are needed is not documented"),
	  "VMware Virtual Disk Format 5.0, \"Stream-Optimized Compressed Sparse Extents\"",
	  TO_STREAM },
	{ "for.vsphere.grain", false, has_unusual_grain,
	  N_("the grains are not of 64 KiB; whether others are taken is not documented"),
	  "VMware Virtual Disk Format 5.0, \"Hosted Sparse Extents\"", TO_STREAM },
	{ "for.vsphere.parent", false, is_delta,
	  N_("it stands on another image; whether both can be imported is not documented"),
	  "DMTF DSP0243, \"DiskSection\": ovf:parentRef", TO_STREAM },
	{ "for.vsphere.hardware", false, has_older_hardware,
	  N_("no version of the virtual hardware is named, or one below 9; users say that this is "
	     "too old, VMware does not document it"),
	  "https://github.com/imcleod/VMDK-stream-converter/issues/4", TO_STREAM },
	{ "for.vsphere.adapter", false, has_other_adapter,
	  N_("the adapter type is not ide, busLogic or lsiLogic; what becomes of others is not "
	     "documented"), ADAPTERS, TO_STREAM },
	{ "for.vsphere.tools", false, has_no_tools,
	  N_("no version of the guest tools is named; users say that this makes trouble, VMware "
	     "does not document it"),
	  "https://github.com/imcleod/VMDK-stream-converter/issues/12", TO_STREAM },
	{ .id = NULL },
};
