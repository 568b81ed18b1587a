/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An image on a Ceph cluster, as a store.
 *
 * It grows when something is written behind its end.  As each step of that is a talk with the cluster, and
 * room takes no space there, it gets more room than is asked for; what is too much goes when it is closed.
 *
 * A new image has another name until it is published, which says what it is: what a killed command leaves
 * is not taken for the image.
 */
#include "store/rbd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/err.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "store/rbd-new.h"

/* What is made longer gets no more room ahead than this. */
#define MOST_AHEAD (UINT64_C(64) << 30)
#define LEAST_AHEAD (UINT64_C(256) << 20)

struct rbd_store {
	struct img_store st;
	struct img_rbd rbd;
	struct img_rbd_flights flights;
	struct img_rbd_map changed;	/* since the snapshot that was asked about last */
	pthread_mutex_t growth;		/* held while the image gets another length, in front of lock */

	pthread_mutex_t lock;		/* guards all below */
	uint64_t length;		/* bytes of the store */
	uint64_t room;			/* bytes of the image, as many or more */
	uint64_t changes;		/* so many were begun */
	struct img_rbd_map map;		/* what was told last, and nothing has changed since */
};

static struct rbd_store *of(struct img_store *st)
{
	return (struct rbd_store *)st;
}

/* ---- Length -------------------------------------------------------------------------------------- */

static uint64_t length_of(struct rbd_store *rs)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&rs->lock);

	return rs->length;
}

static void note_length(struct rbd_store *rs, uint64_t length, uint64_t room)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&rs->lock);

	rs->length = length;
	rs->room = room;
}

/* With growth held. */
static bool set_room(struct rbd_store *rs, uint64_t length, uint64_t room, struct img_err *err)
{
	if (room != rs->room &&
	    !img_rbd_fail(&rs->rbd, rs->rbd.lib.resize(rs->rbd.image, room), err,
			  _("cannot be made %" PRIu64 " bytes long"), room))
		return false;
	note_length(rs, length, room);
	return true;
}

static bool grow(struct rbd_store *rs, uint64_t end, struct img_err *err)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&rs->growth);
	uint64_t room = rs->room;

	if (end > room)
		room = end + img_max_u64(LEAST_AHEAD, img_min_u64(end, MOST_AHEAD));
	return end <= rs->length || set_room(rs, end, room, err);
}

/* Makes room for a change, and what is known of where data are is known no more. */
static bool begin_change(struct rbd_store *rs, uint64_t end, struct img_err *err)
{
	bool fits;

	if (!rs->rbd.image)
		return img_fail(err, IMG_E_ARGUMENT, _("is finished"));
	pthread_mutex_lock(&rs->lock);
	rs->changes++;
	rs->map.n = 0;
	rs->map.start = rs->map.end = 0;
	fits = end <= rs->length;
	pthread_mutex_unlock(&rs->lock);
	return fits || grow(rs, end, err);
}

/* Gives back the room that was too much. */
static bool trim(struct rbd_store *rs, struct img_err *err)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&rs->growth);

	return set_room(rs, rs->length, rs->length, err);
}

static bool rbd_size(struct img_store *st, uint64_t *bytes, struct img_err *err)
{
	(void)err;
	*bytes = length_of(of(st));
	return true;
}

static bool rbd_set_size(struct img_store *st, uint64_t bytes, struct img_err *err)
{
	struct rbd_store *rs = of(st);

	if (!begin_change(rs, 0, err) || !img_rbd_land(&rs->flights, err))
		return false;
	pthread_mutex_lock(&rs->growth);
	/* What is cut off must read as zeros when it comes back, so the image gets shorter, too. */
	const bool ok = set_room(rs, bytes, bytes > rs->length && bytes <= rs->room ? rs->room : bytes,
				 err);
	pthread_mutex_unlock(&rs->growth);
	return ok;
}

/* ---- Bytes --------------------------------------------------------------------------------------- */

