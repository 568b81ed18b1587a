/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A shorter file for the same disk: what is hollow is looked for once, while nobody else can write; the
 * driver then works in rounds, each of which gets into the files at once.
 */
#include <inttypes.h>
#include "base/err.h"
#include "base/job.h"
#include "base/mem.h"
#include "base/num.h"
#include "copy/chain.h"
#include "copy/compact_room.h"
#include "copy/hollow.h"
#include "extent/extent.h"
#include "format/compact.h"

/* What a round moves: so much, or that part of all. */
enum { ROUND_MIN = 64 << 20, ROUNDS = 256 };

struct compacting {
	struct img *im;
	const struct img_compact *what;
	const struct img_job *job;	/* or NULL */
	struct img_compact_stats stats;
	struct img_rangeset hollow;
	uint64_t left;			/* bytes that have still to move */
	struct img_moved room;		/* what is needed of it, and was free before anything was kept */
};

/* Before all the work: what has a round has a journal. */
static bool check_names(const struct compacting *c, struct img_err *err)
{
	IMG_AUTO_FREE char *place = NULL;

	if (!c->im->layers[0].format->compact)
		return true;
	place = img_journal_place(img_layer_name(c->im, 0), err);
	return place != NULL;
}

static struct img_store *file_of(const struct img *im)
{
	return im->at_once ? img_at_once_file(im->at_once) : im->layers[0].store;
}

static bool check(const struct compacting *c, struct img_err *err)
{
	const struct img *im = c->im;

	if (!img_disk_is_open(im->disk) || !img_is_at_once(im))
		return img_fail(err, IMG_E_DENIED, _("%s: is not open for getting shorter"),
				img_layer_name(im, 0));
	/* What loses its place must not show what lies below. */
	return img_disk_check_sight(im, err) && check_names(c, err);
}

/* Of all files that hold the top layer. */
static bool measure(const struct compacting *c, uint64_t *bytes, struct img_err *err)
{
	const struct img_layer *ly = &c->im->layers[0];
	uint64_t one;

	if (!img_store_size(ly->store, bytes, err))
		return false;
	for (size_t i = 0; i < ly->n_data_files; i++) {
		if (!img_store_size(ly->data_files[i], &one, err))
			return false;
		*bytes += one;
	}
	return true;
}

/* ---- Bytes that have fixed places ---------------------------------------------------------------- */

/* Neither the disk nor any table is another one afterwards: this needs no journal. */
static bool punch(void *ctx, uint64_t at, uint64_t len, struct img_err *err)
{
	struct compacting *c = ctx;
	const uint64_t end = at + len;
	struct img_extent ex;

	c->stats.hollow += len;
	for (; at < end; at += ex.len) {
		if (!img_extent(c->im, at, end, &ex, err))
			return false;
		if (!ex.depth && ex.encrypted)
			return img_fail(err, IMG_E_UNSUPPORTED, _("%s: it is encrypted, and zeros of its "
					"disk are none in the file"), img_layer_name(c->im, 0));
		if (!c->what->dry_run && !ex.depth && ex.kind == IMG_EXTENT_DATA &&
		    !img_store_zero(file_of(c->im), ex.host, ex.len, false, err))
			return false;
	}
	return true;
}

static bool punch_all(struct compacting *c, const struct img_hollow *search, struct img_err *err)
{
	struct img_store *file = file_of(c->im);

	if (!(file->caps & IMG_STORE_ZERO))
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("%s: there can be no holes in files of this file system"),
				file->name);
	c->stats.after = c->stats.before;
	return img_hollow_find(search, err) && (c->what->dry_run || img_store_sync(file, err));
}

/* ---- Rounds -------------------------------------------------------------------------------------- */

static bool note(void *ctx, uint64_t at, uint64_t len, struct img_err *err)
{
	struct compacting *c = ctx;

	c->stats.hollow += len;
	return img_rangeset_include(&c->hollow, at, len, err);
}

/* room as in struct img_layer_compact. */
static bool call_driver(struct compacting *c, uint64_t room, struct img_layer_compacted *out,
			struct img_err *err)
{
	struct img_layer *ly = &c->im->layers[0];
	const struct img_layer_compact how = {
		.hollow = &c->hollow, .changes = c->what->n_unneeded, .room = room, .job = c->job,
	};

	return ly->format->compact(ly, &how, out, err) || img_within_file(err, ly->store->name);
}

/* One unit moves in any case. */
static uint64_t bytes_of_round(const struct compacting *c, uint64_t all)
{
	return img_max_u64(all / ROUNDS, img_max_u64(ROUND_MIN, c->im->layers[0].unit));
}

/* What a round works on at most. */
static uint64_t most_of_round(const struct compacting *c)
{
	const uint64_t all = c->what->compress ? c->stats.before : c->left;

	return img_min_u64(bytes_of_round(c, all), all);
}

