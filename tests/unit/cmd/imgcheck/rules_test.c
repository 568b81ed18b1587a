/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each rule of each target, by an image that breaks it and one that does not. */
#include <criterion/criterion.h>
#include "imgcheck/targets.h"

#define KIB(n) (UINT64_C(n) << 10)
#define GIB(n) (UINT64_C(n) << 30)
#define TIB(n) (UINT64_C(n) << 40)

#define DISK(name) .format = (name), .size = GIB(1)
#define STREAM \
	.type = "streamOptimized", .n_extents = 1, .sparse = true, .compressed = true, \
	.footer = true, .versions = 1 << 3, .least_grain = KIB(64)
#define SPARSE \
	.type = "monolithicSparse", .n_extents = 1, .sparse = true, .versions = 1 << 1, \
	.least_grain = KIB(64)
#define FLAT .type = "vmfs", .n_extents = 1, .flat = true

static const struct img_finding_kind mismatch = { "image.mismatch", IMG_CORRUPT, "" };
static const struct img_finding_kind second = { "vmdk.second.differs", IMG_CORRUPT, "" };
static struct img_finding_count mismatches[] = { { &mismatch, 1 } }, seconds[] = { { &second, 1 } };
static const struct img_check_result with_mismatch = { .counts = mismatches, .n_counts = 1 };
static const struct img_check_result with_second = { .counts = seconds, .n_counts = 1 };

