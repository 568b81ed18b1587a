/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See facts.h.  All but what is foreign comes from what imginfo tells. */
#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "imgcheck/facts.h"

#define NO_UUID "00000000-0000-0000-0000-000000000000"
#define NO_PARENT_CID UINT32_MAX

bool facts_found(const struct facts *facts, const char *id)
{
	for (size_t i = 0; facts->found && i < facts->found->n_counts; i++)
		if (!strcmp(facts->found->counts[i].kind->id, id))
			return true;
	return false;
}

static void note_extent(struct facts *facts, const struct img_node *extent)
{
	const char *kind = img_node_get_text(extent, "kind");
	uint64_t number;

	facts->vmdk.n_extents++;
	facts->vmdk.sparse |= !strcmp(kind, "sparse");
	facts->vmdk.flat |= !strcmp(kind, "flat");
	facts->vmdk.cowd |= !strcmp(kind, "cowd");
	facts->vmdk.sesparse |= !strcmp(kind, "sesparse");
	facts->vmdk.compressed |= img_node_get_flag(extent, "compressed");
	facts->vmdk.footer |= img_node_get_flag(extent, "footer");
	if (img_node_get_u64(extent, "version", &number))
		facts->vmdk.versions |= 1u << (number < 31 ? number : 31);
	if (img_node_get_u64(extent, "cluster-size", &number) &&
	    (!facts->vmdk.least_grain || number < facts->vmdk.least_grain))
		facts->vmdk.least_grain = number;
}

static void note_database(struct facts *facts, const struct img_node *own)
{
	const char *hardware = img_node_get_text(own, "hardware-version");

	facts->vmdk.described = img_node_find(own, "cid") != NULL;
	facts->vmdk.hardware = hardware ? strtoull(hardware, NULL, 10) : 0;
	facts->vmdk.adapter = img_node_get_text(own, "adapter-type");
	facts->vmdk.tools = img_node_find(own, "tools-version") != NULL;
}

static void note_vmdk(struct facts *facts, const struct img_node *own)
{
	uint64_t parent_cid = NO_PARENT_CID;

	note_database(facts, own);
	facts->vmdk.type = img_node_get_text(own, "create-type");
	(void)img_node_get_u64(own, "parent-cid", &parent_cid);
	facts->stands_on_other |= parent_cid != NO_PARENT_CID;
	for (const struct img_node *extent = img_node_first(img_node_find(own, "extents")); extent;
	     extent = img_node_next(extent))
		note_extent(facts, extent);
}

static void note_vdi(struct facts *facts, const struct img_node *own)
{
	facts->stands_on_other |= img_node_find(own, "parent-uuid") != NULL;
	facts->vdi.no_uuid = !strcmp(img_node_get_text(own, "uuid"), NO_UUID) ||
			     !strcmp(img_node_get_text(own, "modification-uuid"), NO_UUID);
}

static void note_qcow2(struct facts *facts, const struct img_node *own)
{
	const char *compression = img_node_get_text(own, "compression-type");

	facts->qcow.encrypted = img_node_find(own, "encryption") != NULL;
	facts->qcow.snapshots = img_node_find(facts->info, "snapshots") != NULL;
	facts->qcow.features = img_node_get_flag(own, "dirty") ||
			       img_node_get_flag(own, "corrupt") ||
			       img_node_get_flag(own, "extended-l2") ||
			       img_node_find(own, "data-file") ||
			       (compression && strcmp(compression, "zlib") != 0);
}

static bool look_into(struct img *im, struct facts *facts, struct img_err *err)
{
	const struct img_node *own;

	if (!img_info(im, false, facts->info, err))
		return false;
	own = img_node_find(facts->info, "format-specific");
	facts->size = img_size(im);
	facts->stands_on_other = img_node_find(facts->info, "backing-filename") != NULL;
	if (!strcmp(facts->format, "vmdk"))
		note_vmdk(facts, own);
	else if (!strcmp(facts->format, "vdi"))
		note_vdi(facts, own);
	else if (!strcmp(facts->format, "qcow2"))
		note_qcow2(facts, own);
	return strcmp(facts->format, "raw") != 0 || facts_recognize_foreign(im, facts, err);
}

static bool open_and_look(const struct img_check *how, struct facts *facts, struct img_err *err)
{
	struct img_open open = {
		.path = how->path, .format = how->format, .gate = how->gate,
		.flags = how->flags | IMG_OPEN_NO_BACKING | IMG_OPEN_NO_KEY, .header = how->header,
		.member = how->member, .max_size = how->max_size,
		.spooled = how->spooled, .spooled_ctx = how->spooled_ctx, .unpacked = how->unpacked,
	};
	struct img *im = img_open(&open, err);
	bool ok;

	if (!im && err->code == IMG_E_UNSUPPORTED && !open.format) {
		open.format = "raw";		/* foreign, perhaps */
		im = img_open(&open, err);
	}
	if (!im)
		return false;
	facts->format = img_format_name(img_layer_format(im, 0));
	ok = look_into(im, facts, err);
	img_close(im);
	return ok;
}

bool facts_collect(const struct img_check *how, const struct img_check_result *found,
		   struct facts *out, struct img_err *err)
{
	*out = (struct facts){ .size = IMG_SIZE_UNKNOWN, .found = found };
	out->info = img_node_root("info");
	if (!out->info)
		return out_of_memory(err);
	if (found)
		out->format = img_format_name(found->format);
	if (open_and_look(how, out, found ? &out->unread : err))
		return true;
	if (!found)
		return false;
	return out->unread.code != IMG_E_NOMEM ||
	       img_fail(err, IMG_E_NOMEM, "%s", out->unread.text);
}

void facts_clear(struct facts *facts)
{
	img_node_free(facts->info);
	facts->info = NULL;
}
