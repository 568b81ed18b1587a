/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What imginfo tells about a cloop image beyond what every format has. */
#include "format/cloop/cloop.h"

static void add_text(struct img_node *to, const char *key, const char *label, const char *value)
{
	img_node_text(to, key, value);
	img_node_label(to, label);
}

/* The compressor of the first block; the others of an image are hardly ever another one. */
static bool add_compressor(struct cloop *c, struct img_node *to, struct img_err *err)
{
	struct cloop_place place;

	if (!c->header.n_blocks)
		return true;
	if (!cloop_index_get(&c->index, 0, &place, err))
		return false;
	if (!place.bad)
		add_text(to, "compression-type", _("compression type"),
			 cloop_compressor_name(place.compressor));
	return true;
}

bool cloop_info(struct img_layer *ly, struct img_node *report, struct img_err *err)
{
	struct cloop *c = ly->priv;
	const struct cloop_header *hdr = &c->header;

	img_node_u64(report, "cluster-size", hdr->block_size, IMG_UNIT_BYTES);
	img_node_label(report, _("cluster size"));
	struct img_node *own = img_node_map(report, "format-specific");
	img_node_label(report, _("format specific"));
	add_text(own, "version", _("version"), cloop_version_name(hdr->version));
	add_text(own, "header", _("header"), hdr->at_end ? "last" : "first");
	img_node_u64(own, "blocks", hdr->n_blocks, IMG_UNIT_NONE);
	img_node_label(own, _("blocks"));
	return add_compressor(c, own, err);
}
