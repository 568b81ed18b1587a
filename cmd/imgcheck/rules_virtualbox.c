/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What VirtualBox takes as a hard disk: its own source says it, here that of version 7.0. */
#include "common/text.h"
#include "imgcheck/targets.h"

#define SOURCE(file, function) \
	"VirtualBox 7.0, src/VBox/Storage/" file ", " function ", https://www.virtualbox.org"
#define TO_VDI "imgconv -O vdi"

#define LEAST_GRAIN (UINT64_C(8) * 512)

static bool is_unknown(const struct facts *facts)
{
	static const char *const known[] = { "vdi", "vmdk", "qcow", "qcow2", "vhd", "vhdx", "raw" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (facts_is(facts, known[i]))
			return false;
	return true;
}

static bool is_raw(const struct facts *facts)
{
	return facts_is(facts, "raw");
}

/* ---- VMDK ------------------------------------------------------------------------------------ */

static bool has_no_type(const struct facts *facts)
{
	return facts->vmdk.n_extents && !facts->vmdk.type;
}

static bool has_other_version(const struct facts *facts)
{
	return facts->vmdk.versions & ~(1u << 1 | 1u << 3);
}

static bool is_of_esx(const struct facts *facts)
{
	return facts->vmdk.cowd || facts->vmdk.sesparse;
}

static bool has_small_grain(const struct facts *facts)
{
	return facts->vmdk.sparse && facts->vmdk.least_grain < LEAST_GRAIN;
}

static bool has_two_truths(const struct facts *facts)
{
	return facts_found(facts, "vmdk.second.differs") ||
	       facts_found(facts, "vmdk.second.outside");
}

static bool is_delta(const struct facts *facts)
{
	return facts_is(facts, "vmdk") && facts->stands_on_other;
}

/* ---- Others ---------------------------------------------------------------------------------- */

static bool is_without_uuid(const struct facts *facts)
{
	return facts->vdi.no_uuid;
}

static bool is_encrypted(const struct facts *facts)
{
	return facts->qcow.encrypted;
}

static bool has_snapshots(const struct facts *facts)
{
	return facts->qcow.snapshots;
}

static bool is_qcow2(const struct facts *facts)
{
	return facts_is(facts, "qcow2");
}

static bool has_features(const struct facts *facts)
{
	return facts->qcow.features;
}

const struct rule rules_virtualbox[] = {
	{ "for.virtualbox.format", true, is_unknown,
	  N_("there is nothing that reads images of this format"),
	  SOURCE("VDPlugin.cpp", "aStaticBackends"), TO_VDI },
	{ "for.virtualbox.raw", true, is_raw, N_("raw images are taken for floppies and CDs alone"),
	  SOURCE("RAW.cpp", "s_aRawFileExtensions"), TO_VDI },
	{ "for.virtualbox.vmdk-type", true, has_no_type,
	  N_("a VMDK image must have a descriptor that tells its type"),
	  SOURCE("VMDK.cpp", "vmdkParseDescriptor()"), TO_VDI },
	{ "for.virtualbox.vmdk-version", true, has_other_version,
	  N_("sparse VMDK extents must be of version 1 or 3"),
	  SOURCE("VMDK.cpp", "vmdkValidateHeader()"), TO_VDI },
	{ "for.virtualbox.vmdk-extent", true, is_of_esx,
	  N_("VMDK extents of the types VMFSSPARSE and SESPARSE are not known"),
	  SOURCE("VMDK.cpp", "vmdkParseDescriptor()"), TO_VDI },
	{ "for.virtualbox.vmdk-grain", true, has_small_grain,
	  N_("the grains of a VMDK image must have 4 KiB or more"),
	  SOURCE("VMDK.cpp", "vmdkReadMetaExtent()"), TO_VDI },
	{ "for.virtualbox.vmdk-second", true, has_two_truths,
	  N_("both grain tables of a VMDK extent must say the same"),
	  SOURCE("VMDK.cpp", "vmdkReadGrainDirectory()"), "imgcheck --repair" },
	{ "for.virtualbox.vdi-uuid", true, is_without_uuid,
	  N_("a VDI image must have a UUID, and one of its content"),
	  SOURCE("VDI.cpp", "vdiValidateHeader()"), TO_VDI },
	{ "for.virtualbox.qcow-encryption", true, is_encrypted,
	  N_("encrypted qcow2 images are not read"), SOURCE("QCOW.cpp", "qcowOpenImage()"), NULL },
	{ "for.virtualbox.qcow-snapshots", true, has_snapshots,
	  N_("qcow2 images with internal snapshots are not read"),
	  SOURCE("QCOW.cpp", "qcowOpenImage()"), TO_VDI },
	{ "for.virtualbox.qcow-features", true, has_features,
	  N_("qcow2 images with incompatible features are not read: dirty, corrupt, a data file, "
	     "another compression than deflate, extended L2 entries"),
	  SOURCE("QCOW.cpp", "qcowOpenImage()"), TO_VDI },
	{ "for.virtualbox.qcow-write", false, is_qcow2,
	  N_("qcow2 images are read; whether a virtual machine can write to one is not documented"),
	  SOURCE("QCOW.cpp", "\"Missing things to implement\""), TO_VDI },
	{ "for.virtualbox.vmdk-parent", false, is_delta,
	  N_("a VMDK image is taken for the child of the image with the UUID ddb.uuid.parent; what "
	     "becomes of one that names its parent in another way is not documented"),
	  SOURCE("VMDK.cpp", "vmdkParseDescriptor()"), TO_VDI },
	{ .id = NULL },
};
