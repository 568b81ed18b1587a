/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What imginfo tells about a cow image beyond what every format has. */
#include <inttypes.h>
#include <stdio.h>
#include "format/cow/cow.h"

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

bool cow_info(struct img_layer *ly, struct img_node *report, struct img_err *err)
{
	const struct cow_header *hdr = &((const struct cow *)ly->priv)->header;
	const struct cow_layout *layout = &cow_layouts[hdr->kind];
	char version[16];

	(void)err;	/* a report remembers its own failures */
	snprintf(version, sizeof(version), "%" PRIu32, layout->version);
	add_u64(report, "cluster-size", _("cluster size"), hdr->sector, IMG_UNIT_BYTES);
	struct img_node *own = img_node_map(report, "format-specific");
	img_node_label(report, _("format specific"));
	add_text(own, "version", _("version"), version);
	add_text(own, "layout", _("layout"), layout->name);
	if (hdr->kind == COW_UML1)
		add_text(own, "byte-order", _("byte order"), hdr->little ? "little" : "big");
	if (layout->align_off)
		add_u64(own, "alignment", _("alignment"), hdr->align, IMG_UNIT_BYTES);
	add_u64(own, "data-offset", _("data offset"), hdr->data_off, IMG_UNIT_BYTES);
	if (hdr->name[0])
		add_u64(own, "backing-time", _("backing file's time"), (uint64_t)hdr->time,
			IMG_UNIT_NONE);
	return true;
}
