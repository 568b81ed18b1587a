/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What may be asked of a new image; the names are those of qemu-img. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/uuid.h"
#include "format/vmdk/new.h"

const struct img_option vmdk_create_options[] = {
	{ "subformat", IMG_OPT_CHOICE,
	  "monolithicSparse|monolithicFlat|twoGbMaxExtentSparse|twoGbMaxExtentFlat|streamOptimized",
	  "monolithicSparse", N_("how the disk is stored: in which files, and whether as it is") },
	{ "adapter_type", IMG_OPT_CHOICE, "ide|buslogic|lsilogic|legacyESX", NULL,
	  N_("controller that the disk is made for: ide, but lsilogic for streamOptimized") },
	{ "hwversion", IMG_OPT_NUMBER, NULL, NULL,
	  N_("version of the virtual hardware: 4, but 10 for streamOptimized, or 6 with compat6") },
	{ "compat6", IMG_OPT_FLAG, NULL, "off", N_("the same as hwversion=6") },
	{ "toolsversion", IMG_OPT_NUMBER, NULL, "2147483647",
	  N_("version of the guest tools; the fallback says that there are foreign ones") },
	{ "zeroed_grain", IMG_OPT_FLAG, NULL, "off",
	  N_("let tables say that a grain reads as zeros; needs version 2 of the format") },
	{ "preallocation", IMG_OPT_CHOICE, "off|metadata|falloc|full", "off",
	  N_("what is allocated at once: tables, space for the data, written space") },
	{ "compression_level", IMG_OPT_TEXT, NULL, NULL,
	  N_("how hard streamOptimized images are compressed: 0 to 12, fastest or best") },
	{ "cid", IMG_OPT_TEXT, NULL, "new",
	  N_("content identifier in hexadecimal; new: a random one") },
	{ NULL },
};

static const struct vmdk_subformat *const subformats[] = {
	&vmdk_monolithic_sparse, &vmdk_monolithic_flat, &vmdk_split_sparse, &vmdk_split_flat,
	&vmdk_stream_optimized, NULL,
};

static bool choose_subformat(const struct img_settings *set, struct vmdk_descriptor *desc,
			     struct vmdk_new *out, struct img_err *err)
{
	const char *name = img_settings_text(set, "subformat");

	for (size_t i = 0; subformats[i]; i++)
		if (!strcmp(subformats[i]->create_type, name))
			out->subformat = subformats[i];
	if (!out->subformat)
		return img_fail(err, IMG_E_UNSUPPORTED, _("%s images can only be read"), name);
	desc->create_type = img_strdup(name, err);
	return desc->create_type;
}

static const char *adapter_of(const struct img_settings *set, const struct vmdk_subformat *type)
{
	const char *wish = img_settings_text(set, "adapter_type");

	return wish ? wish : type->adapter ? type->adapter : "ide";
}

static bool choose_hardware(const struct img_settings *set, const struct vmdk_subformat *type,
			    struct vmdk_descriptor *desc, struct img_err *err)
{
	const bool given = img_settings_given(set, "hwversion");
	uint64_t version = given ? img_settings_number(set, "hwversion")
				 : type->hw_version ? type->hw_version : 4;

	if (img_settings_flag(set, "compat6")) {
		if (given && version != 6)
			return img_fail(err, IMG_E_ARGUMENT, _("compat6 contradicts hwversion"));
		version = 6;
	}
	desc->hw_version = img_format_text(err, "%" PRIu64, version);
	desc->tools_version = desc->hw_version
		? img_format_text(err, "%" PRIu64, img_settings_number(set, "toolsversion")) : NULL;
	desc->adapter = desc->tools_version
		? img_strdup(adapter_of(set, type), err) : NULL;
	return desc->adapter;
}

bool vmdk_random_cid(uint32_t *cid, struct img_err *err)
{
	struct img_uuid random;

	do {
		if (!img_uuid_make(&random, err))
			return false;
		*cid = img_get_le32(random.raw);
	} while (*cid == VMDK_NO_PARENT);
	return true;
}

bool vmdk_cid_parse(const char *wish, uint32_t *cid, struct img_err *err)
{
	const size_t len = strlen(wish);

	if (!len || len > 8 || strspn(wish, "0123456789abcdefABCDEF") != len)
		return img_fail(err, IMG_E_ARGUMENT,
				_("cid must be up to eight hexadecimal digits, not \"%s\""), wish);
	*cid = (uint32_t)strtoul(wish, NULL, 16);
	return *cid != VMDK_NO_PARENT ||
	       img_fail(err, IMG_E_ARGUMENT, _("the cid ffffffff stands for none"));
}

bool vmdk_cid_choose(const char *wish, uint32_t *cid, struct img_err *err)
{
	return strcmp(wish, "new") ? vmdk_cid_parse(wish, cid, err) : vmdk_random_cid(cid, err);
}

static enum vmdk_preallocation preallocation_of(const struct img_settings *set)
{
	const char *how = img_settings_text(set, "preallocation");

	return !strcmp(how, "metadata") ? VMDK_PREALLOC_METADATA
	       : !strcmp(how, "falloc") ? VMDK_PREALLOC_FALLOC
	       : !strcmp(how, "full")	? VMDK_PREALLOC_FULL
					: VMDK_PREALLOC_OFF;
}

bool vmdk_options_read(const struct img_settings *set, struct vmdk_descriptor *desc,
		       struct vmdk_new *out, struct img_err *err)
{
	*desc = (struct vmdk_descriptor){ .parent_cid = VMDK_NO_PARENT };
	out->zeroed_grain = img_settings_flag(set, "zeroed_grain");
	out->preallocation = preallocation_of(set);
	return choose_subformat(set, desc, out, err) && choose_hardware(set, out->subformat, desc, err) &&
	       vmdk_cid_choose(img_settings_text(set, "cid"), &desc->cid, err);
}
