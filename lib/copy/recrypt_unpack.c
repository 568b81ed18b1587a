/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compressed units of an image that is to be encrypted in place become plain ones first, in rounds, each of
 * which gets into the file at once.
 */
#include "base/err.h"
#include "base/job.h"
#include "base/num.h"
#include "copy/chain.h"
#include "copy/recrypt.h"

/* What becomes plain in a round: so much, or that part of all. */
enum { ROUND_MIN = 64 << 20, ROUNDS = 256 };
/* Before the file has the tables they are kept beside it, and lie in the journal. */
enum { COPIES = 2 };

uint64_t img_recrypt_unpack_room(const struct img_recrypt_run *run, uint64_t *growth)
{
	const uint64_t bytes = run->packed * run->seen.unit;

	*growth = img_room_for(bytes, run->seen.unit);
	return *growth + COPIES * (*growth - bytes);
}

static void tell(const struct img_recrypt_run *run, const struct img_recrypt_unpack *how)
{
	const struct img_job *job = run->job;

	if (job && job->progress)
		job->progress(job->ctx, img_min_u64(how->from, run->hdr.before), run->hdr.before);
}

static bool do_round(struct img_recrypt_run *run, struct img_recrypt_unpack *how, struct img_err *err)
{
	struct img_recrypt_changing c;
	bool ok;

	if (!img_job_goes_on(run->job, err))
		return false;
	ok = img_recrypt_change_begin(&c, run, false, err);
	if (ok) {
		how->opener = img_at_once_opener(c.once);
		ok = run->format->recrypt->unpack(&c.ly, how, err) && img_at_once_commit(c.once, err);
	}
	img_recrypt_change_end(&c);
	return ok;
}

bool img_recrypt_unpack(struct img_recrypt_run *run, struct img_err *err)
{
	struct img_recrypt_unpack how = {
		.most = img_max_u64(run->packed * run->seen.unit / ROUNDS, ROUND_MIN),
		.threads = run->what->threads,
	};

	img_recrypt_map_drop(run);
	while (how.from < run->hdr.before) {
		if (!do_round(run, &how, err))
			return false;
		tell(run, &how);
	}
	return true;
}