static bool rbd_read_bytes(struct img_store *st, uint64_t at, void *buf, size_t len, size_t *got,
			   struct img_err *err)
{
	struct rbd_store *rs = of(st);
	const uint64_t length = length_of(rs);

	if (!rs->rbd.image)
		return img_fail(err, IMG_E_ARGUMENT, _("is finished"));
	*got = at < length ? img_min_u64(len, length - at) : 0;
	if (st->caps & IMG_STORE_WRITE)
		img_rbd_settle(&rs->flights, at, *got);
	return !*got || (img_rbd_read(&rs->rbd, at, buf, *got, err) &&
			 img_rbd_believe(&rs->rbd, at, buf, *got, err));
}

static bool rbd_write_bytes(struct img_store *st, uint64_t at, const void *buf, size_t len,
			    struct img_err *err)
{
	struct rbd_store *rs = of(st);

	return begin_change(rs, at + len, err) &&
	       img_rbd_change(&rs->flights, &(struct img_rbd_change){
		       .at = at, .len = len, .from = buf }, err);
}

static bool rbd_write_held(struct img_store *st, uint64_t at, const void *buf, size_t len,
			   struct img_hold *hold, struct img_err *err)
{
	struct rbd_store *rs = of(st);

	return begin_change(rs, at + len, err) &&
	       img_rbd_change(&rs->flights, &(struct img_rbd_change){
		       .at = at, .len = len, .from = buf, .hold = hold }, err);
}

static bool rbd_zero(struct img_store *st, uint64_t at, uint64_t len, bool keep_space,
		     struct img_err *err)
{
	struct rbd_store *rs = of(st);

	return begin_change(rs, at + len, err) &&
	       img_rbd_change(&rs->flights, &(struct img_rbd_change){
		       .at = at, .len = len, .thick = keep_space }, err);
}

/* Both ways that there are to set space aside: zeros that have their place. */
static bool rbd_preallocate(struct img_store *st, uint64_t at, uint64_t len,
			    enum img_preallocation how, struct img_err *err)
{
	(void)how;
	return rbd_zero(st, at, len, true, err);
}

static bool rbd_sync(struct img_store *st, struct img_err *err)
{
	struct rbd_store *rs = of(st);

	return img_rbd_land(&rs->flights, err) &&
	       (!rs->rbd.image || img_rbd_fail(&rs->rbd, rs->rbd.lib.flush(rs->rbd.image), err,
					       _("cannot be made durable")));
}

static bool rbd_confirm(struct img_store *st, struct img_err *err)
{
	struct img_rbd *rbd = &of(st)->rbd;

	return !rbd->image || img_rbd_confirm(rbd, err);
}

/* ---- Zeros --------------------------------------------------------------------------------------- */

static void answer(struct img_store *st, const struct img_rbd_map *map, uint64_t at, uint64_t limit,
		   struct img_extent *out)
{
	uint64_t end;
	bool data;

	img_rbd_map_find(map, at, limit, &data, &end);
	*out = (struct img_extent){
		.start = at, .len = end - at,
		.kind = data ? IMG_EXTENT_DATA : IMG_EXTENT_ZERO, .zero_in_store = !data,
		.store = st, .host = at, .host_len = end - at,
	};
}

/* *changes: how many there were before somebody is asked. */
static bool is_known(struct rbd_store *rs, uint64_t at, uint64_t limit, struct img_extent *out,
		     uint64_t *changes)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&rs->lock);

	*changes = rs->changes;
	if (at < rs->map.start || at >= rs->map.end)
		return false;
	answer(&rs->st, &rs->map, at, limit, out);
	return true;
}

/* For the next questions, unless it may be wrong by now. */
static void keep(struct rbd_store *rs, struct img_rbd_map *map, uint64_t changes)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&rs->lock);
	const struct img_rbd_map old = rs->map;

	if (rs->changes != changes)
		return;
	rs->map = *map;
	*map = old;
}

