/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changing what an image is without copying it: lines of its descriptor.  With another parent_cid an
 * image takes what it stands on as that is now, which only somebody who knows the disk can decide.
 */
#include <inttypes.h>
#include <stdio.h>
#include "base/mem.h"
#include "format/vmdk/new.h"
#include "format/vmdk/resize.h"

const struct img_option vmdk_amend_options[] = {
	{ "cid", IMG_OPT_TEXT, NULL, NULL,
	  N_("content identifier in hexadecimal; new: a random one; children do not find it any "
	     "more") },
	{ "parent_cid", IMG_OPT_TEXT, NULL, NULL,
	  N_("content identifier that the image below has now, if it holds the same as ever") },
	{ "adapter_type", IMG_OPT_CHOICE, "ide|buslogic|lsilogic|legacyESX", NULL,
	  N_("controller that the disk is made for") },
	{ "hwversion", IMG_OPT_NUMBER, NULL, NULL, N_("version of the virtual hardware") },
	{ "toolsversion", IMG_OPT_NUMBER, NULL, NULL, N_("version of the guest tools") },
	{ NULL },
};

struct amending {
	const struct img_settings *set;
	char *text;			/* of the descriptor as it will be; owned */
	size_t len;
};

static bool put(struct amending *a, const char *key, const char *value, struct img_err *err)
{
	char *out;
	size_t len;

	if (!vmdk_descriptor_set(a->text, a->len, key, value, &out, &len, err))
		return false;
	free(a->text);
	a->text = out;
	a->len = len;
	return true;
}

static bool put_cid(struct amending *a, const char *key, uint32_t cid, struct img_err *err)
{
	char text[9];

	(void)snprintf(text, sizeof(text), "%08" PRIx32, cid);
	return put(a, key, text, err);
}

static bool change_cids(struct amending *a, const struct vmdk_descriptor *desc, struct img_err *err)
{
	const char *own = img_settings_text(a->set, "cid");
	const char *parent = img_settings_text(a->set, "parent_cid");
	uint32_t cid;

	if (own && (!vmdk_cid_choose(own, &cid, err) || !put_cid(a, "CID", cid, err)))
		return false;
	if (!parent)
		return true;
	if (desc->parent_cid == VMDK_NO_PARENT)
		return img_fail(err, IMG_E_ARGUMENT, _("the image stands alone, and has no parent_cid"));
	return vmdk_cid_parse(parent, &cid, err) && put_cid(a, "parentCID", cid, err);
}

static bool change_number(struct amending *a, const char *option, const char *key,
			  struct img_err *err)
{
	char text[24];

	if (!img_settings_given(a->set, option))
		return true;
	(void)snprintf(text, sizeof(text), "%" PRIu64, img_settings_number(a->set, option));
	return put(a, key, text, err);
}

static bool change_database(struct amending *a, struct img_err *err)
{
	const char *adapter = img_settings_text(a->set, "adapter_type");

	return (!adapter || put(a, "ddb.adapterType", adapter, err)) &&
	       change_number(a, "hwversion", "ddb.virtualHWVersion", err) &&
	       change_number(a, "toolsversion", "ddb.toolsVersion", err);
}

bool vmdk_amend(struct img_layer *ly, const struct img_settings *set, const struct img_job *job,
		struct img_err *err)
{
	const struct vmdk *v = ly->priv;
	struct amending a = { .set = set };
	bool ok;

	(void)job;
	if (!v->has_desc)
		return img_fail(err, IMG_E_UNSUPPORTED, _("the image has no descriptor"));
	ok = vmdk_descriptor_read(v, ly->store, &a.text, &a.len, err) &&
	     change_cids(&a, &v->desc, err) && change_database(&a, err) &&
	     vmdk_descriptor_write(v, ly->store, a.text, a.len, err) &&
	     img_store_sync(ly->store, err);
	free(a.text);
	return ok;
}
