/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An image that is written in place, as a guest writes its disk: checks, what a flush promises, and
 * when space that became free may be used again.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "image/image.h"

struct img_disk {
	struct img_below below;		/* first: what the driver is given */
	struct img *im;
	bool through;			/* a request is durable when it returns */
	bool blind;			/* what lies below is not open */
	bool finished;
	pthread_rwlock_t under_way;	/* shared: a request is moving bytes */
	_Atomic uint64_t ended;		/* requests that changed something and have ended */
	pthread_mutex_t flushing;	/* one flush at a time; guards durable */
	uint64_t durable;		/* of the requests that ended */
};

/* ---- What lies below ----------------------------------------------------------------------------- */

static bool below_extent(const struct img_below *self, uint64_t at, uint64_t limit,
			 struct img_extent *out, struct img_err *err)
{
	const struct img_disk *disk = (const struct img_disk *)self;

	return img_extent_from(disk->im, 1, at, limit, out, err);
}

static bool below_read(const struct img_below *self, uint64_t at, void *buf, size_t len,
		       struct img_err *err)
{
	const struct img_disk *disk = (const struct img_disk *)self;

	return img_read_from(disk->im, 1, at, buf, len, err);
}

/* ---- Life ---------------------------------------------------------------------------------------- */

static bool is_through(enum img_cache cache)
{
	return cache == IMG_CACHE_WRITETHROUGH || cache == IMG_CACHE_DIRECTSYNC;
}

/* One sync behind data and tables costs less than one for each of them. */
enum img_cache img_disk_store_cache(enum img_cache cache)
{
	if (cache == IMG_CACHE_WRITETHROUGH)
		return IMG_CACHE_WRITEBACK;
	return cache == IMG_CACHE_DIRECTSYNC ? IMG_CACHE_NONE : cache;
}

/* Who waits to reuse space must not wait for ever while reads come and go. */
static void init_under_way(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attr;

	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(lock, &attr);
	pthread_rwlockattr_destroy(&attr);
}

/* What the image stands on, as it knows it, or NULL. */
static const char *name_below(const struct img_layer *ly)
{
	return ly->backing ? ly->backing : ly->below_id;
}

bool img_disk_new(struct img *im, enum img_cache cache, struct img_err *err)
{
	struct img_disk *disk = img_calloc(1, sizeof(*disk), err);

	if (!disk)
		return false;
	disk->below = (struct img_below){ .extent = below_extent, .read = below_read };
	disk->im = im;
	disk->through = is_through(cache);
	disk->blind = im->n_layers == 1 && name_below(&im->layers[0]);
	init_under_way(&disk->under_way);
	pthread_mutex_init(&disk->flushing, NULL);
	if (im->n_layers > 1)
		im->layers[0].below = &disk->below;
	im->disk = disk;
	return true;
}

void img_disk_free(struct img_disk *disk)
{
	if (!disk)
		return;
	pthread_mutex_destroy(&disk->flushing);
	pthread_rwlock_destroy(&disk->under_way);
	free(disk);
}

bool img_disk_is_open(const struct img_disk *disk)
{
	return disk && !disk->finished;
}

void img_disk_say_zeros(struct img *im)
{
	im->layers[0].below = &im->disk->below;
}

void img_disk_enter(struct img_disk *disk)
{
	if (disk)
		pthread_rwlock_rdlock(&disk->under_way);
}

void img_disk_leave(struct img_disk *disk)
{
	if (disk)
		pthread_rwlock_unlock(&disk->under_way);
}

/* ---- Requests ------------------------------------------------------------------------------------ */

bool img_disk_check_sight(const struct img *im, struct img_err *err)
{
	return !im->disk->blind ||
	       img_fail(err, IMG_E_DENIED, _("%s: cannot be written without its backing file \"%s\""),
			img_layer_name(im, 0), name_below(&im->layers[0]));
}

static bool check_request(struct img *im, uint64_t at, uint64_t len, struct img_err *err)
{
	const char *name = img_layer_name(im, 0);
	uint64_t end;

	if (!img_disk_is_open(im->disk))
		return img_fail(err, IMG_E_DENIED, _("%s: is not open for writing"), name);
	if (!img_disk_check_sight(im, err))
		return false;
	if (img_add_u64(at, len, &end) && end <= img_size(im))
		return true;
	return img_fail(err, IMG_E_RANGE, _("%s: %" PRIu64 " bytes at %" PRIu64 " are not inside "
			"the disk of %" PRIu64 " bytes"), name, len, at, img_size(im));
}

static bool begin_request(struct img *im, uint64_t at, uint64_t len, struct img_err *err)
{
	if (!check_request(im, at, len, err))
		return false;
	img_disk_enter(im->disk);
	return true;
}