/* What tables take is known when they were written, and thrown away or not. */
static bool plan(struct compacting *c, struct img_layer_compacted *out, struct img_err *err)
{
	struct img_compact_room room = {
		.ly = &c->im->layers[0], .compress = c->what->compress,
	};

	if (!img_room_look(img_layer_name(c->im, 0), &c->room, err) || !call_driver(c, 0, out, err) ||
	    !img_at_once_kept(c->im->at_once, &room.tables, err))
		return false;
	c->left = out->left;
	room.told = *out;
	room.most = most_of_round(c);
	c->stats.after = out->end;
	c->stats.extra = c->room.space = img_compact_room(&room);
	return true;
}

static bool check_room(const struct compacting *c, struct img_err *err)
{
	return c->room.space <= c->room.free ||
	       img_fail(err, IMG_E_NOSPACE, _("%s: %" PRIu64 " bytes are needed meanwhile, and %"
			PRIu64 " are free; nothing was changed"), img_layer_name(c->im, 0),
			c->room.space, c->room.free);
}

static bool do_round(struct compacting *c, uint64_t room, bool *more, struct img_err *err)
{
	struct img_layer_compacted out;

	if (!img_job_goes_on(c->job, err) || !call_driver(c, room, &out, err) || !img_finish(c->im, err))
		return false;
	*more = out.left && out.moved;
	c->stats.moved += out.moved;
	c->stats.rounds++;
	if (c->job && c->job->progress && c->left)
		c->job->progress(c->job->ctx, img_min_u64(c->stats.moved, c->left), c->left);
	return !*more || img_open_again(c->im, err);
}

/* ---- Rounds that compress ------------------------------------------------------------------------ */

/* room as in struct img_layer_pack; packed: of the round before. */
static bool pack(struct compacting *c, uint64_t room, struct img_layer_packed *packed,
		 struct img_err *err)
{
	struct img_layer *ly = &c->im->layers[0];
	const struct img_layer_pack how = {
		.compact = {
			.hollow = &c->hollow, .changes = c->what->n_unneeded, .room = room,
			.job = c->job,
		},
		.codec = c->what->codec, .level = c->what->level, .recode = c->what->recode,
		.threads = c->what->threads, .from = packed->from,
	};

	return ly->format->pack(ly, &how, packed, err) || img_within_file(err, ly->store->name);
}

static bool can_pack(struct compacting *c, struct img_err *err)
{
	const struct img_format *format = c->im->layers[0].format;
	struct img_layer_packed none = { .from = 0 };

	if (!c->what->compress)
		return true;
	if (!format->pack)
		return img_fail(err, IMG_E_UNSUPPORTED, _("%s: %s images are not compressed in place"),
				img_layer_name(c->im, 0), format->name);
	return pack(c, 0, &none, err);
}

static bool run_packing(struct compacting *c, struct img_err *err)
{
	struct img_layer_packed packed = { .from = 0 };

	do {
		if (!img_job_goes_on(c->job, err) ||
		    !pack(c, bytes_of_round(c, c->stats.before), &packed, err) ||
		    !img_finish(c->im, err) || !img_open_again(c->im, err))
			return false;
		c->stats.compressed += packed.compressed;
		c->stats.plain += packed.plain;
		c->stats.rounds++;
		if (c->job && c->job->progress && c->stats.before)
			c->job->progress(c->job->ctx, img_min_u64(packed.seen, c->stats.before),
					 c->stats.before);
	} while (packed.from < packed.end);
	return true;
}

/* ---- All of it ----------------------------------------------------------------------------------- */

static bool run_rounds(struct compacting *c, const struct img_hollow *search, struct img_err *err)
{
	struct img_layer_compacted out;
	bool more = true;

	if (!img_hollow_find(search, err) || !plan(c, &out, err))
		return false;
	if (c->what->dry_run) {
		c->stats.moved = out.left;
		return true;
	}
	if (!check_room(c, err) || (c->what->compress && !run_packing(c, err)))
		return false;
	while (more)
		if (!do_round(c, bytes_of_round(c, c->left), &more, err))
			return false;
	return measure(c, &c->stats.after, err);
}

bool img_compact(struct img *im, const struct img_compact *what, const struct img_job *job,
		 struct img_compact_stats *stats, struct img_err *err)
{
	struct compacting c = { .im = im, .what = what, .job = job };
	struct img_hollow search = { .im = im, .what = what, .job = job, .ctx = &c };
	bool ok;

	if (!check(&c, err) || !can_pack(&c, err) || !measure(&c, &c.stats.before, err))
		return false;
	c.stats.guest = img_size(im);
	search.with_holes = im->layers[0].format->compact;
	search.found = search.with_holes ? note : punch;
	ok = search.with_holes ? run_rounds(&c, &search, err) : punch_all(&c, &search, err);
	img_rangeset_clear(&c.hollow);
	if (ok)
		*stats = c.stats;
	return ok;
}
