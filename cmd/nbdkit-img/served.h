/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The image that a server shows to all of its clients.  It is open, and locked against whoever would
 * write to it, from before the server goes into the background until it ends; for writing from the
 * first client on that may write, since nbdkit does not say earlier whether one may.
 */
#ifndef CMD_NBDKIT_IMG_SERVED_H
#define CMD_NBDKIT_IMG_SERVED_H

#include <pthread.h>
#include "libimg.h"

struct served {
	struct img_open how;	/* as it is opened for reading */
	pthread_mutex_t lock;	/* guards what follows, while a client comes or goes */
	struct img *im;		/* stays the same while there are clients; NULL: opening it failed */
	bool writable;		/* im is open for writing */
	bool never_writable;	/* that was tried, and cannot be */
	size_t clients;
	uint64_t unit;		/* bytes that are stored together */
};

/* Opens the image for reading. */
bool served_start(struct served *sv, struct img_err *err) IMG_MUST_CHECK;
/*
 * A client comes, who will write unless `reading` is set.  NULL: the image is in use in a way that
 * excludes that.  An image that can never be written is given for reading.
 */
struct img *served_enter(struct served *sv, bool reading, struct img_err *err);
/* It goes; what it has written is made durable when no other is left. */
bool served_leave(struct served *sv, struct img_err *err) IMG_MUST_CHECK;
/* The last call, also after a failure; accepts one that was not started. */
bool served_end(struct served *sv, struct img_err *err) IMG_MUST_CHECK;

#endif
