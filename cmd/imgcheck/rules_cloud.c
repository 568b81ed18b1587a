/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What Amazon EC2 (VM Import/Export) and Microsoft Azure take as an upload. */
#include "common/text.h"
#include "imgcheck/targets.h"

#define AWS_FORMATS "AWS VM Import/Export User Guide, \"Image formats\", " \
	"https://docs.aws.amazon.com/vm-import/latest/userguide/prerequisites.html"
#define AWS_LIMITS "AWS VM Import/Export User Guide, \"Limitations\", " \
	"https://docs.aws.amazon.com/vm-import/latest/userguide/limitations-image.html"
#define AWS_TROUBLE "AWS VM Import/Export User Guide, \"Troubleshooting\": " \
	"\"Footers not identical\", " \
	"https://docs.aws.amazon.com/vm-import/latest/userguide/vmimport-troubleshooting.html"
#define AZURE_LINUX "Microsoft, \"Information for community supported and non-endorsed " \
	"distributions\", \"General Linux Installation Notes\", " \
	"https://learn.microsoft.com/azure/virtual-machines/linux/create-upload-generic"
#define AZURE_UPLOAD "Microsoft, DiskCreationData.UploadSizeBytes, https://learn.microsoft.com/" \
	"dotnet/api/azure.resourcemanager.compute.models.diskcreationdata.uploadsizebytes"
#define AZURE_OS "Microsoft, NodePoolProperties.OSDiskSizeGiB (\"4095 GiB for Managed disks\"), " \
	"https://learn.microsoft.com/dotnet/api/microsoft.azure.powershell.cmdlets." \
	"redhatopenshifthcp.models.nodepoolproperties.osdisksizegib"

#define TO_RAW "imgconv -O raw"
#define TO_STREAM "imgconv -O vmdk -o subformat=streamOptimized"
#define TO_VHD "imgconv -O raw, and qemu-img convert -O vpc -o subformat=fixed,force_size"

#define EC2_MAX (UINT64_C(16) << 40)
#define EC2_MAX_ALONE (UINT64_C(8) << 40)
#define AZURE_UNIT (UINT64_C(1) << 20)
#define AZURE_MIN (UINT64_C(20) << 20)
#define AZURE_MAX (UINT64_C(32) << 40)
#define AZURE_MAX_OS (UINT64_C(4095) << 30)

/* ---- EC2 ------------------------------------------------------------------------------------- */

static bool is_not_for_ec2(const struct facts *facts)
{
	return !facts_is(facts, "raw") && !facts_is(facts, "vmdk") && !facts_is(facts, "vhd") &&
	       !facts_is(facts, "vhdx");
}

static bool stands_on_other(const struct facts *facts)
{
	return facts->stands_on_other;
}

static bool is_too_large_for_ec2(const struct facts *facts)
{
	return facts_larger(facts, EC2_MAX - 1);
}

static bool needs_manifest(const struct facts *facts)
{
	return facts_larger(facts, EC2_MAX_ALONE) && !is_too_large_for_ec2(facts);
}

const struct rule rules_ec2[] = {
	{ "for.ec2.format", true, is_not_for_ec2,
	  N_("disks are imported as raw, VMDK, VHD or VHDX images"), AWS_FORMATS, TO_RAW },
	{ "for.ec2.subformat", true, facts_is_other_vmdk,
	  N_("a VMDK image must be a single compressed stream (type streamOptimized)"), AWS_FORMATS,
	  TO_STREAM },
	{ "for.ec2.parent", true, stands_on_other,
	  N_("an image that holds only the differences to another one cannot be imported"),
	  AWS_TROUBLE, TO_RAW },
	{ "for.ec2.size", true, is_too_large_for_ec2, N_("a disk must have less than 16 TiB"),
	  AWS_LIMITS, NULL },
	{ "for.ec2.manifest", false, needs_manifest,
	  N_("a disk of more than 8 TiB must come with a manifest file"), AWS_LIMITS, NULL },
	{ .id = NULL },
};

/* ---- Azure ----------------------------------------------------------------------------------- */

static bool is_no_vhd(const struct facts *facts)
{
	return !facts_is(facts, "vhd");
}

static bool is_not_fixed(const struct facts *facts)
{
	return facts_is(facts, "vhd") && !facts->vhd.fixed;
}

static bool is_unaligned(const struct facts *facts)
{
	return facts->size != IMG_SIZE_UNKNOWN && facts->size % AZURE_UNIT;
}

static bool is_too_small(const struct facts *facts)
{
	return facts->size < AZURE_MIN;
}

static bool is_too_large_for_azure(const struct facts *facts)
{
	return facts_larger(facts, AZURE_MAX);
}

static bool is_data_alone(const struct facts *facts)
{
	return facts_larger(facts, AZURE_MAX_OS) && !is_too_large_for_azure(facts);
}

const struct rule rules_azure[] = {
	{ "for.azure.format", true, is_no_vhd, N_("only VHD images of fixed size are taken"),
	  AZURE_LINUX, TO_VHD },
	{ "for.azure.fixed", true, is_not_fixed, N_("a VHD image must be of fixed size"),
	  AZURE_LINUX, NULL },
	{ "for.azure.aligned", true, is_unaligned,
	  N_("the size of the disk must be a multiple of 1 MiB"), AZURE_LINUX, NULL },
	{ "for.azure.small", true, is_too_small, N_("a disk has at least 20 MiB"), AZURE_UPLOAD,
	  NULL },
	{ "for.azure.size", true, is_too_large_for_azure, N_("a disk has at most 32 TiB"),
	  AZURE_UPLOAD, NULL },
	{ "for.azure.os-disk", false, is_data_alone,
	  N_("the disk that a machine starts from has at most 4095 GiB; as one for data it is "
	     "taken"),
	  AZURE_OS, NULL },
	{ .id = NULL },
};
