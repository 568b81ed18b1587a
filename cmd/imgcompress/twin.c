/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A compressed copy of an image with its snapshots, its bitmaps and what it stands on.  It is copied as
 * it is first, and compressed in place then: so what snapshots share stays shared.
 */
#include <unistd.h>
#include "common/text.h"
#include "imgcompress/imgcompress.h"

/* What makes another image, of the disk alone. */
static bool check(const struct options *opt, struct img_err *err)
{
	return !(opt->settings || opt->dedup || opt->deterministic || opt->best_of) ||
	       img_fail(err, IMG_E_ARGUMENT, _("is not replaced: with -o, --dedup, --deterministic or "
			"--best-of only its disk could be kept, and not its snapshots, its bitmaps and "
			"what it stands on; give the compressed image a name of its own"));
}

static bool replicate(const struct options *opt, struct img *src, const char *path,
		      struct img_err *err)
{
	struct progress progress;
	const bool ok = img_replicate(src, path, opt->cache,
				      progress_start(&progress, &imgcompress_cli,
						     progress_unless(opt->quiet, &opt->progress),
						     "copy"), err);

	progress_end(&progress, ok);
	return ok;
}

static bool pack(const struct options *opt, const char *path, struct img_compact_stats *stats,
		 struct img_err *err)
{
	const struct source_options how = {
		.format = opt->source.format, .gate = opt->source.gate,
	};
	struct options mine = *opt;
	struct progress progress;
	struct img *im = source_open_again(&how, path, IMG_OPEN_WRITE | IMG_OPEN_AT_ONCE, err);
	bool ok = im;

	mine.compress = true;
	mine.quiet = true;	/* what is odd about free space was said of the image */
	if (ok) {
		ok = in_place_compact(&mine, im, progress_start(&progress, &imgcompress_cli,
								progress_unless(opt->quiet,
										&opt->progress),
								"compress"), stats, err);
		progress_end(&progress, ok);
	}
	img_close(im);
	return ok;
}

bool twin_write(const struct options *opt, struct img *src, struct outcome *out, struct img_err *err)
{
	struct img_compact_stats stats;

	if (!check(opt, err) || !replicate(opt, src, out->target, err))
		return false;
	if (!pack(opt, out->target, &stats, err)) {
		(void)unlink(out->target);	/* there is a failure to tell already */
		return false;
	}
	out->stats = (struct img_copy_stats){
		.guest = stats.guest, .data = stats.plain, .compressed = stats.compressed,
		.zero = stats.hollow,
	};
	out->target_format = out->source_format;
	out->target_bytes = copy_file_bytes(out->target);
	return true;
}

static bool compare_snapshot(const struct options *opt, const char *id, const char *path,
			     const char *copy, struct img_err *err)
{
	const struct source_options how = {
		.format = opt->source.format, .gate = opt->source.gate, .snapshot = id,
	};
	struct img *a = source_open_again(&how, path, 0, err);
	struct img *b = a ? source_open_again(&how, copy, 0, err) : NULL;
	const bool ok = b && replace_compare(opt, a, b, err);

	img_close(a);
	img_close(b);
	return ok;
}

bool twin_check(const struct options *opt, struct img *src, const char *path, const char *copy,
		struct img_err *err)
{
	struct img_snapshot *list;
	size_t n;
	bool ok = true;

	if (!img_snapshot_list(src, false, &list, &n, err))
		return false;
	for (size_t i = 0; ok && i < n; i++)
		ok = compare_snapshot(opt, list[i].id, path, copy, err) ||
		     img_within(err, _("snapshot \"%s\""), list[i].name);
	img_snapshot_list_free(list, n);
	return ok;
}
