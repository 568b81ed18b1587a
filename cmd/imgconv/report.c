/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What imgconv says about a copy that was made. */
#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "common/place.h"
#include "common/text.h"
#include "imgconv/imgconv.h"

void losses_add(void *ctx, const struct img_extent *extent)
{
	struct losses *losses = ctx;
	struct img_extent *last = losses->n ? &losses->extents[losses->n - 1] : NULL;

	if (last && last->start + last->len == extent->start && last->why == extent->why) {
		last->len += extent->len;
		return;
	}
	if (losses->n == losses->cap) {
		const size_t cap = losses->cap ? 2 * losses->cap : 64;
		struct img_extent *more = reallocarray(losses->extents, cap, sizeof(*more));

		if (!more) {
			losses->failed = true;
			return;
		}
		losses->extents = more;
		losses->cap = cap;
	}
	losses->extents[losses->n++] = *extent;
}

static void add_amounts(struct img_node *root, const struct img_copy_stats *stats)
{
	const struct { const char *key; uint64_t bytes; const char *label; } amounts[] = {
		{ "virtual-size", stats->guest, N_("virtual size") },
		{ "data", stats->data, N_("stored plain") },
		{ "compressed", stats->compressed, N_("stored compressed") },
		{ "cloned", stats->cloned, N_("shared with the source") },
		{ "zero", stats->zero, N_("zeros") },
		{ "lost", stats->lost, N_("lost") },
	};

	for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
		img_node_u64(root, amounts[i].key, amounts[i].bytes, IMG_UNIT_BYTES);
		img_node_label(root, _(amounts[i].label));
	}
}

/* Programs get the reason in English: only the human style is translated. */
static const char *reason_of(const struct img_extent *ex, enum img_style style)
{
	return style == IMG_STYLE_HUMAN ? _(ex->why) : ex->why;
}

static void add_losses(struct img_node *root, const struct losses *losses, enum img_style style)
{
	struct img_node *list;

	if (!losses->n)
		return;
	list = img_node_list(root, "lost-extents");
	img_node_label(root, _("lost extents"));
	for (size_t i = 0; i < losses->n; i++) {
		const struct img_extent *ex = &losses->extents[i];
		struct img_node *map = img_node_map(list, "extent");

		img_node_u64(map, "start", ex->start, IMG_UNIT_NONE);
		img_node_u64(map, "length", ex->len, IMG_UNIT_NONE);
		img_node_text(map, "reason", reason_of(ex, style));
	}
}

static void add_volumes(struct img_node *root, const struct free_space *space, enum img_style style)
{
	struct img_node *list;

	if (!space || !space->n_volumes)
		return;
	list = img_node_list(root, "file-systems");
	img_node_label(root, _("file systems"));
	for (size_t i = 0; i < space->n_volumes; i++) {
		const struct free_volume *volume = &space->volumes[i];
		struct img_node *map = img_node_map(list, "file-system");

		img_node_u64(map, "start", volume->start, IMG_UNIT_NONE);
		img_node_u64(map, "length", volume->len, IMG_UNIT_NONE);
		img_node_text(map, "type", volume->type);
		img_node_u64(map, "unused", volume->free, IMG_UNIT_NONE);
		img_node_flag(map, "forced", volume->forced);
		if (volume->why)
			img_node_text(map, "reason", style == IMG_STYLE_HUMAN ? _(volume->why)
									      : volume->why);
	}
}

static void add_in_place(struct img_node *root, const struct outcome *out)
{
	const struct img_in_place_stats *stats = out->in_place;
	const struct { const char *key; uint64_t bytes; const char *label; } amounts[] = {
		{ "moved", stats->moved, N_("moved in the file") },
		{ "file-size-before", stats->before, N_("size of the file before") },
		{ "file-size-after", stats->after, N_("size of the file afterwards") },
		{ "extra-space", stats->extra, N_("space needed meanwhile") },
	};
	struct img_node *map = img_node_map(root, "in-place");

	img_node_label(root, _("in place"));
	img_node_flag(map, "already-done", stats->already);
	img_node_label(map, _("had the format already"));
	img_node_flag(map, "dry-run", out->opt->dry_run);
	img_node_label(map, _("only looked at"));
	for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
		img_node_u64(map, amounts[i].key, amounts[i].bytes, IMG_UNIT_BYTES);
		img_node_label(map, _(amounts[i].label));
	}
}

static struct img_node *build(const struct outcome *out)
{
	const char *const names[][3] = {
		{ "source", out->source, N_("source") },
		{ "source-format", out->source_format, N_("source format") },
		{ "target", out->target, N_("target") },
		{ "target-format", out->target_format, N_("target format") },
	};
	struct img_node *root = img_node_root("imgconv");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		img_node_text(root, names[i][0], names[i][1]);
		img_node_label(root, _(names[i][2]));
	}
	add_amounts(root, out->stats);
	if (out->skipped) {
		img_node_flag(root, "skipped", true);
		img_node_label(root, _("the target held it already"));
	}
	if (out->opt->digest) {
		struct img_node *digest = img_node_map(root, "digest");

		img_node_label(root, _("digest of the content"));
		img_node_text(digest, "algorithm", out->opt->digest);
		img_node_label(digest, _("algorithm"));
		img_node_text(digest, "value", out->stats->digest);
		img_node_label(digest, _("value"));
	}
	add_volumes(root, out->free, out->opt->report.style);
	add_losses(root, out->losses, out->opt->report.style);
	if (out->in_place)
		add_in_place(root, out);
	return root;
}

static struct aside aside_of(const struct options *opt)
{
	return (struct aside){ .option = "report", .path = opt->report.path };
}

/* The backing file of the target, which need not be a file of the source. */
static bool check_backing(const struct options *opt, const char *target, struct img_err *err)
{
	const struct aside report = aside_of(opt);
	char *backing;
	bool ok;

	if (!report.path || !opt->target.backing)
		return true;
	backing = img_resolve(target, opt->target.backing, err);
	ok = backing && aside_check_operand(&report, backing, err);
	free(backing);
	return ok;
}

bool report_check_names(const struct options *opt, char *const *names, int n, struct img_err *err)
{
	const struct aside report = aside_of(opt);

	for (int i = 0; i < n; i++)
		if (!aside_check_operand(&report, names[i], err))
			return false;
	return check_backing(opt, names[n - 1], err) && aside_check_keys(&report, &opt->secrets, err) &&
	       aside_check_keys(&report, &opt->new_secrets, err);
}

bool report_check_image(const struct options *opt, const struct img *im, struct img_err *err)
{
	const struct aside report = aside_of(opt);

	return aside_check_image(&report, im, err);
}

bool report_write(const struct outcome *out, struct img_err *err)
{
	const struct report_options *how = &out->opt->report;
	FILE *to = strcmp(out->target, "-") ? stdout : stderr;
	struct img_node *root;
	bool ok;

	if (out->losses->failed)
		return img_fail(err, IMG_E_NOMEM, _("out of memory: there are too many losses"));
	root = build(out);
	if (!root)
		return out_of_memory(err);
	ok = how->path ? img_report_save(root, how->style, how->path, err)
		       : img_report_write(root, how->style, to, err);
	img_node_free(root);
	return ok;
}
