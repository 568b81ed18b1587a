/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an image and the layers between hold goes into a layer below.  While that lasts the disk of the
 * image is what it was, because what it holds lies above; it is emptied when all is durable below.
 *
 * Formats that remember which state of the layer below they were made for are told beforehand that it
 * changes, or, if they cannot say that, of the new state as soon as the first change is in it: so the
 * work can go on after it was cut off.
 */
#include <inttypes.h>
#include "base/mem.h"
#include "base/num.h"
#include "copy/chain.h"
#include "extent/extent.h"

struct commit {
	const struct img_commit *what;
	const struct img_job *job;
	struct img_committed *out;
	struct img *top;		/* the layers in front of base */
	struct img *base;		/* and those below it */
	struct img_open open_base;
	size_t depth;			/* of base, counted from top */
	uint64_t visible;		/* guest bytes in which base shows through */
	/* The lowest layer of top, which stands on base: */
	char *child, *child_format, *backing, *backing_format;
	/* While it is reckoned: */
	uint64_t counted, first;	/* bytes of base; end of the first piece */
};

/* ---- Pieces -------------------------------------------------------------------------------------- */

/* Zeros that base shows already need nothing; a shorter base has none of what lies behind its end. */
static bool look_at_zeros(struct commit *c, struct img_piece *piece, struct img_err *err)
{
	const uint64_t size = img_size(c->base);
	struct img_extent ex = { .start = piece->at, .len = piece->len };

	if (piece->at < size &&
	    !img_extent(c->base, piece->at, img_min_u64(piece->at + piece->len, size), &ex, err))
		return false;
	piece->len = ex.len;
	piece->kind = piece->at < size && !img_extent_reads_as_zero(&ex) ? IMG_PIECE_ZERO
									: IMG_PIECE_NOTHING;
	return true;
}

static bool look(void *ctx, uint64_t at, uint64_t limit, struct img_piece *out, struct img_err *err)
{
	struct commit *c = ctx;
	struct img_extent ex;

	/* Behind the end of a layer between, base does not show through. */
	if (at < c->visible)
		limit = img_min_u64(limit, c->visible);
	if (!img_extent(c->top, at, limit, &ex, err))
		return false;
	*out = (struct img_piece){ .at = at, .len = ex.len };
	if (ex.kind == IMG_EXTENT_LOST)
		return img_fail_lost(c->top, &ex, err);
	if (ex.kind == IMG_EXTENT_HOLE && at < c->visible)
		return true;
	if (img_extent_reads_as_zero(&ex))
		return look_at_zeros(c, out, err);
	out->kind = IMG_PIECE_BYTES;
	img_piece_cut(out);
	return true;
}

static bool move(void *ctx, const struct img_piece *piece, const struct img_pour_bufs *bufs,
		 struct img_err *err)
{
	const struct commit *c = ctx;

	if (piece->kind == IMG_PIECE_ZERO)
		return img_write_zeros(c->base, piece->at, piece->len, true, err);
	return img_read(c->top, piece->at, bufs->a, piece->len, err) &&
	       img_write(c->base, piece->at, bufs->a, piece->len, err);
}

static struct img_pour pour_of(struct commit *c)
{
	const struct img_moved *moved = &c->out->moved;

	return (struct img_pour){
		.to = img_size(c->top), .threads = c->what->threads, .look = look, .work = move,
		.ctx = c, .job = c->job, .total = moved->data + moved->zeros,
	};
}

/* ---- Reckoning ----------------------------------------------------------------------------------- */

/* Units of base that have no place of their own yet, each counted once. */
static bool count_room(struct commit *c, const struct img_piece *piece, struct img_err *err)
{
	const uint64_t unit = c->base->layers[0].unit, end = piece->at + piece->len;
	const uint64_t size = img_size(c->base);
	struct img_extent ex;

	for (uint64_t at = piece->at; at < end; at = ex.start + ex.len) {
		ex = (struct img_extent){ .start = at, .len = end - at, .kind = IMG_EXTENT_HOLE };
		if (at < size && !img_extent_of_bytes(c->base, at, img_min_u64(end, size), &ex, err))
			return false;
		if (!ex.depth && !img_extent_reads_as_zero(&ex))
			continue;
		const uint64_t from = img_max_u64(img_round_down(at, unit), c->counted);
		const uint64_t to = img_round_up(at + ex.len, unit);

		c->out->moved.space += to > from ? to - from : 0;
		c->counted = img_max_u64(c->counted, to);
	}
	return true;
}

