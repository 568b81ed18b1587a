/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images on a Ceph cluster: what their name means (rbd-name.c), the way to a pool and an image in it
 * (rbd-conn.c) and back from there (rbd-leave.c), requests that are under way (rbd-flight.c), where data lie
 * (rbd-extent.c), snapshots (rbd-snap.c), the store (rbd.c), and new images (rbd-new.c).
 *
 * Functions of librbd give a negative errno for a failure; img_rbd_fail() makes a sentence of it.
 */
#ifndef IMG_STORE_RBD_H
#define IMG_STORE_RBD_H

#include <pthread.h>
#include <stdatomic.h>
#include "store/rbd-name.h"
#include "store/rbd-library.h"
#include "store/store.h"

/* ---- The way to an image (rbd-conn.c) ------------------------------------------------------------ */

/* A pool, in a cluster that is connected, and perhaps an image of it that is open. */
struct img_rbd {
	struct img_rbd_library lib;
	struct img_rbd_name name;	/* owned */
	rados_t cluster;
	rados_ioctx_t pool;		/* in the namespace that name says */
	rbd_image_t image;		/* NULL: none is open */
	char *temporary;		/* owned: name of a new image until it is published; else NULL */
	int read_flags;			/* LIBRADOS_OP_FLAG_* */
	unsigned open_flags;		/* IMG_OPEN_* */
	uint64_t unit;			/* bytes that lie in one object, at multiples of as many */
	atomic_uint patience;		/* seconds that an answer may take; 0: any number */
	atomic_bool is_silent;		/* did not answer in time */
	bool is_left;			/* is still closing an image that we had open */
};

/* Fails, unless ret >= 0, with the errno that it is, and notes that there was no answer.  Any thread. */
bool img_rbd_fail(struct img_rbd *rbd, int ret, struct img_err *err, const char *fmt, ...)
	IMG_PRINTF(4, 5);
/*
 * Connects to the cluster that path leads to, as its configuration, the variables CEPH_CONF and
 * CEPH_ARGS, and path itself say.  *rbd belongs to img_rbd_disconnect(), even on failure.
 * IMG_E_UNSUPPORTED: librbd is not there.
 */
bool img_rbd_connect(struct img_rbd *rbd, const char *path, struct img_err *err) IMG_MUST_CHECK;
/*
 * Opens the image called so (or the snapshot of it that rbd->name says).  flags: IMG_OPEN_*.  What
 * somebody else has open for writing is IMG_E_BUSY, unless flags say otherwise: WRITE gets the exclusive
 * lock where the image has that feature.
 */
bool img_rbd_open(struct img_rbd *rbd, const char *image, unsigned flags, struct img_err *err)
	IMG_MUST_CHECK;
/*
 * Whether the image called so is there: 0, or a negative errno.  To be asked before librbd opens it: what
 * that does with one that is not there may go on in another thread when it has answered, and one of 16.2
 * wrote where something else was by then.
 */
int img_rbd_find(struct img_rbd *rbd, const char *image) IMG_MUST_CHECK;
/*
 * That the image, or snapshot, that is open is there, and that nobody has it open for writing, unless that
 * was no matter when it was opened.  Who only reads is not told when it is removed, and reads zeros then.
 */
bool img_rbd_confirm(struct img_rbd *rbd, struct img_err *err) IMG_MUST_CHECK;
/*
 * That zeros which were read, or told of, are those of the image and no sign that it is removed.  Asks the
 * cluster, where that is in doubt.
 */
bool img_rbd_believe_zeros(struct img_rbd *rbd, struct img_err *err) IMG_MUST_CHECK;
/* The same of bytes that were read at `at`, if an object that they are of has only zeros there. */
bool img_rbd_believe(struct img_rbd *rbd, uint64_t at, const void *buf, size_t len, struct img_err *err)
	IMG_MUST_CHECK;
/* ret: of a function that needs the namespace.  Fails if it says that something is missing, and this is. */
bool img_rbd_check_space(struct img_rbd *rbd, int ret, struct img_err *err) IMG_MUST_CHECK;

/* ---- The way back (rbd-leave.c) ------------------------------------------------------------------ */

struct img_rbd_errand;
typedef void img_rbd_errand_fn(struct img_rbd_errand *errand, void *arg);

/*
 * Does what(errand, arg) in another thread, and waits for its end as long as three answers may take, or one
 * when there was none in time.  False: it goes on, and needs all that arg leads to.
 */
bool img_rbd_within_bounds(struct img_rbd *rbd, img_rbd_errand_fn *what, void *arg);
/* Whoever waits for the errand has to do so from now on.  NULL: nobody does. */
void img_rbd_goes_on(struct img_rbd_errand *errand);
/* Removes the image called so, on an errand, which goes on as long as its objects do, or NULL. */
int img_rbd_remove(struct img_rbd *rbd, const char *image, struct img_rbd_errand *errand);
/* Releases the lock as well.  False: the cluster did not answer in time. */
bool img_rbd_close(struct img_rbd *rbd);
/* Closes the image, too.  However long that takes.  *rbd may be all zero. */
void img_rbd_disconnect(struct img_rbd *rbd);

