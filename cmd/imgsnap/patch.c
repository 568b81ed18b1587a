/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A patch into an image, which gets all of it or nothing. */
#include <inttypes.h>
#include <sys/stat.h>
#include "common/text.h"
#include "imgsnap/imgsnap.h"

static void tell(const struct options *opt, const struct img_patch_stats *stats)
{
	if (opt->quiet)
		return;
	printf(opt->dry_run ? _("%" PRIu64 " changes would be made: %" PRIu64 " bytes, and %" PRIu64
				" bytes of zeros.\n")
			    : _("%" PRIu64 " changes were made: %" PRIu64 " bytes, and %" PRIu64
				" bytes of zeros.\n"), stats->records, stats->data, stats->zero);
}

/* A refusal that --force overrules names it. */
static void explain(const struct options *opt, struct img_err *err)
{
	const struct img_err why = *err;

	if (why.code == IMG_E_MISMATCH && !opt->force)
		img_fail(err, why.code, _("%s; --force patches it nevertheless"), why.text);
}

static bool run(const struct options *opt, struct img *im, const char *path, struct img_err *err)
{
	const struct img_snapshot_new now = snap_made_now(NULL);
	const struct img_patch what = {
		.im = im, .path = path, .force = opt->force, .dry_run = opt->dry_run,
		.seconds = now.seconds, .nanoseconds = now.nanoseconds,
	};
	struct img_patch_stats stats;
	struct progress progress;
	const struct img_job *job = snap_progress(&progress, opt, "patch");
	const bool ok = img_patch_apply(&what, job, &stats, err) && (opt->dry_run || img_finish(im, err));

	progress_end(&progress, ok);
	if (ok)
		tell(opt, &stats);
	else
		explain(opt, err);
	return ok;
}

/* Beside a device there is no room for a journal: it gets the patch as any write. */
static unsigned flags_for(const struct options *opt, const char *path)
{
	struct stat st;

	if (opt->dry_run)
		return 0;
	if (!stat(path, &st) && S_ISBLK(st.st_mode))
		return IMG_OPEN_WRITE;
	return IMG_OPEN_WRITE | IMG_OPEN_AT_ONCE;
}

bool snap_patch(const struct options *opt, char *const *names, struct img_err *err)
{
	struct img *im = source_open_to_change(&imgsnap_cli, &opt->source, names[0],
					       flags_for(opt, names[0]), err);
	const bool ok = im && run(opt, im, names[1], err);

	img_close(im);
	return ok;
}
