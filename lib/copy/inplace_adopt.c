/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From raw: the data stay where they are.  One change at once puts tables behind them, the first unit
 * in between, and a header in its place.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include "base/mem.h"
#include "base/num.h"
#include "copy/inplace.h"

static bool adopt(struct img_in_place_run *run, struct img_store *st, struct img_err *err)
{
	const struct img_placement *p = &run->where;

	return (!p->host_of[0] ||
		img_move(st, p->units * p->unit, 0, img_min_u64(p->unit, p->size), NULL, err)) &&
	       img_in_place_lay(run, st, err);
}

/* Which bytes of the file hold data, in units that the options ask for. */
static bool find_data(struct img_in_place_run *run, struct img_err *err)
{
	const struct img_format *image = run->image;
	const uint64_t size = run->ly.size;
	struct img_settings *set = img_settings_parse(image->create_options, run->options, err);
	uint32_t unit;
	const bool ok = set && image->adopt->unit(set, size, &unit, err);

	img_settings_free(set);
	return ok && img_placement_init(&run->where, size, unit, size, err) &&
	       img_placement_read(&run->where, &run->ly, &run->blank, err);
}

/*
 * The time of the last change, by which undoing knows that there was none since.  Whole seconds: no
 * system keeps less, and a change hardly ever comes at one.  The image is whole without it, too.
 */
static void set_time(const struct img_in_place_run *run)
{
	const struct timespec times[] = {
		{ .tv_nsec = UTIME_OMIT }, { .tv_sec = run->note.time },
	};

	if (utimensat(AT_FDCWD, run->what->path, times, 0) && run->job->warn)
		run->job->warn(run->job->ctx, _("the time of the last change cannot be set, so this "
						"cannot be undone"));
}

bool img_in_place_adopt(struct img_in_place_run *run, struct img_err *err)
{
	if (!run->ly.size)
		return img_fail(err, IMG_E_ARGUMENT, _("an empty file holds no disk"));
	if (run->what->options && !(run->options = img_strdup(run->what->options, err)))
		return false;
	run->note = (struct img_adoption){ .size = run->ly.size, .time = time(NULL) };
	run->keep_note = true;
	if (!find_data(run, err) || !img_in_place_measure(run, adopt, err))
		return false;
	if (run->what->dry_run)
		return true;
	if (!img_in_place_do(run, adopt, err))
		return false;
	set_time(run);
	return true;
}