static bool count(void *ctx, const struct img_piece *piece, struct img_err *err)
{
	struct commit *c = ctx;
	struct img_moved *moved = &c->out->moved;

	if (!c->first)
		c->first = piece->at + piece->len;
	if (piece->kind == IMG_PIECE_ZERO) {
		moved->zeros += piece->len;
		return true;
	}
	moved->data += piece->len;
	return count_room(c, piece, err);
}

static bool reckon(struct commit *c, struct img_err *err)
{
	const struct img_pour pour = pour_of(c);
	struct img_moved *moved = &c->out->moved;

	if (!img_pour_look(&pour, count, err))
		return false;
	moved->space = img_room_for(moved->space, c->base->layers[0].unit);
	return img_room_look(c->out->base, moved, err) &&
	       (c->what->dry_run || img_room_check(c->out->base, moved, err));
}

/* ---- Who else would be spoilt -------------------------------------------------------------------- */

static void note_spoilt(void *ctx, const char *path, const char *below)
{
	struct commit *c = ctx;

	c->out->spoilt++;
	if (c->what->spoils)
		c->what->spoils(c->what->ctx, path, below);
}

static bool look_for_others(struct commit *c, struct img_err *err)
{
	const struct img_child_search how = {
		.first = 1, .end = c->depth + 1, .gate = c->what->top.gate, .found = note_spoilt,
		.ctx = c,
	};

	if (!img_find_children(c->top, &how, err) ||
	    !img_count_snapshots(c->top, c->depth, c->job, &c->out->snapshots, err))
		return false;
	return c->what->force || c->what->dry_run || (!c->out->spoilt && !c->out->snapshots) ||
	       img_fail(err, IMG_E_DENIED, _("%s: is not written: images or snapshots that show what it "
			"holds would be spoilt"), c->out->base);
}

/* ---- Opening ------------------------------------------------------------------------------------- */

static bool find_base(struct commit *c, struct img_err *err)
{
	const char *base = c->what->base;
	const char *top = img_layer_name(c->top, 0);

	if (img_depth(c->top) < 2)
		return img_fail(err, IMG_E_ARGUMENT, _("%s stands on no other image"), top);
	c->depth = 1;
	while (base && c->depth < img_depth(c->top) &&
	       !img_path_same(base, img_layer_name(c->top, c->depth)))
		c->depth++;
	return c->depth < img_depth(c->top) ||
	       img_fail(err, IMG_E_ARGUMENT, _("%s does not stand on %s"), top, base);
}

static bool remember_child(struct commit *c, struct img_err *err)
{
	const struct img_layer *child = &c->top->layers[c->depth - 1];

	c->child = img_strdup(child->store->name, err);
	c->child_format = img_strdup(child->format->name, err);
	/* One that names no file knows what it stands on by this, also when somebody else said it. */
	c->backing = img_strdup(child->backing ? child->backing : child->below_id, err);
	if (child->backing_format)
		c->backing_format = img_strdup(child->backing_format, err);
	return c->child && c->child_format && c->backing &&
	       (!child->backing_format || c->backing_format);
}

static bool remember(struct commit *c, struct img_err *err)
{
	const struct img_layer *base = &c->top->layers[c->depth];

	c->out->base = img_strdup(base->store->name, err);
	c->out->base_format = base->format->name;
	c->out->old_size = base->size;
	c->out->new_size = img_max_u64(base->size, img_size(c->top));
	c->out->between = c->depth - 1;
	c->open_base = (struct img_open){
		.path = c->out->base, .format = base->format->name, .gate = c->what->top.gate,
		.cache = c->what->top.cache, .keys = c->what->top.keys,
	};
	c->visible = img_size(c->top);
	for (size_t i = 1; i < c->depth; i++)
		c->visible = img_min_u64(c->visible, c->top->layers[i].size);
	return c->out->base && remember_child(c, err);
}

static struct img *open_base(const struct commit *c, unsigned flags, struct img_err *err)
{
	struct img_open how = c->open_base;

	how.flags = flags;
	return img_open(&how, err);
}

static bool reopen_base(struct commit *c, unsigned flags, struct img_err *err)
{
	img_close(c->base);
	c->base = open_base(c, flags, err);
	return c->base;
}

