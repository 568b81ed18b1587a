/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What imginfo tells about a qcow image beyond what every format has. */
#include "format/qcow1/qcow1.h"

static void add_u64(struct img_node *to, const char *key, const char *label, uint64_t value,
		    enum img_unit unit)
{
	img_node_u64(to, key, value, unit);
	img_node_label(to, label);
}

bool qcow1_info(struct img_layer *ly, struct img_node *report, struct img_err *err)
{
	const struct qcow1_header *hdr = &((const struct qcow1 *)ly->priv)->header;

	(void)err;	/* a report remembers its own failures */
	add_u64(report, "cluster-size", _("cluster size"), qcow1_cluster_size(hdr), IMG_UNIT_BYTES);
	struct img_node *own = img_node_map(report, "format-specific");
	img_node_label(report, _("format specific"));
	img_node_text(own, "version", "1");
	img_node_label(own, _("version"));
	add_u64(own, "l2-table-size", _("L2 table size"), qcow1_l2_bytes(hdr), IMG_UNIT_BYTES);
	if (qcow1_is_encrypted(ly->priv)) {
		img_node_text(own, "encryption", "aes");
		img_node_label(own, _("encryption"));
	}
	if (hdr->mtime)
		add_u64(own, "backing-time", _("backing file's time"), hdr->mtime, IMG_UNIT_NONE);
	return true;
}
