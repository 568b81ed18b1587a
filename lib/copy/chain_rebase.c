/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An image that is to stand on another one: what shows through from below, and would not any more, is
 * copied into it; then it says the other name.  Bytes that are the same on both sides stay below.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "base/zero.h"
#include "copy/chain.h"
#include "extent/extent.h"

struct rebase {
	const struct img_rebase *what;
	const struct img_job *job;
	struct img_rebased *out;
	struct img *top;		/* and what it stands on */
	struct img *to;			/* what it will stand on; NULL: nothing */
	uint32_t unit;			/* bytes of top that are copied together */
	bool only_count;		/* look at all bytes, and change none */
	_Atomic uint64_t data, zeros;	/* bytes that differ */
	/* Two stores of which it is known whether they are one file: */
	const struct img_store *known_a, *known_b;
	bool known_same;
};

/* ---- Pieces -------------------------------------------------------------------------------------- */

/* What will be below; zeros behind its end. */
static bool extent_to(struct rebase *r, uint64_t at, uint64_t limit, struct img_extent *ex,
		      struct img_err *err)
{
	const uint64_t size = r->to ? img_size(r->to) : 0;

	*ex = (struct img_extent){ .start = at, .len = limit - at, .kind = IMG_EXTENT_HOLE };
	return at >= size || img_extent(r->to, at, img_min_u64(limit, size), ex, err);
}

static bool is_one_file(struct rebase *r, const struct img_store *a, const struct img_store *b)
{
	if (a != r->known_a || b != r->known_b) {
		r->known_same = img_same_file(a->name, b->name);
		r->known_a = a;
		r->known_b = b;
	}
	return r->known_same;
}

/* The same bytes of the same file, or zeros. */
static bool is_same(struct rebase *r, const struct img_extent *now, const struct img_extent *then)
{
	if (img_extent_reads_as_zero(now))
		return img_extent_reads_as_zero(then);
	return now->kind == IMG_EXTENT_DATA && then->kind == IMG_EXTENT_DATA &&
	       now->host == then->host && is_one_file(r, now->store, then->store);
}

/* Ends the piece with a unit: a part of one is stored although all of it may be zeros. */
static void end_with_unit(const struct rebase *r, uint64_t limit, struct img_piece *piece)
{
	const uint64_t end = piece->at + piece->len, whole = img_round_down(end, r->unit);

	if (piece->kind == IMG_PIECE_NOTHING && whole > piece->at) {
		piece->len = whole - piece->at;
		return;
	}
	piece->len = img_min_u64(img_round_up(end, r->unit), limit) - piece->at;
	if (whole != end)
		piece->kind = IMG_PIECE_BYTES;
}

static bool look(void *ctx, uint64_t at, uint64_t limit, struct img_piece *out, struct img_err *err)
{
	struct rebase *r = ctx;
	struct img_extent now, then;

	if (!img_extent(r->top, at, limit, &now, err))
		return false;
	*out = (struct img_piece){ .at = at, .len = now.len };
	/* What top holds itself it keeps. */
	if (now.kind != IMG_EXTENT_HOLE && !now.depth)
		return true;
	if (now.kind == IMG_EXTENT_LOST)
		return img_fail_lost(r->top, &now, err);
	if (!extent_to(r, at, at + now.len, &then, err))
		return false;
	out->len = then.len;
	out->kind = is_same(r, &now, &then) ? IMG_PIECE_NOTHING : IMG_PIECE_BYTES;
	end_with_unit(r, limit, out);
	if (out->kind == IMG_PIECE_BYTES)
		img_piece_cut(out);
	return true;
}

/* ---- Work ---------------------------------------------------------------------------------------- */

static bool read_to(struct rebase *r, const struct img_piece *piece, uint8_t *buf,
		    struct img_err *err)
{
	const uint64_t size = r->to ? img_size(r->to) : 0;
	const size_t have = piece->at < size ? img_min_u64(piece->len, size - piece->at) : 0;

	memset(buf + have, 0, piece->len - have);
	return !have || img_read(r->to, piece->at, buf, have, err);
}

