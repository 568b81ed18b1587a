/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What imginfo tells about a VMDK image beyond what every format has. */
#include "format/vmdk/vmdk.h"

static void add_text(struct img_node *to, const char *key, const char *label, const char *value)
{
	if (!value)
		return;
	img_node_text(to, key, value);
	img_node_label(to, label);
}

static void add_u64(struct img_node *to, const char *key, const char *label, uint64_t value,
		    enum img_unit unit)
{
	img_node_u64(to, key, value, unit);
	img_node_label(to, label);
}

static void add_flag(struct img_node *to, const char *key, const char *label, bool value)
{
	img_node_flag(to, key, value);
	img_node_label(to, label);
}

static const char *kind_name(enum vmdk_kind kind)
{
	static const char *const names[] = {
		[VMDK_KIND_NONE] = "none", [VMDK_KIND_HOSTED] = "sparse",
		[VMDK_KIND_COWD] = "cowd", [VMDK_KIND_SESPARSE] = "sesparse",
	};

	return names[kind];
}

static const char *part_kind(const struct vmdk_part *part)
{
	if (part->type == VMDK_EXTENT_SPARSE)
		return kind_name(part->sparse.hdr.kind);
	return part->type == VMDK_EXTENT_FLAT ? "flat" : "zero";
}

static void add_grains(const struct vmdk_sparse *sp, struct img_node *to)
{
	add_u64(to, "cluster-size", _("grain size"), sp->hdr.grain, IMG_UNIT_BYTES);
	if (sp->hdr.kind != VMDK_KIND_HOSTED)
		return;
	add_u64(to, "version", _("version"), sp->hdr.version, IMG_UNIT_NONE);
	add_flag(to, "compressed", _("compressed"), sp->hdr.compressed);
	add_flag(to, "markers", _("markers"), sp->hdr.markers);
	add_flag(to, "footer", _("footer"), sp->footer);
	add_flag(to, "zeroed-grains", _("zeroed grains"), sp->hdr.flags & VMDK_FLAG_ZERO_GRAIN);
	add_flag(to, "redundant-directory", _("redundant directory"), sp->hdr.rgd_at);
	add_flag(to, "unclean", _("not closed properly"), sp->hdr.unclean);
}

static void add_part(const struct vmdk_part *part, struct img_node *to)
{
	add_text(to, "kind", _("kind"), part_kind(part));
	add_text(to, "filename", _("file"), part->file ? part->file->name : NULL);
	add_u64(to, "virtual-size", _("virtual size"), part->len, IMG_UNIT_BYTES);
	if (part->type == VMDK_EXTENT_FLAT)
		add_u64(to, "offset", _("offset"), part->at, IMG_UNIT_BYTES);
	if (part->type == VMDK_EXTENT_SPARSE)
		add_grains(&part->sparse, to);
}

static void add_descriptor(const struct vmdk_descriptor *desc, struct img_node *to)
{
	add_text(to, "create-type", _("type"), desc->create_type);
	add_u64(to, "cid", _("content identifier"), desc->cid, IMG_UNIT_ID);
	add_u64(to, "parent-cid", _("content identifier of the parent"), desc->parent_cid,
		IMG_UNIT_ID);
	add_text(to, "adapter-type", _("adapter type"), desc->adapter);
	add_text(to, "hardware-version", _("hardware version"), desc->hw_version);
	add_text(to, "tools-version", _("version of the guest tools"), desc->tools_version);
}

bool vmdk_info(struct img_layer *ly, struct img_node *report, struct img_err *err)
{
	const struct vmdk *v = ly->priv;
	struct img_node *own, *parts;

	(void)err;	/* a report remembers its own failures */
	if (ly->unit > VMDK_SECTOR)
		add_u64(report, "cluster-size", _("cluster size"), ly->unit, IMG_UNIT_BYTES);
	own = img_node_map(report, "format-specific");
	img_node_label(report, _("format specific"));
	if (v->has_desc)
		add_descriptor(&v->desc, own);
	parts = img_node_list(own, "extents");
	img_node_label(own, _("extents"));
	for (size_t i = 0; i < v->n_parts; i++)
		add_part(&v->parts[i], img_node_map(parts, "extent"));
	return true;
}
