/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgsnap rebase and flatten: an image stands on another one from now on, or on none. */
#include "common/text.h"
#include "imgsnap/chain.h"

static bool tell(const struct options *opt, const char *verb, const char *path,
		 const struct img_rebase *what, const struct img_rebased *done, struct img_err *err)
{
	struct img_node *report = chain_report(opt, verb, path, err);

	if (report) {
		chain_report_text(report, "backing-filename", _("stands on"), what->backing);
		chain_report_text(report, "backing-filename-format", _("format of that"),
				  done->backing_format);
		chain_report_number(report, "snapshots-spoilt", _("snapshots spoilt"),
				    done->snapshots, IMG_UNIT_NONE);
		chain_report_moved(report, &done->moved);
	}
	return chain_print(opt, report, err);
}

static bool rebase(const struct options *opt, const char *verb, const char *path,
		   const char *backing, struct img_err *err)
{
	struct progress progress;
	const struct img_job *job = snap_progress(&progress, opt, verb);
	const struct img_rebase what = {
		.top = chain_open(opt, path), .backing = backing && *backing ? backing : NULL,
		.backing_format = opt->backing_format, .threads = opt->threads,
		.trust = opt->unsafe, .force = opt->force,
		.dry_run = opt->dry_run,
	};
	struct img_rebased done;
	bool ok;

	do
		ok = img_rebase_run(&what, job, &done, err);
	while (!ok && secret_try_again(opt->source.secrets, path, err));
	progress_end(&progress, ok);
	if (!ok)
		source_explain(err);
	return ok && tell(opt, verb, path, &what, &done, err);
}

bool snap_rebase(const struct options *opt, char *const *names, struct img_err *err)
{
	return rebase(opt, "rebase", names[0], opt->backing, err);
}

bool snap_flatten(const struct options *opt, char *const *names, struct img_err *err)
{
	return rebase(opt, "flatten", names[0], NULL, err);
}
