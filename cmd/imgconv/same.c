/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgconv --skip-same: a target that holds the disk already is left alone. */
#include <stdio.h>
#include <string.h>
#include "common/text.h"
#include "imgconv/imgconv.h"
#include "libimg-hash.h"

enum { PIECE = 1 << 16 };

bool same_check_usage(const struct options *opt, char *const names[2], struct img_err *err)
{
	if (!opt->skip_same)
		return true;
	if (opt->itself || opt->with_snapshots || opt->salvage)
		return img_fail(err, IMG_E_ARGUMENT, _("--skip-same does not go with --in-place, "
						       "--with-snapshots and --salvage"));
	return (strcmp(names[0], "-") && strcmp(names[1], "-")) ||
	       img_fail(err, IMG_E_ARGUMENT, _("--skip-same reads source and target twice, so neither "
					       "can be a pipe"));
}

/* Whatever is wrong with what is there: it is replaced, and who does that tells what cannot be. */
bool same_is_there(const struct options *opt, const struct img_format *format, const char *path,
		   struct img *src)
{
	const struct img_open how = {
		.path = path, .format = img_format_name(format), .flags = 0,
		.gate = source_gate(opt->source.gate), .keys = secret_keys(opt->target.secrets),
	};
	struct img_compare_stats stats = { .same = false };
	struct img *there = img_open(&how, NULL);
	const struct img_compare what = { .a = src, .b = there, .threads = opt->threads };
	struct progress progress;
	bool same = there && img_size(there) == img_size(src);

	if (same) {
		const struct img_job *job = progress_start(&progress, &imgconv_cli,
							   progress_unless(opt->quiet, &opt->progress),
							   "compare");

		same = img_compare_run(&what, job, &stats, NULL) && stats.same;
		progress_end(&progress, same);
	}
	img_close(there);
	return same;
}

/* ---- What the report says of it ---------------------------------------------------------------- */

static bool hash_extent(struct img *im, const struct img_extent *ex, struct img_hash *hash,
			struct img_err *err)
{
	const bool zero = ex->kind == IMG_EXTENT_ZERO || ex->kind == IMG_EXTENT_HOLE;
	uint8_t bytes[PIECE] = { 0 };
	size_t now;

	for (uint64_t at = ex->start, left = ex->len; left; at += now, left -= now) {
		now = left < PIECE ? left : PIECE;
		if ((!zero && !img_read(im, at, bytes, now, err)) ||
		    !img_hash_add(hash, bytes, now, err))
			return false;
	}
	return true;
}

static bool hash_disk(struct img *im, struct img_hash *hash, struct img_err *err)
{
	struct img_extent ex;

	for (uint64_t at = 0; at < img_size(im); at += ex.len)
		if (!img_extent(im, at, img_size(im), &ex, err) || !hash_extent(im, &ex, hash, err))
			return false;
	return true;
}

static void print_hex(const uint8_t *sum, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++)
		sprintf(out + 2 * i, "%02x", sum[i]);
}

bool same_tell(const struct options *opt, struct img *src, struct img_copy_stats *stats,
	       struct img_err *err)
{
	uint8_t sum[IMG_HASH_MAX];

	*stats = (struct img_copy_stats){ .guest = img_size(src) };
	if (!opt->digest)
		return true;
	struct img_hash *hash = img_hash_open(opt->digest, err);
	const bool ok = hash && hash_disk(src, hash, err) && img_hash_finish(hash, sum, err);

	if (ok)
		print_hex(sum, img_hash_size(hash), stats->digest);
	img_hash_close(hash);
	return ok;
}