static bool rbd_extent(struct img_store *st, uint64_t at, uint64_t limit, struct img_extent *out,
		       struct img_err *err)
{
	struct rbd_store *rs = of(st);
	struct img_rbd_map map = { 0 };
	uint64_t changes;
	bool ok;

	if (!rs->rbd.image)
		return img_fail(err, IMG_E_ARGUMENT, _("is finished"));
	if (is_known(rs, at, limit, out, &changes))
		return true;
	img_rbd_settle(&rs->flights, at, limit - at);
	/* Who asks about a little may ask about its neighbours next. */
	ok = img_rbd_map_ask(&rs->rbd, at, img_max_u64(limit, length_of(rs)), &map, err) &&
	     img_rbd_believe_zeros(&rs->rbd, err);
	if (ok) {
		answer(st, &map, at, limit, out);
		keep(rs, &map, changes);
	}
	free(map.v);
	return ok;
}

/* ---- Snapshots ----------------------------------------------------------------------------------- */

static bool look_at_length(struct rbd_store *rs, struct img_err *err)
{
	uint64_t size;

	if (!img_rbd_fail(&rs->rbd, rs->rbd.lib.get_size(rs->rbd.image, &size), err,
			  _("cannot tell its size")))
		return false;
	note_length(rs, size, size);
	return true;
}

static bool history_list(struct img_store *st, struct img_snapshot **out, size_t *n,
			 struct img_err *err)
{
	return img_rbd_snap_list(&of(st)->rbd, out, n, err);
}

/* Brings all that was written to where a snapshot finds it, and no more than that. */
static bool settle_all(struct rbd_store *rs, struct img_err *err)
{
	return img_rbd_land(&rs->flights, err) && trim(rs, err) && rbd_sync(&rs->st, err);
}

static bool history_create(struct img_store *st, const char *name, struct img_err *err)
{
	struct rbd_store *rs = of(st);

	return settle_all(rs, err) && img_rbd_snap_create(&rs->rbd, name, err);
}

static bool history_apply(struct img_store *st, const char *which, const char *keep,
			  struct img_err *err)
{
	struct rbd_store *rs = of(st);

	return settle_all(rs, err) && begin_change(rs, 0, err) &&
	       img_rbd_snap_apply(&rs->rbd, which, keep, err) && look_at_length(rs, err);
}

static bool history_remove(struct img_store *st, const char *which, struct img_err *err)
{
	return img_rbd_snap_remove(&of(st)->rbd, which, err);
}

static bool history_rename(struct img_store *st, const char *which, const char *name,
			   struct img_err *err)
{
	return img_rbd_snap_rename(&of(st)->rbd, which, name, err);
}

static bool history_show(struct img_store *st, const char *which, struct img_err *err)
{
	struct rbd_store *rs = of(st);

	return begin_change(rs, 0, err) && img_rbd_snap_show(&rs->rbd, which, err) &&
	       look_at_length(rs, err);
}

/* Only of a snapshot that is older than what st shows librbd can tell; all others are read. */
static bool history_same(struct img_store *st, struct img_store *older, uint64_t at, uint64_t limit,
			 uint64_t *end)
{
	struct rbd_store *rs = of(st);
	struct img_rbd_map *map = &rs->changed;
	const char *since = older->ops == st->ops ? of(older)->rbd.name.snapshot : NULL;
	bool differs;

	*end = limit;
	if (!since || strcmp(st->name, older->name) != 0)
		return false;
	if ((at < map->start || at >= map->end) &&
	    !img_rbd_map_changes(&rs->rbd, since, at, limit, map, NULL)) {
		map->start = map->end = 0;
		return false;
	}
	img_rbd_map_find(map, at, limit, &differs, end);
	return !differs;
}

static const struct img_store_history rbd_history = {
	.list = history_list,
	.create = history_create,
	.apply = history_apply,
	.remove = history_remove,
	.rename = history_rename,
	.show = history_show,
	.same = history_same,
};

