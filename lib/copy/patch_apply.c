/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A patch into a disk.  One that can be read twice is first read to its end; what comes through a
 * pipe is written to an image that keeps it until all has come.
 */
#include <inttypes.h>
#include "base/err.h"
#include "base/job.h"
#include "copy/patch.h"
#include "libimg-diff.h"

struct applying {
	const struct img_patch *what;
	const struct img_job *job;
	struct patch_reader rd;
	struct patch_totals totals;
	bool write;			/* this pass changes the disk */
};

static bool check_target(const struct applying *ap, struct img_err *err)
{
	const struct patch_header *header = &ap->rd.header;
	const uint64_t size = img_size(ap->what->im);

	if (ap->what->force || size == header->old_size || header->old_size == PATCH_ANY_SIZE)
		return true;
	return img_fail(err, IMG_E_MISMATCH, _("the patch is for a disk of %" PRIu64
			" bytes, and this one has %" PRIu64), header->old_size, size);
}

static bool check_totals(const struct applying *ap, const struct patch_record *end,
			 const uint8_t *bytes, struct img_err *err)
{
	const struct patch_totals *seen = &ap->totals;
	struct patch_totals told;

	if (!bytes)
		return true;
	patch_end_decode(bytes, &told);
	if (end->at != seen->records || told.data != seen->data || told.zero != seen->zero)
		return img_fail(err, IMG_E_CORRUPT, _("the end of the patch contradicts what it holds"));
	if (ap->what->force ||
	    (told.old.n == seen->old.n && told.old.crc == seen->old.crc))
		return true;
	return img_fail(err, IMG_E_MISMATCH, _("the patch is for another disk than this one, or for "
			"what it held at another time"));
}

static bool resize(const struct applying *ap, struct img_err *err)
{
	const struct img_resize how = { .size = ap->rd.header.new_size };

	return img_size(ap->what->im) == how.size || img_resize(ap->what->im, &how, ap->job, err);
}

static bool apply(const struct applying *ap, const struct patch_record *rec, const uint8_t *bytes,
		  struct img_err *err)
{
	struct img *im = ap->what->im;

	if (!ap->write)
		return true;
	return rec->kind == PATCH_ZERO ? img_write_zeros(im, rec->at, rec->len, true, err)
				       : img_write(im, rec->at, bytes, rec->len, err);
}

static bool look_at_job(const struct applying *ap, struct img_err *err)
{
	const struct img_job *job = ap->job;

	if (job && job->progress)
		job->progress(job->ctx, ap->rd.done, ap->rd.header.new_size);
	return img_job_goes_on(job, err);
}

/* The samples are taken before their place is written. */
static bool pass_records(struct applying *ap, struct img_err *err)
{
	struct img *old = ap->what->force || ap->rd.rbd_version ? NULL : ap->what->im;
	const uint8_t *bytes;
	struct patch_record rec;

	for (;;) {
		if (!look_at_job(ap, err) || !patch_reader_next(&ap->rd, &rec, &bytes, err))
			return false;
		if (rec.kind == PATCH_END)
			return check_totals(ap, &rec, bytes, err);
		if (!patch_totals_add(&ap->totals, &rec, old, err) || !apply(ap, &rec, bytes, err))
			return false;
	}
}

static bool pass(struct applying *ap, struct img_store *store, bool write, struct img_err *err)
{
	ap->totals = (struct patch_totals){ 0 };
	ap->write = write;
	bool ok = patch_reader_init(&ap->rd, store, err) && check_target(ap, err) &&
		  patch_check_names(ap->what, &ap->rd, err);

	if (ok && ap->rd.header.new_size == PATCH_ANY_SIZE)
		ap->rd.header.new_size = img_size(ap->what->im);
	ok = ok && (!write || resize(ap, err)) && pass_records(ap, err) &&
	     (!write || patch_make_snapshot(ap->what, &ap->rd, err));

	patch_reader_clear(&ap->rd);
	return ok;
}

/* On a cluster nothing brings back what was, so that all of the patch has to be there first. */
static bool wait_for_all(const struct img_patch *what, struct img_store **store,
			 const struct img_open *how, struct img_err *err)
{
	return ((*store)->caps & IMG_STORE_SEEK) || !img_layer_history(&what->im->layers[0]) ||
	       img_put_spool(store, how, err);
}

/* Something else may have changed a file between two passes, so the second one looks as well. */
static bool run(struct applying *ap, struct img_store *store, struct img_err *err)
{
	const bool seekable = store->caps & IMG_STORE_SEEK;

	if (ap->what->dry_run)
		return pass(ap, store, false, err);
	if (!seekable && !ap->what->im->at_once)
		return img_fail(err, IMG_E_DENIED, _("%s: is not patched from a pipe, which may break; "
				"keep the patch in a file"), img_layer_name(ap->what->im, 0));
	if (seekable && !pass(ap, store, false, err))
		return false;
	return pass(ap, store, true, err);
}

bool img_patch_apply(const struct img_patch *what, const struct img_job *job,
		     struct img_patch_stats *stats, struct img_err *err)
{
	struct applying ap = { .what = what, .job = job };
	const struct img_open how = { .path = what->path };
	struct img_store *store = img_open_top_store(&how, err);
	const uint64_t old_size = img_size(what->im);
	const bool ok = store && ((wait_for_all(what, &store, &how, err) && run(&ap, store, err)) ||
				 img_within_file(err, store->name));

	img_store_close(store);
	if (ok)
		*stats = (struct img_patch_stats){
			.old_size = old_size, .new_size = ap.rd.header.new_size,
			.records = ap.totals.records, .data = ap.totals.data,
			.zero = ap.totals.zero,
		};
	return ok;
}
