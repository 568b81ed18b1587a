/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What imgmeasure says. */
#include "common/memory.h"
#include "common/text.h"
#include "imgmeasure/imgmeasure.h"

static const struct { const char *key, *label; } exactness[] = {
	[IMG_EXACT] = { "exact", N_("exact") },
	[IMG_AT_MOST] = { "at-most", N_("at most: the data may hold zeros") },
	[IMG_ESTIMATED] = { "estimate", N_("estimate, by a sample of the data") },
};

static void add_names(struct img_node *root, const struct answer *answer)
{
	if (answer->source) {
		img_node_text(root, "source", answer->source);
		img_node_label(root, _("source"));
	}
	img_node_text(root, "target-format", answer->target_format);
	img_node_label(root, _("target format"));
}

static void add_amounts(struct img_node *root, const struct answer *answer)
{
	const struct img_measured *found = &answer->found;
	const struct { const char *key; uint64_t bytes; const char *label; bool wanted; } amounts[] = {
		{ "virtual-size", answer->size, N_("virtual size"), true },
		{ "required", found->length, N_("required size"), true },
		{ "fully-allocated", found->full, N_("fully allocated size"),
		  found->full != IMG_SIZE_UNKNOWN },
		{ "bitmaps", found->bitmaps, N_("size of bitmaps"),
		  found->bitmaps != IMG_SIZE_UNKNOWN },
		{ "disk-size", found->blocks, N_("space that it takes"), true },
		{ "error", found->error, N_("error, in 19 of 20 cases at most"),
		  found->exactness == IMG_ESTIMATED },
		{ "sampled", found->sampled, N_("data that were compressed"), found->sampled > 0 },
		{ "data", found->data, N_("data that the source says it has"), true },
	};

	for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
		if (!amounts[i].wanted)
			continue;
		img_node_u64(root, amounts[i].key, amounts[i].bytes, IMG_UNIT_BYTES);
		img_node_label(root, _(amounts[i].label));
	}
}

bool answer_write(const struct answer *answer, struct img_err *err)
{
	struct img_node *root = img_node_root("imgmeasure");
	bool ok;

	add_names(root, answer);
	add_amounts(root, answer);
	img_node_text(root, "exactness", answer->style == IMG_STYLE_HUMAN
					 ? _(exactness[answer->found.exactness].label)
					 : exactness[answer->found.exactness].key);
	img_node_label(root, _("exactness"));
	if (!root)
		return out_of_memory(err);
	ok = img_report_write(root, answer->style, stdout, err);
	img_node_free(root);
	return ok;
}
