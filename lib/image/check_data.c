/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads all that an image holds, to find what cannot be read: several threads, each of which takes
 * the next piece of the disk that is not empty.
 */
#include <pthread.h>
#include <stdlib.h>
#include "base/job.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/parallel.h"
#include "extent/extent.h"
#include "image/image.h"

enum { PIECE = 4 << 20 };

const struct img_finding_kind img_found_lost = {
	"image.data.lost", IMG_CORRUPT, N_("the file does not hold these bytes of the disk"),
};
const struct img_finding_kind img_found_undecodable = {
	"image.data.undecodable", IMG_CORRUPT, N_("these bytes of the disk cannot be decoded"),
};

struct reading {
	struct img *im;
	const struct img_job *job;
	pthread_mutex_t lock;		/* guards all below */
	uint64_t at;			/* what lies before has been taken */
	struct img_findings *out;
	struct img_err err;		/* the first failure */
	bool failed;
};

/* Lock held. */
static bool fail(struct reading *r, const struct img_err *why)
{
	if (!r->failed)
		r->err = *why;
	r->failed = true;
	return false;
}

/* Lock held. */
static bool talk(struct reading *r)
{
	const struct img_job *job = r->job;
	struct img_err why = { 0 };

	if (job && job->progress)
		job->progress(job->ctx, r->at, img_size(r->im));
	if (img_job_goes_on(job, &why))
		return true;
	return fail(r, &why);
}

/* The next piece that has to be read; its len is 0 at the end. */
static bool take(struct reading *r, struct img_extent *piece)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&r->lock);
	struct img_err why = { 0 };

	piece->len = 0;
	if (r->failed || !talk(r))
		return false;
	while (r->at < img_size(r->im)) {
		if (!img_extent(r->im, r->at, img_size(r->im), piece, &why))
			return fail(r, &why);
		if (!img_extent_reads_as_zero(piece)) {
			/* What is lost is told as a whole. */
			if (piece->kind != IMG_EXTENT_LOST)
				piece->len = img_min_u64(piece->len, PIECE);
			r->at += piece->len;
			return true;
		}
		r->at += piece->len;
	}
	piece->len = 0;
	return true;
}

static bool tell(struct reading *r, const struct img_finding_kind *kind, uint64_t at, uint64_t len,
		 const char *detail)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&r->lock);
	struct img_err why = { 0 };
	struct img_finding one = {
		.kind = kind, .n = 1, .host = IMG_NOWHERE, .guest = at, .expected = len,
		.found = 0, .detail = img_strdup(detail, &why),
	};

	return (one.detail && img_findings_add(r->out, one, 0, &why)) || fail(r, &why);
}

static bool fail_alone(struct reading *r, const struct img_err *why)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&r->lock);

	return fail(r, why);
}

static bool is_damage(enum img_code code)
{
	return code == IMG_E_CORRUPT || code == IMG_E_INCOMPLETE || code == IMG_E_IO;
}

/* Bytes that the file has, but that nothing can be made of. */
static bool read_units(struct reading *r, const struct img_extent *piece, uint8_t *buf)
{
	const uint64_t end = piece->start + piece->len;
	const uint32_t unit = r->im->layers[0].unit > 1 ? r->im->layers[0].unit : 4096;

	for (uint64_t at = piece->start; at < end; ) {
		const uint64_t next = img_min_u64(img_round_down(at, unit) + unit, end);
		struct img_err why = { 0 };

		if (!img_read(r->im, at, buf, (size_t)(next - at), &why) &&
		    !(is_damage(why.code)
		      ? tell(r, why.code == IMG_E_CORRUPT ? &img_found_undecodable : &img_found_lost,
			     at, next - at, why.text)
		      : fail_alone(r, &why)))
			return false;
		at = next;
	}
	return true;
}

static bool read_piece(struct reading *r, const struct img_extent *piece, uint8_t *buf)
{
	struct img_err why = { 0 };

	if (piece->kind == IMG_EXTENT_LOST)
		return tell(r, &img_found_lost, piece->start, piece->len, _(piece->why));
	return img_read(r->im, piece->start, buf, (size_t)piece->len, &why) ||
	       read_units(r, piece, buf);
}

static void work(void *ctx, unsigned i)
{
	struct reading *r = ctx;
	struct img_err why = { 0 };
	IMG_AUTO_FREE uint8_t *buf = img_alloc_aligned(PIECE, &why);
	struct img_extent piece;

	(void)i;
	if (!buf) {
		fail_alone(r, &why);
		return;
	}
	while (take(r, &piece) && piece.len && read_piece(r, &piece, buf))
		continue;
}

bool img_check_data(struct img *im, const struct img_checking *how, struct img_findings *out,
		    struct img_err *err)
{
	struct img_findings found = { .most = out->most };
	struct reading r = { .im = im, .job = how->job, .out = &found };
	bool ok;

	pthread_mutex_init(&r.lock, NULL);
	img_parallel(how->threads, work, &r);
	pthread_mutex_destroy(&r.lock);
	if (r.failed && err)
		*err = r.err;
	img_findings_sort(&found, img_check_kinds);
	ok = !r.failed && img_findings_append(out, &found, err);
	img_findings_clear(&found);
	return ok;
}
