/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The disk of one image, compressed, into another. */
#include <sys/stat.h>
#include "common/place.h"
#include "common/target.h"
#include "common/text.h"
#include "imgcompress/imgcompress.h"

static bool run(const struct options *opt, struct img *src, struct img *dst,
		struct img_copy_stats *stats, struct img_err *err)
{
	const struct img_copy what = {
		.src = src, .dst = dst, .threads = opt->threads,
		.zero_grain = target_zero_grain(4096), .compress = true, .verify = opt->verify,
		.recode = target_recodes(opt), .dedup = opt->dedup,
	};
	struct progress progress;
	const struct img_job *job = progress_start(&progress, &imgcompress_cli,
						   progress_unless(opt->quiet, &opt->progress),
						   "compress");
	const bool ok = img_copy_run(&what, job, stats, err) && img_finish(dst, err);

	progress_end(&progress, ok);
	return ok;
}

uint64_t copy_file_bytes(const char *path)
{
	struct stat st;

	return stat(path, &st) || !S_ISREG(st.st_mode) ? IMG_SIZE_UNKNOWN
						       : 512 * (uint64_t)st.st_blocks;
}

struct img *copy_open_source(const struct options *opt, const char *path, struct outcome *out,
			     struct img_err *err)
{
	struct img *src = source_open_to_copy(&imgcompress_cli, &opt->source, path, 0, err);

	if (src && !leave_out_free(&imgcompress_cli, opt->free, opt->quiet, src, &out->unused, err)) {
		img_close(src);
		return NULL;
	}
	if (src)
		out->source_format = img_format_name(img_layer_format(src, 0));
	out->source_bytes = copy_file_bytes(path);
	return src;
}

bool copy_write(const struct options *opt, const struct img_format *format, struct img *src,
		struct outcome *out, struct img_err *err)
{
	struct img *dst = target_create(opt, format, out->target, src, err);
	const bool ok = dst && run(opt, src, dst, &out->stats, err);

	img_close(dst);
	out->target_format = img_format_name(format);
	out->best_of = opt->best_of;
	out->target_bytes = copy_file_bytes(out->target);
	return ok;
}

bool copy_report(const struct options *opt, const struct outcome *out, struct img_err *err)
{
	return !opt->wants_report || report_write(out, opt->style, err);
}

bool compress_copy(const struct options *opt, char *const names[2], struct img_err *err)
{
	struct outcome out = { .source = names[0], .target = names[1] };
	const struct img_format *format;
	struct img *src;
	bool ok;

	if (!place_check_names(names[0], names[1], opt->source.secrets, NULL, err))
		return false;
	src = copy_open_source(opt, names[0], &out, err);
	format = src ? target_choose(opt, img_layer_format(src, 0), names[1], err) : NULL;
	ok = format && copy_write(opt, format, src, &out, err) && copy_report(opt, &out, err);
	free_space_clear(&out.unused);
	img_close(src);
	return ok;
}
