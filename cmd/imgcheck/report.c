/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was found, for programs, in English always: the members of qemu-img check, and the findings. */
#include "imgcheck/imgcheck.h"

static const char *severity_name(enum img_severity severity)
{
	static const char *const names[] = {
		[IMG_NOTE] = "note", [IMG_LEAK] = "leak", [IMG_CORRUPT] = "corrupt",
		[IMG_FATAL] = "fatal",
	};

	return names[severity];
}

static void add_number(struct img_node *to, const char *key, uint64_t value, enum img_unit unit)
{
	if (value != IMG_NOWHERE)
		img_node_u64(to, key, value, unit);
}

static void add_finding(const struct img_finding *f, struct img_node *to)
{
	img_node_text(to, "id", f->kind->id);
	img_node_text(to, "severity", severity_name(f->kind->severity));
	img_node_u64(to, "count", f->n, IMG_UNIT_NONE);
	add_number(to, "host-offset", f->host, IMG_UNIT_NONE);
	add_number(to, "guest-offset", f->guest, IMG_UNIT_NONE);
	add_number(to, "expected", f->expected, IMG_UNIT_NONE);
	add_number(to, "found", f->found, IMG_UNIT_NONE);
	img_node_text(to, "text", f->kind->text);
	if (f->detail)
		img_node_text(to, "detail", f->detail);
}

void report_findings(const char *path, const struct img_check_result *result, struct img_node *to)
{
	struct img_node *list;

	img_node_text(to, "filename", path);
	img_node_text(to, "format", img_format_name(result->format));
	if (result->part)
		img_node_text(to, "part", result->part);
	img_node_u64(to, "check-errors", 0, IMG_UNIT_NONE);
	img_node_u64(to, "corruptions", errors_of(result), IMG_UNIT_NONE);
	img_node_u64(to, "leaks", result->totals[IMG_LEAK], IMG_UNIT_NONE);
	img_node_u64(to, "notes", result->totals[IMG_NOTE], IMG_UNIT_NONE);
	add_number(to, "image-end-offset", result->image_end, IMG_UNIT_NONE);
	add_number(to, "total-clusters", result->total, IMG_UNIT_NONE);
	add_number(to, "allocated-clusters", result->allocated, IMG_UNIT_NONE);
	add_number(to, "fragmented-clusters", result->fragmented, IMG_UNIT_NONE);
	add_number(to, "compressed-clusters", result->compressed, IMG_UNIT_NONE);
	list = img_node_list(to, "findings");
	for (size_t i = 0; i < result->n_findings; i++)
		add_finding(&result->findings[i], img_node_map(list, "finding"));
}

static void add_repairs(const struct img_repair_result *result, struct img_node *list)
{
	for (size_t i = 0; i < result->before.n_counts; i++) {
		const struct img_finding_kind *kind = result->before.counts[i].kind;
		const uint64_t n = repaired_count(result, kind);

		if (!n)
			continue;
		struct img_node *map = img_node_map(list, "repair");
		img_node_text(map, "id", kind->id);
		img_node_u64(map, "count", n, IMG_UNIT_NONE);
		img_node_text(map, "text", kind->text);
	}
}

static void add_more_undo_files(const struct repaired *repaired, struct img_node *to)
{
	struct img_node *list = repaired->n_more ? img_node_list(to, "extent-undo-files") : NULL;

	for (size_t i = 0; i < repaired->n_more; i++)
		img_node_text(list, "undo-file", repaired->more_undo_paths[i]);
}

void report_repair(const char *path, const struct repaired *repaired, bool plan,
		   struct img_node *to)
{
	const struct img_repair_result *result = &repaired->result;

	report_findings(path, plan ? &result->before : &result->after, to);
	img_node_u64(to, "corruptions-fixed", repaired_total(result, IMG_CORRUPT, IMG_FATAL),
		     IMG_UNIT_NONE);
	img_node_u64(to, "leaks-fixed", repaired_total(result, IMG_LEAK, IMG_LEAK), IMG_UNIT_NONE);
	img_node_flag(to, "planned", plan);
	if (repaired->undo_path)
		img_node_text(to, "undo-file", repaired->undo_path);
	add_more_undo_files(repaired, to);
	add_repairs(result, img_node_list(to, "repairs"));
}

static void add_kinds(const struct img_finding_kind *const *kinds, struct img_node *list)
{
	for (; kinds && *kinds; kinds++) {
		struct img_node *map = img_node_map(list, "kind");

		img_node_text(map, "id", (*kinds)->id);
		img_node_text(map, "severity", severity_name((*kinds)->severity));
		img_node_text(map, "text", (*kinds)->text);
	}
}

void report_kinds(struct img_node *root)
{
	struct img_node *list = img_node_list(root, "kinds");

	add_kinds(img_format_findings(NULL), list);
	for (size_t i = 0; i < img_format_count(); i++)
		add_kinds(img_format_findings(img_format_at(i)), list);
}