/* ---- Requests under way (rbd-flight.c) ----------------------------------------------------------- */

/*
 * Changes of an image.  Bytes that are not held are copied, so whoever writes goes on at once, and is told
 * of a failure with a later request, or a sync at the latest: after it, all fail.  Changes of the same bytes
 * never overtake each other.
 */
struct img_rbd_flights {
	struct img_rbd *rbd;
	pthread_mutex_t lock;		/* guards all below */
	pthread_cond_t landed;
	struct img_rbd_flight *first;	/* those under way */
	uint64_t bytes;			/* of all of them */
	int error;			/* the first failure, a negative errno; or 0 */
	struct timespec deadline;	/* one of those under way has to land until then */
	bool is_over;
	pthread_cond_t watched;		/* told of that */
	pthread_t watch;		/* gives up those that do not land */
	bool is_watched;		/* there is such a thread */
};

void img_rbd_flights_init(struct img_rbd_flights *flights, struct img_rbd *rbd);
/* Waits for all that are under way. */
void img_rbd_flights_end(struct img_rbd_flights *flights);
struct img_rbd_change {
	uint64_t at, len;
	const void *from;		/* NULL: zeros */
	bool thick;			/* zeros: each has its place */
	struct img_hold *hold;		/* of from; NULL: it is copied */
};

/* Any number of threads. */
bool img_rbd_change(struct img_rbd_flights *flights, const struct img_rbd_change *what,
		    struct img_err *err) IMG_MUST_CHECK;
/* Waits until nothing that touches [at, at + len) is under way. */
void img_rbd_settle(struct img_rbd_flights *flights, uint64_t at, uint64_t len);
/* Waits for all, and tells of the first failure. */
bool img_rbd_land(struct img_rbd_flights *flights, struct img_err *err) IMG_MUST_CHECK;
/* Reads what the image has, in parts that are under way together. */
bool img_rbd_read(struct img_rbd *rbd, uint64_t at, void *buf, size_t len, struct img_err *err)
	IMG_MUST_CHECK;

/* ---- Where data lie (rbd-extent.c) --------------------------------------------------------------- */

struct img_rbd_run {
	uint64_t start, end;
};

/* Runs of data that rise and do not touch; between them are zeros. */
struct img_rbd_map {
	uint64_t start, end;		/* what it tells of */
	struct img_rbd_run *v;		/* owned */
	size_t n, cap;
};

/*
 * Fills *map, which tells of nothing yet, for what starts at `at`, up to limit at most: as much as is
 * cheap to ask for at once.
 */
bool img_rbd_map_ask(struct img_rbd *rbd, uint64_t at, uint64_t limit, struct img_rbd_map *map,
		     struct img_err *err) IMG_MUST_CHECK;
/* As img_rbd_map_ask(); runs are what has changed since the snapshot called so. */
bool img_rbd_map_changes(struct img_rbd *rbd, const char *since, uint64_t at, uint64_t limit,
			 struct img_rbd_map *map, struct img_err *err) IMG_MUST_CHECK;
/* What is at `at`, of which map tells, and how far that goes, to limit at most. */
void img_rbd_map_find(const struct img_rbd_map *map, uint64_t at, uint64_t limit, bool *data,
		      uint64_t *end);

/* ---- Snapshots (rbd-snap.c) ---------------------------------------------------------------------- */

/*
 * What struct img_store_history says of the functions of the same names, of the image that is open, of which
 * nothing is under way.
 */
bool img_rbd_snap_list(struct img_rbd *rbd, struct img_snapshot **out, size_t *n, struct img_err *err)
	IMG_MUST_CHECK;
bool img_rbd_snap_create(struct img_rbd *rbd, const char *name, struct img_err *err) IMG_MUST_CHECK;
bool img_rbd_snap_apply(struct img_rbd *rbd, const char *which, const char *keep, struct img_err *err)
	IMG_MUST_CHECK;
bool img_rbd_snap_remove(struct img_rbd *rbd, const char *which, struct img_err *err) IMG_MUST_CHECK;
bool img_rbd_snap_rename(struct img_rbd *rbd, const char *which, const char *to, struct img_err *err)
	IMG_MUST_CHECK;
/* rbd->name.snapshot is the name of it then. */
bool img_rbd_snap_show(struct img_rbd *rbd, const char *which, struct img_err *err) IMG_MUST_CHECK;

/* ---- The store ----------------------------------------------------------------------------------- */

/* Of a store on a cluster, and while it is open; NULL: st is another one. */
struct img_rbd *img_store_rbd_of(struct img_store *st);

#endif