static const struct {
	const char *id;
	struct facts breaks, keeps;
} cases[] = {
	{ "for.esxi.format", { DISK("qcow2") }, { DISK("vmdk"), .vmdk = { FLAT } } },
	{ "for.esxi.hosted", { DISK("vmdk"), .vmdk = { SPARSE } },
	  { DISK("vmdk"), .vmdk = { FLAT } } },
	{ "for.esxi.stream", { DISK("vmdk"), .vmdk = { STREAM } },
	  { DISK("vmdk"), .vmdk = { SPARSE } } },
	{ "for.esxi.parent",
	  { DISK("vmdk"), .vmdk = { FLAT }, .stands_on_other = true, .found = &with_mismatch },
	  { DISK("vmdk"), .vmdk = { FLAT }, .stands_on_other = true } },
	{ "for.esxi.size", { .format = "vmdk", .size = TIB(62) + 512, .vmdk = { FLAT } },
	  { .format = "vmdk", .size = TIB(62), .vmdk = { FLAT } } },
	{ "for.esxi.split",
	  { DISK("vmdk"), .vmdk = { .type = "vmfs", .n_extents = 2, .flat = true } },
	  { DISK("vmdk"), .vmdk = { FLAT } } },
	{ "for.esxi.flat",
	  { DISK("vmdk"), .vmdk = { .type = "monolithicFlat", .n_extents = 1, .flat = true } },
	  { DISK("vmdk"), .vmdk = { FLAT } } },

	{ "for.esxi.hardware",
	  { DISK("vmdk"), .vmdk = { FLAT, .described = true, .hardware = 3, .adapter = "ide" } },
	  { DISK("vmdk"), .vmdk = { FLAT, .described = true, .hardware = 4, .adapter = "ide" } } },
	{ "for.esxi.adapter",
	  { DISK("vmdk"), .vmdk = { FLAT, .described = true, .adapter = "legacyESX" } },
	  { DISK("vmdk"), .vmdk = { FLAT, .described = true, .adapter = "lsiLogic" } } },
	{ "for.esxi.adapter", { DISK("vmdk"), .vmdk = { FLAT, .described = true } },
	  { DISK("vmdk"), .vmdk = { FLAT } } },

	{ "for.vsphere.format", { DISK("raw") }, { DISK("vmdk"), .vmdk = { STREAM } } },
	{ "for.vsphere.subformat", { DISK("vmdk"), .vmdk = { SPARSE } },
	  { DISK("vmdk"), .vmdk = { STREAM } } },
	{ "for.vsphere.version",
	  { DISK("vmdk"), .vmdk = { .n_extents = 1, .compressed = true, .versions = 1 << 1 } },
	  { DISK("vmdk"), .vmdk = { STREAM } } },
	{ "for.vsphere.size", { .format = "vmdk", .size = TIB(62) + 512, .vmdk = { STREAM } },
	  { .format = "vmdk", .size = TIB(62), .vmdk = { STREAM } } },
	{ "for.vsphere.end",
	  { DISK("vmdk"), .vmdk = { .n_extents = 1, .compressed = true, .versions = 1 << 3 } },
	  { DISK("vmdk"), .vmdk = { STREAM } } },
	{ "for.vsphere.grain",
	  { DISK("vmdk"), .vmdk = { .n_extents = 1, .compressed = true, .least_grain = KIB(8) } },
	  { DISK("vmdk"), .vmdk = { STREAM } } },
	{ "for.vsphere.parent", { DISK("vmdk"), .vmdk = { STREAM }, .stands_on_other = true },
	  { DISK("vmdk"), .vmdk = { STREAM } } },
	{ "for.vsphere.hardware",
	  { DISK("vmdk"), .vmdk = { STREAM, .described = true, .hardware = 8 } },
	  { DISK("vmdk"), .vmdk = { STREAM, .described = true, .hardware = 9 } } },
	{ "for.vsphere.adapter",
	  { DISK("vmdk"), .vmdk = { STREAM, .described = true, .adapter = "pvscsi" } },
	  { DISK("vmdk"), .vmdk = { STREAM, .described = true, .adapter = "buslogic" } } },
	{ "for.vsphere.tools", { DISK("vmdk"), .vmdk = { STREAM, .described = true } },
	  { DISK("vmdk"), .vmdk = { STREAM, .described = true, .tools = true } } },

	{ "for.virtualbox.format", { DISK("cloop") }, { DISK("vdi") } },
	{ "for.virtualbox.raw", { DISK("raw") }, { DISK("vhd") } },
	{ "for.virtualbox.vmdk-type", { DISK("vmdk"), .vmdk = { .n_extents = 1, .sparse = true } },
	  { DISK("vmdk"), .vmdk = { SPARSE } } },
	{ "for.virtualbox.vmdk-version", { DISK("vmdk"), .vmdk = { .versions = 1 << 1 | 1 << 2 } },
	  { DISK("vmdk"), .vmdk = { .versions = 1 << 1 | 1 << 3 } } },
	{ "for.virtualbox.vmdk-extent", { DISK("vmdk"), .vmdk = { .cowd = true } },
	  { DISK("vmdk"), .vmdk = { SPARSE } } },
	{ "for.virtualbox.vmdk-extent", { DISK("vmdk"), .vmdk = { .sesparse = true } },
	  { DISK("vmdk"), .vmdk = { FLAT } } },
	{ "for.virtualbox.vmdk-grain",
	  { DISK("vmdk"), .vmdk = { .sparse = true, .least_grain = 2048 } },
	  { DISK("vmdk"), .vmdk = { .sparse = true, .least_grain = 4096 } } },
	{ "for.virtualbox.vmdk-second", { DISK("vmdk"), .vmdk = { SPARSE }, .found = &with_second },
	  { DISK("vmdk"), .vmdk = { SPARSE }, .found = &with_mismatch } },
	{ "for.virtualbox.vdi-uuid", { DISK("vdi"), .vdi = { .no_uuid = true } }, { DISK("vdi") } },
	{ "for.virtualbox.qcow-encryption", { DISK("qcow2"), .qcow = { .encrypted = true } },
	  { DISK("qcow2") } },
	{ "for.virtualbox.qcow-snapshots", { DISK("qcow2"), .qcow = { .snapshots = true } },
	  { DISK("qcow2") } },
	{ "for.virtualbox.qcow-features", { DISK("qcow2"), .qcow = { .features = true } },
	  { DISK("qcow2") } },
	{ "for.virtualbox.qcow-write", { DISK("qcow2") }, { DISK("qcow") } },
	{ "for.virtualbox.vmdk-parent",
	  { DISK("vmdk"), .vmdk = { SPARSE }, .stands_on_other = true },
	  { DISK("vdi"), .stands_on_other = true } },

	{ "for.ec2.format", { DISK("vdi") }, { DISK("vhdx") } },
	{ "for.ec2.subformat", { DISK("vmdk"), .vmdk = { SPARSE } },
	  { DISK("vmdk"), .vmdk = { STREAM } } },
	{ "for.ec2.parent", { DISK("vmdk"), .vmdk = { STREAM }, .stands_on_other = true },
	  { DISK("vmdk"), .vmdk = { STREAM } } },
	{ "for.ec2.size", { .format = "raw", .size = TIB(16) },
	  { .format = "raw", .size = TIB(16) - 512 } },
	{ "for.ec2.manifest", { .format = "raw", .size = TIB(8) + 512 },
	  { .format = "raw", .size = TIB(8) } },
	{ "for.ec2.manifest", { .format = "raw", .size = TIB(16) - 512 },
	  { .format = "raw", .size = TIB(16) } },

	{ "for.azure.format", { DISK("raw") }, { DISK("vhd"), .vhd = { .fixed = true } } },
	{ "for.azure.fixed", { DISK("vhd") }, { DISK("vhd"), .vhd = { .fixed = true } } },
	{ "for.azure.aligned", { .format = "vhd", .size = GIB(1) + 512 }, { DISK("vhd") } },
	{ "for.azure.small", { .format = "vhd", .size = KIB(20 << 10) - 512 },
	  { .format = "vhd", .size = KIB(20 << 10) } },
	{ "for.azure.size", { .format = "vhd", .size = TIB(32) + 512 },
	  { .format = "vhd", .size = TIB(32) } },
	{ "for.azure.os-disk", { .format = "vhd", .size = GIB(4096) },
	  { .format = "vhd", .size = GIB(4095) } },
};

