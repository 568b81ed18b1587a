/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A salvage from the command line to the new image. */
#include "imgcheck/salvage.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "common/exit.h"
#include "common/place.h"
#include "common/target.h"
#include "common/text.h"

static void note_lost(void *ctx, const struct img_extent *ex)
{
	const struct piece one = {
		.start = ex->start, .len = ex->len, .kind = PIECE_LOST, .why = ex->why,
	};

	pieces_add(ctx, &one);
}

static struct img *open_once(const struct salvage_job *job, const struct source_place *where,
			     struct img_err *err)
{
	const struct img_open open = {
		.path = where->path, .member = where->member, .max_size = job->source.max_size,
		.spooled = source_spooled(&job->source), .format = job->source.format, .size = job->how->size,
		.cache_size = job->memory / 2,
		.parent = job->source.parent, .header = job->source.header,
		.flags = IMG_OPEN_SALVAGE | (job->source.force_share ? IMG_OPEN_FORCE_SHARE : 0),
		.gate = source_gate(job->source.gate), .keys = secret_keys(job->source.secrets),
	};

	return img_open(&open, err);
}

static struct img *open_source(const struct salvage_job *job, const char *path, struct img_err *err)
{
	struct source_place where;
	struct img *im;

	if (!source_find(&job->source, path, &where, err))
		return NULL;
	do
		im = open_once(job, &where, err);
	while (!im && secret_try_again(job->source.secrets, where.path, err));
	source_place_clear(&where);
	return im;
}

/* By -O, by the name of the target, else as the source. */
static const struct img_format *target_format_of(const struct salvage_options *how, struct img *src,
						 struct img_err *err)
{
	const struct img_format *format = how->target_format
		? img_format_named(how->target_format) : img_format_for_file(how->target);

	if (!format && how->target_format)
		img_fail(err, IMG_E_ARGUMENT, _("there is no image format \"%s\""), how->target_format);
	else if (!format)
		format = img_layer_format(src, 0);
	return format;
}

static struct img *create_target(const struct salvage_job *job, const char *format, uint64_t size,
				 struct img_err *err)
{
	struct stat st;
	const bool there = !stat(job->how->target, &st);
	const struct img_create what = {
		.path = job->how->target, .format = format, .size = size,
		.in_place = there && !S_ISREG(st.st_mode),
	};

	return target_new(&what, job->source.secrets, err);
}

static bool copy(const struct salvage_job *job, struct img *src, struct img *dst,
		 struct pieces *lost, struct img_err *err)
{
	const struct img_copy what = {
		.src = src, .dst = dst, .threads = job->threads, .zero_grain = 4096, .salvage = true,
		.lost = note_lost, .lost_ctx = lost,
	};
	struct img_copy_stats stats;
	struct progress progress;
	const struct img_job *talk = progress_start(&progress, job->cli,
						    progress_unless(job->quiet, &job->progress),
						    "salvage");
	const bool ok = img_copy_run(&what, talk, &stats, err) && img_finish(dst, err);

	progress_end(&progress, ok);
	return ok;
}

static int status_of(const struct salvage_outcome *out)
{
	if (out->bytes[PIECE_LOST])
		return CMD_INCOMPLETE;
	return out->bytes[PIECE_GUESSED] || out->told.size_guessed ? CMD_GUESSED : CMD_DONE;
}

static bool conclude(const struct salvage_job *job, const struct salvage_outcome *out,
		     struct img_err *err)
{
	return (!job->how->map || salvage_write_map(out, job->how->map, err)) &&
	       (job->quiet || salvage_print(out, job->style, err));
}

/* The new image, and a place for the map. */
static struct img *make_target(const struct salvage_job *job, const struct aside *map, struct img *src,
			       const char *format, struct img_err *err)
{
	struct img *dst = NULL;

	if (place_check_source(src, job->how->target, err) && aside_check_image(map, src, err))
		dst = create_target(job, format, img_size(src), err);
	if (!dst || aside_check_image(map, dst, err))
		return dst;
	img_close(dst);
	return NULL;
}

static bool check_names(const struct salvage_job *job, const struct aside *map, const char *path,
			struct img_err *err)
{
	return place_check_names(path, job->how->target, job->source.secrets, NULL, err) &&
	       aside_check_operand(map, path, err) && aside_check_operand(map, job->how->target, err) &&
	       aside_check_keys(map, job->source.secrets, err);
}

bool salvage(const struct salvage_job *job, const char *path, int *status, struct img_err *err)
{
	struct salvage_outcome out = { .source = path, .target = job->how->target };
	struct pieces lost = { .n = 0 };
	const struct aside map = { .option = "map", .path = job->how->map };
	struct img *src = check_names(job, &map, path, err) ? open_source(job, path, err) : NULL;
	const struct img_format *format = src ? target_format_of(job->how, src, err) : NULL;
	struct img *dst = NULL;
	bool ok;

	if (format) {
		out.source_format = img_format_name(img_layer_format(src, 0));
		out.target_format = img_format_name(format);
		dst = make_target(job, &map, src, out.target_format, err);
	}
	ok = dst && copy(job, src, dst, &lost, err) && salvage_look(src, &lost, &out, err) &&
	     conclude(job, &out, err);
	if (ok)
		*status = status_of(&out);
	img_close(dst);
	img_close(src);
	free(lost.v);
	free(out.pieces.v);
	return ok;
}
