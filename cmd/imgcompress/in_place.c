/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgcompress --in-place: a shorter file for the same disk. */
#include <string.h>
#include "common/memory.h"
#include "common/text.h"
#include "imgcompress/imgcompress.h"

static bool check(const struct options *opt, struct img_err *err)
{
	if (opt->format || opt->settings || opt->cache != IMG_CACHE_DEFAULT || opt->verify || opt->best_of ||
	    opt->dedup || opt->deterministic || opt->source.force_share)
		return img_fail(err, IMG_E_ARGUMENT, _("--in-place makes no new image, so it does not go "
				"with -O, -o, -t, --verify, --best-of, --dedup, --deterministic or "
				"--force-share"));
	return opt->compress || !(opt->codec || opt->level || opt->recode) ||
	       img_fail(err, IMG_E_ARGUMENT, _("--in-place compresses nothing without -c, so --codec, "
			"--level and --recode are of no use"));
}

static void add_bytes(struct img_node *root, const char *key, const char *label, uint64_t bytes)
{
	img_node_u64(root, key, bytes, IMG_UNIT_BYTES);
	img_node_label(root, label);
}

static bool report(const struct options *opt, const char *name, const char *format,
		   const struct img_compact_stats *stats, struct img_err *err)
{
	struct img_node *root = img_node_root("imgcompress");
	bool ok;

	if (!root)
		return out_of_memory(err);
	img_node_text(root, "image", name);
	img_node_label(root, _("image"));
	img_node_text(root, "format", format);
	img_node_label(root, _("format"));
	img_node_flag(root, "done", !opt->dry_run);
	img_node_label(root, _("done"));
	add_bytes(root, "virtual-size", _("virtual size"), stats->guest);
	add_bytes(root, "hollow", _("stored, and not needed"), stats->hollow);
	add_bytes(root, "moved", _("moved inside the file"), stats->moved);
	if (opt->compress && !opt->dry_run) {
		add_bytes(root, "compressed", _("compressed"), stats->compressed);
		add_bytes(root, "plain", _("no smaller, and left plain"), stats->plain);
	}
	add_bytes(root, "before", _("size of the file before"), stats->before);
	add_bytes(root, "after", opt->compress && opt->dry_run ? _("size of the file afterwards, at most")
		  : _("size of the file afterwards"), stats->after);
	add_bytes(root, "space-needed", _("space needed meanwhile, at most"), stats->extra);
	ok = img_report_write(root, opt->style, stdout, err);
	img_node_free(root);
	return ok;
}

bool in_place_compact(const struct options *opt, struct img *im, const struct img_job *job,
		      struct img_compact_stats *stats, struct img_err *err)
{
	struct free_space unused = { .n = 0 };
	const bool ok = leave_out_find(&imgcompress_cli, opt->free, opt->quiet, im, &unused, err);
	const struct img_compact what = {
		.unneeded = unused.spans, .n_unneeded = unused.n, .threads = opt->threads,
		.dry_run = opt->dry_run, .compress = opt->compress, .codec = opt->codec,
		/* A level is one for everything, as in a new image. */
		.level = opt->level, .recode = opt->recode || opt->level,
	};
	const bool done = ok && img_compact(im, &what, job, stats, err);

	free_space_clear(&unused);
	return done;
}

bool compress_in_place(const struct options *opt, const char *name, struct img_err *err)
{
	struct img_compact_stats stats;
	struct progress progress;
	const struct img_format *format;
	struct img *im;
	bool ok;

	if (!check(opt, err))
		return false;
	im = source_open_to_change(&imgcompress_cli, &opt->source, name,
				   IMG_OPEN_WRITE | IMG_OPEN_AT_ONCE, err);
	if (!im)
		return false;
	format = img_layer_format(im, 0);
	ok = in_place_compact(opt, im, progress_start(&progress, &imgcompress_cli,
						      progress_unless(opt->quiet, &opt->progress),
						      "compact"),
			      &stats, err);
	progress_end(&progress, ok);
	img_close(im);
	return ok && (!(opt->wants_report || opt->dry_run) ||
		      report(opt, name, img_format_name(format), &stats, err));
}