enum { N_CASES = sizeof(cases) / sizeof(cases[0]) };

static const struct rule *rule_called(const char *id)
{
	for (unsigned i = 0; i < N_TARGETS; i++)
		for (const struct rule *rule = targets[i].rules; rule->id; rule++)
			if (!strcmp(rule->id, id))
				return rule;
	return NULL;
}

Test(rules, apply_to_what_breaks_them_and_to_nothing_else)
{
	for (size_t i = 0; i < N_CASES; i++) {
		const struct rule *rule = rule_called(cases[i].id);

		cr_assert_not_null(rule, "%s", cases[i].id);
		cr_expect(rule->applies(&cases[i].breaks), "%s does not see it", rule->id);
		cr_expect_not(rule->applies(&cases[i].keeps), "%s sees it everywhere", rule->id);
	}
}

static bool has_case(const char *id)
{
	for (size_t i = 0; i < N_CASES; i++)
		if (!strcmp(cases[i].id, id))
			return true;
	return false;
}

Test(rules, are_all_tried_and_have_a_source)
{
	for (unsigned i = 0; i < N_TARGETS; i++) {
		for (const struct rule *rule = targets[i].rules; rule->id; rule++) {
			cr_expect(has_case(rule->id), "%s", rule->id);
			cr_expect(!strncmp(rule->id, "for.", 4) &&
				  !strncmp(rule->id + 4, targets[i].name, strlen(targets[i].name)),
				  "%s", rule->id);
			cr_expect_not_null(rule->source, "%s", rule->id);
		}
	}
}

/* What is damaged so badly that it cannot be opened is no worse for a target than its format. */
Test(rules, guess_nothing_about_an_image_that_could_not_be_opened)
{
	const struct facts unread = {
		.format = "vmdk", .size = IMG_SIZE_UNKNOWN, .unread = { .code = IMG_E_CORRUPT },
	};

	for (unsigned i = 0; i < N_TARGETS; i++)
		for (const struct rule *rule = targets[i].rules; rule->id; rule++)
			cr_expect(!rule->applies(&unread) || !strcmp(rule->id, "for.azure.format"),
				  "%s", rule->id);
}

/* An image for each target of which nothing is said, not even that it is not judged. */
Test(rules, let_good_images_pass)
{
	const struct facts good[N_TARGETS] = {
		{ DISK("vmdk"), .vmdk = { FLAT } }, { DISK("vmdk"), .vmdk = { STREAM } },
		{ DISK("vdi") }, { DISK("raw") }, { DISK("vhd"), .vhd = { .fixed = true } },
	};

	for (unsigned i = 0; i < N_TARGETS; i++)
		for (const struct rule *rule = targets[i].rules; rule->id; rule++)
			cr_expect_not(rule->applies(&good[i]), "%s", rule->id);
}
