/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much work takes how long here.  It is measured by the time of the processor, so that others who use
 * it do not make keys weaker: by the clock on the wall a key can get a tenth of its work.
 */
#include "cipher/kdf.h"

#include <string.h>
#include <time.h>
#include "base/num.h"
#include "base/parallel.h"

enum {
	FEWEST_ITERATIONS = 1000,	/* LUKS1 §"Constants" */
	FEWEST_PASSES = 4,		/* fewer are weak however much memory there is; as cryptsetup */
	LEAST_MEMORY = 32,		/* KiB; what cryptsetup takes */
	FIRST_MEMORY = 8192,
	TRIAL_MS = 50,			/* of shorter ones the clock says little */
};

/* Milliseconds that derive takes; *ms > 0. */
static bool time_one(const struct img_kdf *kdf, clockid_t clock, size_t len, double *ms,
		     struct img_err *err)
{
	static const char secret[] = "a passphrase to measure with";
	uint8_t key[512];
	struct timespec from, to;

	clock_gettime(clock, &from);
	if (!img_kdf_derive(kdf, secret, sizeof(secret) - 1, key,
			    (size_t)img_min_u64(len, sizeof(key)), err))
		return false;
	clock_gettime(clock, &to);
	*ms = (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
	*ms = *ms > 1e-3 ? *ms : 1e-3;
	return true;
}

static uint32_t clamp(double value, uint32_t least, uint32_t most)
{
	if (value <= least)
		return least;
	return value >= most ? most : (uint32_t)value;
}

static bool measure_pbkdf2(struct img_kdf *kdf, unsigned ms, size_t len, struct img_err *err)
{
	double took;

	for (kdf->iterations = FEWEST_ITERATIONS;; kdf->iterations *= 4) {
		if (!time_one(kdf, CLOCK_THREAD_CPUTIME_ID, len, &took, err))
			return false;
		if (took >= TRIAL_MS || took * 4 >= ms)
			break;
	}
	kdf->iterations = clamp(kdf->iterations / took * ms, FEWEST_ITERATIONS, INT32_MAX);
	return true;
}

/* The time of all its threads, as many of which run at once as there are processors. */
static bool time_threads(const struct img_kdf *kdf, size_t len, double *ms, struct img_err *err)
{
	if (!time_one(kdf, CLOCK_PROCESS_CPUTIME_ID, len, ms, err))
		return false;
	*ms /= img_thread_count(0, kdf->parallel);
	return true;
}

static bool measure_argon2(struct img_kdf *kdf, unsigned ms, size_t len, struct img_err *err)
{
	const uint32_t most = kdf->memory_kib;
	double took, pass;

	kdf->iterations = FEWEST_PASSES;
	for (kdf->memory_kib = clamp(FIRST_MEMORY, LEAST_MEMORY, most);; kdf->memory_kib *= 4) {
		if (!time_threads(kdf, len, &took, err))
			return false;
		if (took >= TRIAL_MS || took * 4 >= ms || kdf->memory_kib > most / 4)
			break;
	}
	pass = (double)kdf->memory_kib * FEWEST_PASSES / took * ms;	/* KiB in all passes */
	kdf->memory_kib = clamp(pass / FEWEST_PASSES, LEAST_MEMORY, most);
	kdf->iterations = clamp(pass / kdf->memory_kib, FEWEST_PASSES, INT32_MAX);
	return true;
}

bool img_kdf_measure(struct img_kdf *kdf, unsigned ms, size_t len, struct img_err *err)
{
	static const uint8_t salt[32];
	struct img_kdf trial = *kdf;

	trial.salt = salt;
	trial.salt_len = sizeof(salt);
	if (!(strcmp(kdf->name, "pbkdf2") ? measure_argon2 : measure_pbkdf2)(&trial, ms, len, err))
		return false;
	kdf->iterations = trial.iterations;
	kdf->memory_kib = trial.memory_kib;
	return true;
}
