/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Claims: what they hold off, and that their end wakes those who wait. */
#include <criterion/criterion.h>
#include <unistd.h>
#include "base/lock.h"
#include "format/claims.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct img_claims claims;

Test(claims, a_range_is_half_open)
{
	struct img_claim claim = { .first = 10, .end = 20 };

	img_claims_init(&claims, &lock);
	img_claim(&claims, &claim);
	cr_assert(!img_claims_has(&claims, 0, 10) && !img_claims_has(&claims, 20, UINT64_MAX));
	cr_assert(img_claims_has(&claims, 0, 11) && img_claims_has(&claims, 19, 20));
	cr_assert(img_claims_has(&claims, 12, 13) && img_claims_has(&claims, 0, UINT64_MAX));
	img_unclaim(&claims, &claim);
	img_claims_clear(&claims);
}

Test(claims, the_end_of_one_leaves_the_others)
{
	struct img_claim v[3];

	img_claims_init(&claims, &lock);
	for (uint64_t i = 0; i < 3; i++) {
		v[i] = (struct img_claim){ .first = i, .end = i + 1 };
		img_claim(&claims, &v[i]);
	}
	img_unclaim(&claims, &v[1]);
	cr_assert(img_claims_has(&claims, 0, 1) && !img_claims_has(&claims, 1, 2));
	cr_assert(img_claims_has(&claims, 2, 3));
	img_unclaim(&claims, &v[2]);
	img_unclaim(&claims, &v[0]);
	cr_assert_not(img_claims_has(&claims, 0, 3));
	img_claims_clear(&claims);
}

static _Atomic bool claimed;

static void *claim_too(void *arg)
{
	struct img_claim claim = { .first = 5, .end = 6 };
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&lock);

	img_claim(&claims, &claim);
	claimed = true;
	img_unclaim(&claims, &claim);
	return arg;
}

Test(claims, who_wants_the_same_waits, .timeout = 60)
{
	struct img_claim claim = { .first = 0, .end = 10 };
	pthread_t other;

	img_claims_init(&claims, &lock);
	pthread_mutex_lock(&lock);
	img_claim(&claims, &claim);
	cr_assert_not(pthread_create(&other, NULL, claim_too, NULL));
	pthread_mutex_unlock(&lock);
	usleep(20000);
	cr_assert_not(claimed);
	pthread_mutex_lock(&lock);
	img_unclaim(&claims, &claim);
	pthread_mutex_unlock(&lock);
	cr_assert_not(pthread_join(other, NULL));
	cr_assert(claimed);
	img_claims_clear(&claims);
}
