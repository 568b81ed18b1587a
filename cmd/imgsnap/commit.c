/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgsnap commit: what an image holds goes into one below it. */
#include <stdlib.h>
#include "common/text.h"
#include "imgsnap/chain.h"

static void warn_of_spoilt(void *ctx, const char *path, const char *below)
{
	const struct img_job *job = ctx;
	struct img_err text = { 0 };

	img_fail(&text, IMG_E_DENIED, _("%s stands on %s, which changes: what shows through from there "
		 "is not what it was made for"), path, below);
	job->warn(job->ctx, text.text);
}

static void warn_of_between(const struct img_job *job, const struct img_committed *done)
{
	if (done->between)
		job->warn(job->ctx, _("the images between are spoilt: what they hold goes together "
				      "with what lay below them before"));
}

static bool tell(const struct options *opt, const char *path, const struct img_committed *done,
		 struct img_err *err)
{
	struct img_node *report = chain_report(opt, "commit", path, err);

	if (report) {
		chain_report_text(report, "base", _("written to"), done->base);
		chain_report_text(report, "base-format", _("format of that"), done->base_format);
		chain_report_number(report, "old-size", _("its old size"), done->old_size,
				    IMG_UNIT_BYTES);
		chain_report_number(report, "new-size", _("its new size"), done->new_size,
				    IMG_UNIT_BYTES);
		chain_report_moved(report, &done->moved);
		chain_report_flag(report, "emptied", _("image emptied"), done->emptied);
		chain_report_number(report, "layers-between", _("images between"), done->between,
				    IMG_UNIT_NONE);
		chain_report_number(report, "others-spoilt", _("other images spoilt"),
				    done->spoilt, IMG_UNIT_NONE);
		chain_report_number(report, "snapshots-spoilt", _("snapshots spoilt"),
				    done->snapshots, IMG_UNIT_NONE);
	}
	return chain_print(opt, report, err);
}

bool snap_commit(const struct options *opt, char *const *names, struct img_err *err)
{
	struct progress progress;
	const struct img_job *job = snap_progress(&progress, opt, "commit");
	const struct img_commit what = {
		.top = chain_open(opt, names[0]), .base = opt->backing,
		.threads = opt->threads, .keep = opt->keep, .force = opt->force,
		.dry_run = opt->dry_run, .spoils = warn_of_spoilt, .ctx = (void *)job,
	};
	struct img_committed done;
	bool ok, told;

	do
		ok = img_commit_run(&what, job, &done, err);
	while (!ok && secret_try_again(opt->source.secrets, names[0], err));
	progress_end(&progress, ok);
	if (!ok) {
		source_explain(err);
		return false;
	}
	warn_of_between(job, &done);
	told = tell(opt, names[0], &done, err);
	free(done.base);
	return told;
}