/* ---- The end ------------------------------------------------------------------------------------- */

/* The image is closed first: whoever has it open would have to give it another name. */
static bool give_name(struct rbd_store *rs, struct img_err *err)
{
	struct img_rbd *rbd = &rs->rbd;

	if (!img_rbd_close(rbd))
		return img_rbd_fail(rbd, -ETIMEDOUT, err, _("the new image cannot be closed"));
	return img_rbd_give_name(rbd, err);
}

static bool rbd_publish(struct img_store *st, struct img_err *err)
{
	struct rbd_store *rs = of(st);

	return settle_all(rs, err) && (!rs->rbd.temporary || give_name(rs, err));
}

/* Room that is too much does no harm, and what is left of a new image its name says. */
static void leave(struct img_rbd_errand *errand, void *arg)
{
	struct rbd_store *rs = arg;
	struct img_rbd *rbd = &rs->rbd;

	img_rbd_flights_end(&rs->flights);
	if (rbd->image && !rbd->temporary && !rbd->is_silent)
		(void)trim(rs, NULL);
	if (rbd->temporary && img_rbd_close(rbd) && !rbd->is_silent)
		(void)img_rbd_remove(rbd, rbd->temporary, errand);
	img_rbd_disconnect(rbd);
	pthread_mutex_destroy(&rs->lock);
	pthread_mutex_destroy(&rs->growth);
	free(rs->map.v);
	free(rs->changed.v);
	free(rs);
}

static void rbd_close_store(struct img_store *st)
{
	(void)img_rbd_within_bounds(&of(st)->rbd, leave, of(st));	/* nobody is told */
}

static const struct img_store_ops rbd_ops = {
	.kind = "rbd",
	.history = &rbd_history,
	.size = rbd_size,
	.read = rbd_read_bytes,
	.write = rbd_write_bytes,
	.write_held = rbd_write_held,
	.zero = rbd_zero,
	.extent = rbd_extent,
	.resize = rbd_set_size,
	.preallocate = rbd_preallocate,
	.sync = rbd_sync,
	.confirm = rbd_confirm,
	.publish = rbd_publish,
	.close = rbd_close_store,
};

/* ---- Opening ------------------------------------------------------------------------------------- */

/*
 * What is written is under way when we are told that nothing has to be durable; that it failed must come
 * out nevertheless.
 */
static enum img_cache cache_for(enum img_cache cache)
{
	return cache == IMG_CACHE_DEFAULT || cache == IMG_CACHE_UNSAFE ? IMG_CACHE_WRITEBACK : cache;
}

static struct rbd_store *new_store(const char *path, enum img_cache cache, struct img_err *err)
{
	struct rbd_store *rs = img_calloc(1, sizeof(*rs), err);

	if (!rs)
		return NULL;
	rs->st = (struct img_store){ .ops = &rbd_ops, .align = 1, .cache = cache_for(cache) };
	pthread_mutex_init(&rs->lock, NULL);
	pthread_mutex_init(&rs->growth, NULL);
	img_rbd_flights_init(&rs->flights, &rs->rbd);
	rs->st.name = img_strdup(path, err);
	if (rs->st.name)
		return rs;
	img_store_close(&rs->st);
	return NULL;
}

static bool look_at(struct rbd_store *rs, bool write, struct img_err *err)
{
	if (!look_at_length(rs, err))
		return false;
	rs->st.caps = IMG_STORE_SEEK | IMG_STORE_PARALLEL | IMG_STORE_EXTENTS | IMG_STORE_FAR |
		      (write ? IMG_STORE_WRITE | IMG_STORE_ZERO | IMG_STORE_RESIZE : 0);
	return true;
}

static struct img_store *give_up(struct rbd_store *rs, const char *path, struct img_err *err)
{
	img_store_close(&rs->st);
	img_within(err, "%s", path);
	return NULL;
}