/* What is to be done with the units of [at, end) from the first on, as far as that is the same. */
static enum img_piece_kind judge(const struct rebase *r, const struct img_piece *piece,
				 const struct img_pour_bufs *bufs, uint64_t at, uint64_t *next)
{
	const uint64_t end = piece->at + piece->len;
	const size_t skip = at - piece->at;

	*next = img_min_u64(end, img_round_down(at, r->unit) + r->unit);
	if (!memcmp(bufs->a + skip, bufs->b + skip, *next - at))
		return IMG_PIECE_NOTHING;
	return img_is_zero(bufs->a + skip, *next - at) ? IMG_PIECE_ZERO : IMG_PIECE_BYTES;
}

/* Zeros in a part of a unit a driver may leave to what lies below now, which shows them, too. */
static bool is_whole(const struct rebase *r, const struct img_piece *run)
{
	const uint64_t unit = r->top->layers[0].unit, end = run->at + run->len;

	return run->at % unit == 0 && (end % unit == 0 || end == img_size(r->top));
}

static bool change(struct rebase *r, const struct img_piece *run, const uint8_t *bytes,
		   struct img_err *err)
{
	if (run->kind == IMG_PIECE_NOTHING)
		return true;
	atomic_fetch_add(run->kind == IMG_PIECE_ZERO ? &r->zeros : &r->data, run->len);
	if (r->only_count)
		return true;
	return run->kind == IMG_PIECE_ZERO && is_whole(r, run)
		? img_write_zeros(r->top, run->at, run->len, true, err)
		: img_write(r->top, run->at, bytes, run->len, err);
}

static bool work(void *ctx, const struct img_piece *piece, const struct img_pour_bufs *bufs,
		 struct img_err *err)
{
	struct rebase *r = ctx;
	struct img_piece run = { .at = piece->at };
	uint64_t next;

	if (!img_read(r->top, piece->at, bufs->a, piece->len, err) ||
	    !read_to(r, piece, bufs->b, err))
		return false;
	for (uint64_t at = piece->at; at < piece->at + piece->len; at = next) {
		const enum img_piece_kind kind = judge(r, piece, bufs, at, &next);

		if (run.len && kind != run.kind) {
			if (!change(r, &run, bufs->a + (run.at - piece->at), err))
				return false;
			run = (struct img_piece){ .at = at };
		}
		run.kind = kind;
		run.len += next - at;
	}
	return change(r, &run, bufs->a + (run.at - piece->at), err);
}

/* ---- Reckoning ----------------------------------------------------------------------------------- */

static bool count(void *ctx, const struct img_piece *piece, struct img_err *err)
{
	struct rebase *r = ctx;

	(void)err;
	atomic_fetch_add(&r->data, piece->len);
	return true;
}

static struct img_pour pour_of(struct rebase *r)
{
	return (struct img_pour){
		.to = img_size(r->top), .threads = r->what->threads, .look = look, .work = work,
		.ctx = r, .job = r->job, .total = r->data,
	};
}

static void take_counts(struct rebase *r)
{
	struct img_moved *moved = &r->out->moved;

	moved->data = r->data;
	moved->zeros = r->zeros;
	moved->space = img_room_for(moved->data, r->unit);
}

/* What differs, byte for byte, without changing anything. */
static bool count_bytes(struct rebase *r, struct img_err *err)
{
	struct img_pour pour = pour_of(r);

	r->data = 0;
	r->only_count = true;
	if (!img_pour_run(&pour, err))
		return false;
	r->only_count = false;
	take_counts(r);
	return true;
}

/* What may differ is known at once; only if there is no room for that all bytes are looked at first. */
static bool reckon(struct rebase *r, struct img_err *err)
{
	const struct img_pour pour = pour_of(r);
	const char *path = img_layer_name(r->top, 0);

	if (!img_pour_look(&pour, count, err) || !img_room_look(path, &r->out->moved, err))
		return false;
	take_counts(r);
	if (!r->what->dry_run && r->out->moved.space <= r->out->moved.free)
		return true;
	return count_bytes(r, err) &&
	       (r->what->dry_run || img_room_check(path, &r->out->moved, err));
}

/* ---- Opening ------------------------------------------------------------------------------------- */

static bool check_new(const struct rebase *r, struct img_err *err)
{
	for (size_t i = 0; r->to && i < img_depth(r->to); i++)
		if (!img_check_base(r->what->top.path, img_layer_name(r->to, i), err))
			return false;
	return true;
}