/* ok: of what was done to len bytes; one that failed may have changed something too. */
static bool end_request(struct img *im, uint64_t len, bool ok, struct img_err *err)
{
	struct img_disk *disk = im->disk;

	img_disk_leave(disk);
	if (!len)
		return true;
	atomic_fetch_add(&disk->ended, 1);
	if (!ok)
		return img_within_file(err, img_layer_name(im, 0));
	return !disk->through || img_flush(im, err);
}

bool img_write(struct img *im, uint64_t at, const void *buf, size_t len, struct img_err *err)
{
	struct img_layer *ly = &im->layers[0];

	return begin_request(im, at, len, err) &&
	       end_request(im, len, !len || ly->format->disk->write(ly, at, buf, len, err), err);
}

bool img_write_zeros(struct img *im, uint64_t at, uint64_t len, bool unmap, struct img_err *err)
{
	struct img_layer *ly = &im->layers[0];

	return begin_request(im, at, len, err) &&
	       end_request(im, len, !len || ly->format->disk->zero(ly, at, len, unmap, err), err);
}

bool img_discard(struct img *im, uint64_t at, uint64_t len, struct img_err *err)
{
	struct img_layer *ly = &im->layers[0];

	return begin_request(im, at, len, err) &&
	       end_request(im, len, !len || ly->format->disk->discard(ly, at, len, err), err);
}

/* ---- Durability ---------------------------------------------------------------------------------- */

/* Waits until every request is out that was in when it was called. */
static void wait_for_requests(struct img_disk *disk)
{
	pthread_rwlock_wrlock(&disk->under_way);
	pthread_rwlock_unlock(&disk->under_way);
}

/* The lock is held: it orders flushes and is no other's concern, so it is held across I/O. */
static bool flush_locked(struct img *im, struct img_err *err)
{
	struct img_layer *ly = &im->layers[0];
	struct img_disk *disk = im->disk;
	const uint64_t ended = atomic_load(&disk->ended);
	bool freed;

	if (!ly->format->disk->flush(ly, &freed, err))
		return img_within_file(err, ly->store->name);
	disk->durable = ended;
	if (!freed)
		return true;
	wait_for_requests(disk);
	return ly->format->disk->reclaim(ly, err) || img_within_file(err, ly->store->name);
}

bool img_flush(struct img *im, struct img_err *err)
{
	struct img_disk *disk = im->disk;

	if (!disk || disk->finished)
		return true;
	const uint64_t wanted = atomic_load(&disk->ended);
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&disk->flushing);
	/* Another one may have done it while this one waited. */
	return disk->durable >= wanted || flush_locked(im, err);
}

bool img_disk_finish(struct img *im, struct img_err *err)
{
	struct img_layer *ly = &im->layers[0];

	if (im->disk->finished)
		return true;
	if (!img_flush(im, err))
		return false;
	if (ly->format->disk->finish && !ly->format->disk->finish(ly, err))
		return img_within_file(err, ly->store->name);
	im->disk->finished = true;
	return true;
}

void img_disk_ended(struct img_disk *disk)
{
	disk->finished = true;
}

/* What an option names, if it is one of the format and given, against the image itself. */
static bool check_name(const struct img_layer *ly, const struct img_settings *set, const char *option,
		       bool (*check)(const char *path, const char *other, struct img_err *err),
		       struct img_err *err)
{
	const char *name = img_settings_has(set, option) ? img_settings_text(set, option) : NULL;
	IMG_AUTO_FREE char *path = NULL;

	if (!name || !*name)
		return true;
	path = img_resolve(ly->store->name, name, err);
	return path && check(ly->store->name, path, err);
}

static bool check_names(const struct img_layer *ly, const struct img_settings *set, struct img_err *err)
{
	return check_name(ly, set, "backing_file", img_check_base, err) &&
	       check_name(ly, set, "data_file", img_check_data_file, err);
}

bool img_amend(struct img *im, const char *options, const struct img_job *job, struct img_err *err)
{
	struct img_layer *ly = &im->layers[0];
	struct img_settings *set;
	bool ok;

	if (!im->disk || im->disk->finished)
		return img_fail(err, IMG_E_DENIED, _("%s: is not open for writing"),
				img_layer_name(im, 0));
	if (!ly->format->amend)
		return img_fail(err, IMG_E_UNSUPPORTED, _("nothing of %s images can be changed "
				"in place"), ly->format->name);
	set = img_settings_parse(ly->format->amend_options, options, err);
	if (!set || !check_names(ly, set, err) || !img_flush(im, err)) {
		img_settings_free(set);
		return false;
	}
	ok = ly->format->amend(ly, set, job, err);
	img_disk_ended(im->disk);
	img_settings_free(set);
	return ok || img_within_file(err, ly->store->name);
}

void img_get_traffic(const struct img *im, struct img_traffic *out)
{
	const struct img_layer *ly = &im->layers[0];

	*out = (struct img_traffic){ 0 };
	img_store_add_traffic(ly->store, out);
	for (size_t i = 0; i < ly->n_data_files; i++)
		img_store_add_traffic(ly->data_files[i], out);
}
