/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams whose bytes are made by a thread of its own: what comes out of something compressed. */
#ifndef IMG_STORE_PRODUCED_H
#define IMG_STORE_PRODUCED_H

#include <stdatomic.h>
#include "store/store.h"

/* Takes the bytes of a store one after the other, as far as they have come. */
struct img_pull {
	struct img_store *st;
	uint64_t at;			/* the next byte that is taken */
	bool ended;			/* there are none any more */
	const _Atomic bool *stop;	/* nobody waits for them any more; NULL: somebody does */
};

/* Up to len bytes, at least one; *got == 0: the end.  IMG_E_CANCELLED: stop was set. */
bool img_pull(struct img_pull *pull, void *buf, size_t len, size_t *got, struct img_err *err)
	IMG_MUST_CHECK;

struct img_producer;
struct img_producer_ops {
	/* Up to len bytes, at least one; *got == 0: the end.  Names its store in errors. */
	bool (*make)(struct img_producer *producer, uint8_t *buf, size_t len, size_t *got,
		     struct img_err *err);
	void (*close)(struct img_producer *producer);
};

struct img_producer {			/* head of every concrete one */
	const struct img_producer_ops *ops;
	struct img_pull in;		/* its st is the producer's own */
};

/*
 * A stream (no IMG_STORE_SEEK) of what producer makes, which it owns from then on; on failure that
 * stays the caller's.  Its thread starts with the first byte that is wanted, and is a few megabytes
 * ahead at most.  More than `most` bytes are IMG_E_RANGE.  One thread reads.
 */
struct img_store *img_store_produced(struct img_producer *producer, const char *shown_as, uint64_t most,
				     struct img_err *err);

#endif
