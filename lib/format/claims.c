/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Claims of requests.  There are as many as threads: a list is short enough to be searched. */
#include "format/claims.h"

#include <assert.h>

void img_claims_init(struct img_claims *claims, pthread_mutex_t *lock)
{
	*claims = (struct img_claims){ .lock = lock };
	pthread_cond_init(&claims->released, NULL);
}

void img_claims_clear(struct img_claims *claims)
{
	assert(!claims->list);
	pthread_cond_destroy(&claims->released);
}

bool img_claims_has(const struct img_claims *claims, uint64_t first, uint64_t end)
{
	for (const struct img_claim *c = claims->list; c; c = c->next)
		if (first < c->end && c->first < end)
			return true;
	return false;
}

void img_claims_wait(struct img_claims *claims, uint64_t first, uint64_t end)
{
	while (img_claims_has(claims, first, end))
		pthread_cond_wait(&claims->released, claims->lock);
}

void img_claim(struct img_claims *claims, struct img_claim *claim)
{
	img_claims_wait(claims, claim->first, claim->end);
	claim->next = claims->list;
	claims->list = claim;
}

void img_unclaim(struct img_claims *claims, const struct img_claim *claim)
{
	struct img_claim **at = &claims->list;

	while (*at != claim)
		at = &(*at)->next;
	*at = claim->next;
	pthread_cond_broadcast(&claims->released);
}
