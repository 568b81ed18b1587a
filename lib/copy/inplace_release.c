/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * To raw.  First the image gets tables behind all of its data; then the units of the disk go where
 * they are to be; at last the first one takes the place of the header, and the tables are cut off.
 * Between these steps the file is an image with the same disk, and so it is when one is cut off.
 */
#include <inttypes.h>
#include <sys/stat.h>
#include "base/mem.h"
#include "base/num.h"
#include "copy/inplace.h"

/* ---- What is refused ----------------------------------------------------------------------------- */

/* What a guest wrote must not be taken for an image, with the names of files in it. */
static bool check_beginning(const struct img_in_place_run *run, struct img_err *err)
{
	const struct img_placement *p = &run->where;
	uint8_t head[IMG_PEEK_BYTES];
	struct img_peek peek = { .head = head, .size = p->size };
	const struct img_format *seen;

	if (!p->host_of[0])
		return true;
	if (!img_store_read_some(run->file, p->host_of[0] * (uint64_t)p->unit, head,
				 img_min_u64(sizeof(head), img_min_u64(p->unit, p->size)),
				 &peek.head_len, err))
		return false;
	img_probe(&peek, &seen);
	return seen == &img_format_raw ||
	       img_fail(err, IMG_E_UNSUPPORTED, _("the disk begins like a %s image, and the raw file "
			"would be taken for one"), seen->name);
}

static bool fail_written(struct img_err *err)
{
	return img_fail(err, IMG_E_MISMATCH, _("cannot be undone: it was written or copied since it "
			"was raw; imgconv --in-place -O raw makes a raw file of what it holds now"));
}

/* Whether nobody has written since the raw file became this image. */
static bool check_undo(struct img_in_place_run *run, struct img_err *err)
{
	struct stat st;

	if (!run->image->adopt->adopted(&run->ly, &run->note))
		return img_fail(err, IMG_E_ARGUMENT, _("cannot be undone: it was not made of a raw "
				"file in place; imgconv --in-place -O raw makes one of it"));
	if (img_path_is_uri(run->what->path))
		return img_fail(err, IMG_E_UNSUPPORTED, _("only what became an image in a file can "
				"be undone; imgconv --in-place -O raw makes it raw"));
	if (stat(run->what->path, &st))
		return img_fail_os(err, "%s", run->what->path);
	if (run->where.astray || st.st_mtim.tv_sec != run->note.time || st.st_mtim.tv_nsec)
		return fail_written(err);
	return true;
}

/* ---- Steps --------------------------------------------------------------------------------------- */

/* Zeros and holes, of which the tables said so, and which the new ones cannot tell from data. */
static bool clear_blank(const struct img_in_place_run *run, struct img_err *err)
{
	for (size_t i = 0; i < run->blank.n; i++) {
		const struct img_stretch *s = &run->blank.v[i];

		if (!img_store_zero(run->file, s->start, s->end - s->start, false, err))
			return false;
	}
	return img_store_sync(run->file, err);
}

/* Bytes of the file in which nothing lies any more. */
static bool clear_data(struct img_store *file, uint64_t at, uint64_t end, struct img_err *err)
{
	struct img_extent ex;

	for (; at < end; at = ex.start + ex.len)
		if (!img_store_extent(file, at, end, &ex, err) ||
		    (ex.kind == IMG_EXTENT_DATA &&
		     !img_store_zero(file, ex.start, ex.len, false, err)))
			return false;
	return true;
}

/* What will show in the raw file although the disk has nothing there. */
static bool clear_gaps(const struct img_in_place_run *run, struct img_err *err)
{
	const struct img_placement *p = &run->where;

	for (uint64_t h = 1, end; h < p->units; h = end) {
		end = h + 1;
		if (p->guest_at[h])
			continue;
		while (end < p->units && !p->guest_at[end])
			end++;
		if (!clear_data(run->file, h * p->unit, end * p->unit, err))
			return false;
	}
	return img_store_sync(run->file, err);
}

static bool uncover(struct img_in_place_run *run, struct img_store *st, struct img_err *err)
{
	const struct img_placement *p = &run->where;
	const uint64_t len = img_min_u64(p->unit, run->note.size);

	assert(!p->astray);
	if (!(p->host_of[0] ? img_move(st, 0, p->units * p->unit, len, NULL, err)
			    : img_store_zero(st, 0, len, false, err)))
		return false;
	return img_store_resize(st, run->note.size, err);
}

/* ---- The whole ----------------------------------------------------------------------------------- */

static bool read_image(struct img_in_place_run *run, struct img_err *err)
{
	struct img_layer *ly = &run->ly;

	if (!run->image->adopt->sole(ly, err) ||
	    !img_placement_init(&run->where, ly->size, ly->unit, run->stats->before, err) ||
	    !img_placement_read(&run->where, ly, &run->blank, err))
		return false;
	img_placement_trim(&run->where);
	run->note.size = ly->size;
	run->options = img_format_text(err, "%s=%" PRIu32, run->image->adopt->unit_option, ly->unit);
	return run->options != NULL;
}

static bool release(struct img_in_place_run *run, struct img_err *err)
{
	if (!check_beginning(run, err) || !img_in_place_measure(run, img_in_place_lay, err))
		return false;
	run->stats->after = run->note.size;
	if (run->what->dry_run)
		return true;
	return clear_blank(run, err) && img_in_place_do(run, img_in_place_lay, err) &&
	       clear_gaps(run, err) && img_in_place_move_all(run, err) &&
	       img_in_place_do(run, uncover, err);
}

static bool undo(struct img_in_place_run *run, struct img_err *err)
{
	/* Cut off too early to be finished it can be undone still, by the time of the last change. */
	run->fits = true;
	return check_undo(run, err) && img_in_place_measure(run, uncover, err) &&
	       (run->what->dry_run || img_in_place_do(run, uncover, err));
}

bool img_in_place_release(struct img_in_place_run *run, struct img_err *err)
{
	if (!run->ly.size)
		return img_fail(err, IMG_E_ARGUMENT, _("the image holds an empty disk"));
	if (run->what->options)
		return img_fail(err, IMG_E_ARGUMENT, _("in place, raw takes no options"));
	return read_image(run, err) && (run->what->undo ? undo(run, err) : release(run, err));
}
