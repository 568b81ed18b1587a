/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What imginfo tells about a VDI image beyond what every format has. */
#include <stdio.h>
#include "format/vdi/vdi.h"

static void add_text(struct img_node *to, const char *key, const char *label, const char *value)
{
	img_node_text(to, key, value);
	img_node_label(to, label);
}

static void add_u64(struct img_node *to, const char *key, const char *label, uint64_t value,
		    enum img_unit unit)
{
	img_node_u64(to, key, value, unit);
	img_node_label(to, label);
}

static void add_uuid(struct img_node *to, const char *key, const char *label,
		     const struct img_uuid *id)
{
	char text[IMG_UUID_TEXT];

	img_uuid_to_text(id, text);
	add_text(to, key, label, text);
}

static const char *type_name(enum vdi_type type)
{
	switch (type) {
	case VDI_TYPE_FIXED:
		return "fixed";
	case VDI_TYPE_UNDO:
		return "undo";
	case VDI_TYPE_DIFFERENCING:
		return "differencing";
	case VDI_TYPE_DYNAMIC:
		break;
	}
	return "dynamic";
}

bool vdi_info(struct img_layer *ly, struct img_node *report, struct img_err *err)
{
	const struct vdi_header *hdr = &((const struct vdi *)ly->priv)->header;
	char version[16];

	(void)err;	/* a report remembers its own failures */
	snprintf(version, sizeof(version), "%u.%u", hdr->major, hdr->minor);
	add_u64(report, "cluster-size", _("cluster size"), hdr->block_size, IMG_UNIT_BYTES);
	struct img_node *own = img_node_map(report, "format-specific");
	img_node_label(report, _("format specific"));
	add_text(own, "version", _("version"), version);
	add_text(own, "type", _("type"), type_name(hdr->type));
	add_uuid(own, "uuid", "UUID", &hdr->uuid);
	add_uuid(own, "modification-uuid", _("modification UUID"), &hdr->modified);
	if (vdi_has_parent(hdr)) {
		add_uuid(own, "parent-uuid", _("parent's UUID"), &hdr->parent);
		add_uuid(own, "parent-modification-uuid", _("parent's modification UUID"),
			 &hdr->parent_modified);
	}
	add_u64(own, "blocks", _("blocks"), hdr->n_blocks, IMG_UNIT_NONE);
	add_u64(own, "allocated-blocks", _("allocated blocks"), hdr->n_allocated, IMG_UNIT_NONE);
	if (hdr->comment[0])
		add_text(own, "comment", _("comment"), hdr->comment);
	return true;
}
