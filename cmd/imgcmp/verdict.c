/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How imgcmp tells what it found. */
#include <inttypes.h>
#include "common/memory.h"
#include "common/text.h"
#include "imgcmp/imgcmp.h"

bool verdict_start(struct verdict *v, struct img_err *err)
{
	if (v->quiet || v->style == IMG_STYLE_HUMAN)
		return true;
	v->report = img_node_root("imgcmp");
	if (!v->report)
		return out_of_memory(err);
	img_node_text(v->report, "a", v->a);
	img_node_text(v->report, "b", v->b);
	return true;
}

void verdict_differs(void *ctx, uint64_t at, uint64_t len)
{
	struct verdict *v = ctx;
	struct img_node *map;

	/* Without --all the first one is told at the end; its length is not known. */
	if (v->quiet || !v->all)
		return;
	if (v->style == IMG_STYLE_HUMAN) {
		printf(_("%" PRIu64 " bytes from %" PRIu64 " on differ\n"), len, at);
		return;
	}
	if (!v->ranges)
		v->ranges = img_node_list(v->report, "differing-extents");
	map = img_node_map(v->ranges, "extent");
	img_node_u64(map, "start", at, IMG_UNIT_NONE);
	img_node_u64(map, "length", len, IMG_UNIT_NONE);
}

static void print_difference(const struct verdict *v)
{
	const struct img_compare_stats *stats = &v->stats;

	/* A longer disk has more allocated, too; its length is what users want to know. */
	if (v->strict && stats->sizes_differ && !stats->differing)
		printf(_("The images differ in size: %" PRIu64 " and %" PRIu64 " bytes.\n"),
		       v->size_a, v->size_b);
	else if (stats->allocation_differs)
		printf(_("The images differ in allocation from %" PRIu64 " on.\n"), stats->first);
	else if (v->all)
		printf(_("The images differ in %" PRIu64 " bytes, the first at %" PRIu64 ".\n"),
		       stats->differing, stats->first);
	else
		printf(_("The images differ; the first difference is at %" PRIu64 ".\n"),
		       stats->first);
}

static void print_verdict(const struct verdict *v)
{
	if (!v->stats.same)
		print_difference(v);
	else if (v->stats.sizes_differ)
		printf(_("The images hold the same; the longer one (%" PRIu64 " and %" PRIu64
			 " bytes) ends in zeros.\n"), v->size_a, v->size_b);
	else
		printf(_("The images hold the same.\n"));
}

static void finish_report(struct verdict *v)
{
	const struct img_compare_stats *stats = &v->stats;

	img_node_u64(v->report, "size-a", v->size_a, IMG_UNIT_BYTES);
	img_node_u64(v->report, "size-b", v->size_b, IMG_UNIT_BYTES);
	img_node_flag(v->report, "same", stats->same);
	img_node_flag(v->report, "sizes-differ", stats->sizes_differ);
	if (v->strict)
		img_node_flag(v->report, "allocation-differs", stats->allocation_differs);
	if (!stats->same)
		img_node_u64(v->report, "first-difference", stats->first, IMG_UNIT_NONE);
	if (v->all)
		img_node_u64(v->report, "differing", stats->differing, IMG_UNIT_BYTES);
}

bool verdict_tell(struct verdict *v, struct img_err *err)
{
	if (v->quiet)
		return true;
	if (v->style == IMG_STYLE_HUMAN) {
		print_verdict(v);
		return true;
	}
	finish_report(v);
	return img_report_write(v->report, v->style, stdout, err);
}

void verdict_free(struct verdict *v)
{
	img_node_free(v->report);
}
