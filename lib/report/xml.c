/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A report as XML. */
#include <inttypes.h>
#include <string.h>
#include "base/xml.h"
#include "report/report.h"

static void put_leaf(struct img_xml *xml, const struct img_node *leaf)
{
	char text[IMG_NUMBER_TEXT] = "";

	switch (leaf->type) {
	case IMG_NODE_U64:
		(void)snprintf(text, sizeof(text), "%" PRIu64, leaf->value.number);
		break;
	case IMG_NODE_REAL:
		img_real_text(leaf->value.real, text);
		break;
	case IMG_NODE_FLAG:
		strcpy(text, leaf->value.flag ? "true" : "false");
		break;
	default:
		img_xml_leaf(xml, leaf->key, leaf->value.text);
		return;
	}
	img_xml_leaf(xml, leaf->key, text);
}

static void put_branch(struct img_xml *xml, const struct img_node *branch)
{
	img_xml_start(xml, branch->key);
	for (const struct img_node *child = branch->value.first; child; child = child->next) {
		if (img_node_is_branch(child))
			put_branch(xml, child);
		else
			put_leaf(xml, child);
	}
	img_xml_end(xml);
}

bool img_report_xml(const struct img_node *root, FILE *out, struct img_err *err)
{
	struct img_xml *xml = img_xml_open(out, err);

	if (!xml)
		return false;
	put_branch(xml, root);
	return img_xml_close(xml, err);
}
