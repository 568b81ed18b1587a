/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who changes what of a disk in use: a request claims what it brings into the file, in the units of
 * its driver (sectors, clusters, blocks), so that no other does so at the same time.
 */
#ifndef IMG_FORMAT_CLAIMS_H
#define IMG_FORMAT_CLAIMS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Units [first, end); on the stack of the request. */
struct img_claim {
	uint64_t first, end;
	struct img_claim *next;
};

/* All functions but the first two want the lock held. */
struct img_claims {
	pthread_mutex_t *lock;		/* guards the list, and what is claimed; the owner's */
	pthread_cond_t released;	/* a claim was */
	struct img_claim *list;
};

void img_claims_init(struct img_claims *claims, pthread_mutex_t *lock);
/* Nobody claims anything any more. */
void img_claims_clear(struct img_claims *claims);
/* Whether any of the units [first, end) is claimed. */
bool img_claims_has(const struct img_claims *claims, uint64_t first, uint64_t end);
/* Waits until none is; the lock is let go meanwhile. */
void img_claims_wait(struct img_claims *claims, uint64_t first, uint64_t end);
/* Waits until nobody else claims any of the units, and claims them. */
void img_claim(struct img_claims *claims, struct img_claim *claim);
void img_unclaim(struct img_claims *claims, const struct img_claim *claim);

#endif