struct img_store *img_store_rbd(const char *path, unsigned flags, enum img_cache cache,
				struct img_err *err)
{
	struct rbd_store *rs = new_store(path, cache, err);

	if (!rs)
		return NULL;
	if (!img_rbd_connect(&rs->rbd, path, err) ||
	    !img_rbd_open(&rs->rbd, rs->rbd.name.image, flags, err) ||
	    !look_at(rs, flags & IMG_OPEN_WRITE, err))
		return give_up(rs, path, err);
	rs->st.caps |= IMG_STORE_DEVICE;
	return &rs->st;
}

struct img_store *img_store_rbd_new(const char *path, uint64_t size, const struct img_rbd_new *how,
				    enum img_cache cache, struct img_err *err)
{
	const unsigned flags = IMG_OPEN_WRITE | IMG_OPEN_NO_LOCK;
	struct rbd_store *rs = new_store(path, cache, err);

	if (!rs)
		return NULL;
	if (!img_rbd_connect(&rs->rbd, path, err) ||
	    !img_rbd_create(&rs->rbd, size, how, err) ||
	    !img_rbd_open(&rs->rbd, rs->rbd.temporary, flags, err) || !look_at(rs, true, err))
		return give_up(rs, path, err);
	rs->st.caps |= IMG_STORE_FRESH;
	return &rs->st;
}

struct img_rbd *img_store_rbd_of(struct img_store *st)
{
	struct rbd_store *rs = st->ops == &rbd_ops ? of(st) : NULL;

	return rs && rs->rbd.image ? &rs->rbd : NULL;
}

/* ---- Images beside it ---------------------------------------------------------------------------- */

struct img_store *img_store_rbd_named(const char *path, struct img_err *err)
{
	const unsigned flags = IMG_OPEN_WRITE | IMG_OPEN_NO_LOCK;
	struct rbd_store *rs = new_store(path, IMG_CACHE_WRITEBACK, err);

	if (!rs)
		return NULL;
	if (!img_rbd_connect(&rs->rbd, path, err) || !img_rbd_create_named(&rs->rbd, err) ||
	    !img_rbd_open(&rs->rbd, rs->rbd.name.image, flags, err) || !look_at(rs, true, err))
		return give_up(rs, path, err);
	return &rs->st;
}

/* Who died with it open seems to have it open for as long as a cluster believes in a watch: 30 seconds. */
static int remove_patiently(struct img_rbd *rbd)
{
	enum { ATTEMPTS = 45 };
	int ret = -EBUSY;

	for (int i = 0; ret == -EBUSY && i < ATTEMPTS; i++) {
		if (i)
			sleep(1);
		ret = img_rbd_remove(rbd, rbd->name.image, NULL);
	}
	return ret;
}

bool img_store_rbd_remove(struct img_store *st, struct img_err *err)
{
	struct rbd_store *rs = of(st);
	struct img_rbd *rbd = &rs->rbd;
	int ret;

	img_rbd_settle(&rs->flights, 0, UINT64_MAX);
	ret = img_rbd_close(rbd) ? remove_patiently(rbd) : -ETIMEDOUT;
	return ret == -ENOENT || img_rbd_fail(rbd, ret, err, _("cannot be removed")) ||
	       img_within(err, "%s", st->name);
}

bool img_store_rbd_has(struct img_store *st, const char *path, bool *yes, struct img_err *err)
{
	struct img_rbd *rbd = img_store_rbd_of(st);
	struct img_rbd_name name = { 0 };
	struct img_err why = { 0 };
	bool ok = true;

	*yes = false;
	if (rbd && !rbd->name.snapshot)
		ok = img_rbd_name_parse(path, &name, &why) &&
		     (img_rbd_exists(rbd, name.image, yes, &why) || why.os_errno == EPERM);
	img_rbd_name_clear(&name);
	return ok || img_fail(err, why.code, "%s: %s", path, why.text);
}
