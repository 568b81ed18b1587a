/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a LUKS2 header says, for people and programs. */
#include <string.h>
#include "cipher/luks2.h"

static void report_copies(const struct luks2 *lk, struct img_node *node)
{
	struct img_node *list = img_node_list(node, "copies");

	img_node_label(node, _("copies of the header"));
	for (unsigned i = 0; i < 2; i++) {
		const struct img_luks2_copy *copy = &lk->copies[i];
		struct img_node *item = img_node_map(list, "copy");

		img_node_u64(item, "offset", copy->at, IMG_UNIT_NONE);
		img_node_flag(item, "sound", !copy->why.code);
		if (copy->why.code)
			img_node_text(item, "damage", copy->why.text);
		else
			img_node_u64(item, "epoch", copy->seqid, IMG_UNIT_NONE);
	}
}

static void report_work(const struct img_kdf *kdf, struct img_node *node)
{
	img_node_text(node, "derivation", kdf->name);
	if (kdf->hash)
		img_node_text(node, "hash", kdf->hash);
	img_node_u64(node, "iterations", kdf->iterations, IMG_UNIT_NONE);
	if (kdf->memory_kib) {
		img_node_u64(node, "memory", (uint64_t)kdf->memory_kib * 1024, IMG_UNIT_NONE);
		img_node_u64(node, "threads", kdf->parallel, IMG_UNIT_NONE);
	}
}

static void report_slots(const struct luks2 *lk, struct img_node *node)
{
	struct img_node *list = img_node_list(node, "slots");

	img_node_label(node, _("key slots"));
	for (unsigned i = 0; i < LUKS2_SLOTS; i++) {
		const struct luks2_slot *slot = &lk->slots[i];
		struct img_node *item;

		if (!slot->used)
			continue;
		item = img_node_map(list, "slot");
		img_node_u64(item, "number", i, IMG_UNIT_NONE);
		if (slot->why.code)
			img_node_text(item, "damage", slot->why.text);
		else
			report_work(&slot->area.kdf, item);
	}
}

bool luks2_report(const struct img_luks *base, struct img_node *report, struct img_err *err)
{
	const struct luks2 *lk = (const struct luks2 *)base;

	(void)err;
	if (*lk->hdr.uuid)
		img_node_text(report, "uuid", lk->hdr.uuid);
	if (*lk->hdr.label)
		img_node_text(report, "label", lk->hdr.label);
	if (*lk->hdr.subsystem)
		img_node_text(report, "subsystem", lk->hdr.subsystem);
	report_copies(lk, report);
	report_slots(lk, report);
	return true;
}