/* base stays open in the stack of top until it is known which one it is. */
static bool open_both(struct commit *c, struct img_err *err)
{
	struct img_open how = c->what->top;

	/* Who writes to top would see it being emptied. */
	if (!c->what->dry_run && !c->what->keep)
		how.flags |= IMG_OPEN_WRITE;
	c->top = img_open(&how, err);
	if (!c->top || !find_base(c, err) || !remember(c, err))
		return false;
	img_warn_of_oddities(c->top, c->job);
	if (!look_for_others(c, err))
		return false;
	img_drop_layers(c->top, c->depth);
	c->base = open_base(c, c->what->dry_run ? 0 : IMG_OPEN_WRITE, err);
	return c->base;
}

/* ---- Links --------------------------------------------------------------------------------------- */

/* Opens the layer that stands on base, whose lock this one has already, or nobody needs. */
static struct img *open_child(const struct commit *c, unsigned more, struct img_err *err)
{
	const struct img_open how = {
		.path = c->child, .format = c->child_format, .gate = c->what->top.gate,
		.flags = IMG_OPEN_WRITE | IMG_OPEN_AT_ONCE | IMG_OPEN_NO_BACKING | IMG_OPEN_NO_KEY |
			 more,
	};

	return img_open(&how, err);
}

static bool knows_state(const struct commit *c)
{
	return img_format_named(c->child_format)->mismatch;
}

/* Tells the layer above of the state that base has now; changing: and that it will have others. */
static bool link_child(const struct commit *c, bool changing, struct img_err *err)
{
	struct img *child;
	bool ok;

	if (!knows_state(c))
		return true;
	child = open_child(c, IMG_OPEN_NO_LOCK, err);
	ok = child && img_link(child, c->backing, c->backing_format, c->base, changing, err) &&
	     img_finish(child, err);
	img_close(child);
	return ok;
}

/* ---- The work ------------------------------------------------------------------------------------ */

static bool grow_base(struct commit *c, struct img_err *err)
{
	const struct img_resize resize = { .size = c->out->new_size };

	return c->out->new_size == c->out->old_size ||
	       (reopen_base(c, IMG_OPEN_WRITE | IMG_OPEN_AT_ONCE, err) &&
		img_resize(c->base, &resize, c->job, err) && img_finish(c->base, err) &&
		reopen_base(c, IMG_OPEN_WRITE, err) && link_child(c, true, err));
}

/* In two steps: the first change gives base the state that it has from then on. */
static bool pour(struct commit *c, struct img_err *err)
{
	struct img_pour pour = pour_of(c);

	pour.to = c->first;
	if (!img_pour_run(&pour, err) || !img_flush(c->base, err) ||
	    (c->first && !link_child(c, true, err)))
		return false;
	pour.from = c->first;
	pour.to = img_size(c->top);
	return img_pour_run(&pour, err) && img_finish(c->base, err);
}

static bool can_empty(const struct commit *c)
{
	return !c->what->keep && c->depth == 1 && img_format_named(c->child_format)->empty;
}

/* All is in base, and durable. */
static bool finish_top(struct commit *c, struct img_err *err)
{
	struct img *child;
	bool ok;

	if (!can_empty(c))
		return link_child(c, false, err);
	child = open_child(c, 0, err);
	ok = child && img_empty(child, err) &&
	     (!knows_state(c) || img_link(child, c->backing, c->backing_format, c->base, false,
					 err)) &&
	     img_finish(child, err);
	img_close(child);
	c->out->emptied = ok;
	return ok || img_within(err, _("all of it is in %s, but the image above could not be emptied"),
				c->out->base);
}

static bool carry_out(struct commit *c, struct img_err *err)
{
	if (!link_child(c, true, err) || !grow_base(c, err) || !pour(c, err))
		return false;
	img_close(c->top);
	c->top = NULL;
	return reopen_base(c, IMG_OPEN_NO_BACKING, err) && finish_top(c, err);
}

bool img_commit_run(const struct img_commit *what, const struct img_job *job,
		    struct img_committed *out, struct img_err *err)
{
	struct commit c = { .what = what, .job = job, .out = out };
	bool ok;

	*out = (struct img_committed){ 0 };
	ok = open_both(&c, err) && reckon(&c, err) && (what->dry_run || carry_out(&c, err));
	img_close(c.base);
	img_close(c.top);
	free(c.child);
	free(c.child_format);
	free(c.backing);
	free(c.backing_format);
	if (!ok) {
		free(out->base);
		out->base = NULL;
	}
	return ok;
}