/* Its name may be trusted before its file is there, and be a typing error all the more often. */
static bool go_on_without(const struct rebase *r, const struct img_err *why)
{
	if (!r->what->trust)
		return false;
	if (r->job && r->job->warn)
		r->job->warn(r->job->ctx, why->text);
	return true;
}

/* It is looked at with all that it stands on, unless its content is trusted to be right. */
static struct img *open_to(const struct rebase *r, struct img_err *err)
{
	const struct img_rebase *what = r->what;
	IMG_AUTO_FREE char *path = img_resolve(what->top.path, what->backing, err);
	const struct img_open how = {
		.path = path, .format = what->backing_format, .gate = what->top.gate,
		.cache = what->top.cache, .flags = what->trust ? IMG_OPEN_NO_BACKING : 0,
		.keys = what->top.keys,
	};

	return path ? img_open(&how, err) : NULL;
}

static bool open_new(struct rebase *r, struct img_err *err)
{
	const struct img_rebase *what = r->what;
	struct img_err why = { 0 };

	r->out->backing_format = what->backing ? what->backing_format : NULL;
	if (!what->backing)
		return true;
	r->to = open_to(r, &why);
	if (!r->to) {
		if (err)
			*err = why;
		return go_on_without(r, &why);
	}
	if (!check_new(r, err))
		return false;
	if (!what->backing_format)
		r->out->backing_format = img_layer_format(r->to, 0)->name;
	img_warn_of_oddities(r->to, r->job);
	return true;
}

static bool check_snapshots(struct rebase *r, struct img_err *err)
{
	size_t *n = &r->out->snapshots;

	if (!img_count_snapshots(r->top, 1, r->job, n, err))
		return false;
	return !*n || r->what->force || r->what->dry_run ||
	       img_fail(err, IMG_E_DENIED, _("%s: is not written: its snapshots would be spoilt"),
			r->what->top.path);
}

static bool open_top(struct rebase *r, struct img_err *err)
{
	const struct img_rebase *what = r->what;
	struct img_open how = what->top;

	if (!what->dry_run)
		how.flags |= IMG_OPEN_WRITE;
	r->top = img_open(&how, err);
	if (!r->top)
		return false;
	img_warn_of_oddities(r->top, r->job);
	if (!img_layer_format(r->top, 0)->link)
		return img_fail(err, IMG_E_UNSUPPORTED, _("%s: %s images stay on what they stand on"),
				what->top.path, img_layer_format(r->top, 0)->name);
	if (!check_snapshots(r, err))
		return false;
	r->unit = img_max_u64(img_min_u64(r->top->layers[0].unit, IMG_POUR_WINDOW), 512);
	return true;
}

/* ---- The work ------------------------------------------------------------------------------------ */

static bool pour(struct rebase *r, struct img_err *err)
{
	struct img_pour pour = pour_of(r);

	r->data = r->zeros = 0;
	img_disk_say_zeros(r->top);
	if (!img_pour_run(&pour, err) || !img_finish(r->top, err))
		return false;
	take_counts(r);
	return true;
}

static bool copy(struct rebase *r, struct img_err *err)
{
	const bool ok = open_top(r, err) && reckon(r, err) && (r->what->dry_run || pour(r, err));

	img_close(r->top);
	return ok;
}

static bool link_top(struct rebase *r, struct img_err *err)
{
	struct img_open how = r->what->top;
	struct img *top;
	bool ok;

	how.flags |= IMG_OPEN_WRITE | IMG_OPEN_AT_ONCE | IMG_OPEN_NO_BACKING | IMG_OPEN_NO_KEY;
	how.parent = NULL;
	top = img_open(&how, err);
	ok = top && img_link(top, r->what->backing, r->out->backing_format, r->to, false,
			      err) && img_finish(top, err);
	img_close(top);
	return ok;
}

bool img_rebase_run(const struct img_rebase *what, const struct img_job *job,
		    struct img_rebased *out, struct img_err *err)
{
	struct rebase r = { .what = what, .job = job, .out = out };
	bool ok;

	*out = (struct img_rebased){ .moved = { .free = IMG_SIZE_UNKNOWN } };
	ok = open_new(&r, err) && (what->trust || copy(&r, err)) &&
	     (what->dry_run || link_top(&r, err));
	img_close(r.to);
	return ok;
}
