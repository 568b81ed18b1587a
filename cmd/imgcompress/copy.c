/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The disk of one image, compressed, into another. */
#include <sys/stat.h>
#include "common/target.h"
#include "common/text.h"
#include "imgcompress/imgcompress.h"

static bool run(const struct options *opt, struct img *src, struct img *dst,
		struct img_copy_stats *stats, struct img_err *err)
{
	const struct img_copy what = {
		.src = src, .dst = dst, .threads = opt->threads,
		.zero_grain = target_zero_grain(4096), .compress = true, .verify = opt->verify,
		.recode = opt->recode || target_has_level(opt),
	};
	const struct progress_options silent = { .mode = PROGRESS_OFF };
	struct progress progress;
	const struct img_job *job = progress_start(&progress, &imgcompress_cli,
						   opt->quiet ? &silent : &opt->progress,
						   "compress");
	const bool ok = img_copy_run(&what, job, stats, err) && img_finish(dst, err);

	progress_end(&progress, ok);
	return ok;
}

/* Bytes that the file at path takes; a pipe or a device says nothing of the image. */
static uint64_t file_bytes(const char *path)
{
	struct stat st;

	return stat(path, &st) || !S_ISREG(st.st_mode) ? IMG_SIZE_UNKNOWN
						       : 512 * (uint64_t)st.st_blocks;
}

/* src is open, and what is not needed of it is left out. */
static bool write_copy(const struct options *opt, struct img *src, struct outcome *out,
		       struct img_err *err)
{
	const struct img_format *format = target_choose(opt, img_layer_format(src, 0), out->target,
							err);
	struct img *dst = format ? target_create(opt, format, out->target, src, err) : NULL;
	const bool ok = dst && run(opt, src, dst, &out->stats, err);

	img_close(dst);
	if (!ok)
		return false;
	out->source_format = img_format_name(img_layer_format(src, 0));
	out->target_format = img_format_name(format);
	out->target_bytes = file_bytes(out->target);
	return !opt->wants_report || report_write(out, opt->style, err);
}

bool compress_copy(const struct options *opt, char *const names[2], struct img_err *err)
{
	struct outcome out = {
		.source = names[0], .target = names[1], .source_bytes = file_bytes(names[0]),
	};
	struct img *src;
	bool ok;

	if (source_is_same_file(names[0], names[1]))
		return img_fail(err, IMG_E_ARGUMENT, _("%s: source and target are the same file"),
				names[1]);
	src = source_open(&imgcompress_cli, &opt->source, names[0], 0, err);
	ok = src && leave_out_free(&imgcompress_cli, opt->free, opt->quiet, src, &out.unused, err) &&
	     write_copy(opt, src, &out, err);
	free_space_clear(&out.unused);
	img_close(src);
	return ok;
}
