/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the image that is opened to the report of what was done with it. */
#include <string.h>
#include <sys/stat.h>
#include "common/text.h"
#include "imgresize/imgresize.h"

static void tell_remarks(const struct cli *cli, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_remarks; i++) {
		struct img_err text = { 0 };

		remark_sentence(&plan->remarks[i], plan, &text);
		cli_warn(cli, text.text);
	}
}

/* The library names the file in what it says, the other parts of this command do not. */
static bool name_file(struct img_err *err, const char *path)
{
	return strncmp(err->text, path, strlen(path)) ? img_within(err, "%s", path) : false;
}

static bool run(const struct options *opt, struct img *im, const struct img_job *job,
		struct plan *plan, struct img_err *err)
{
	const struct request *request = &opt->request;
	struct sketch *sk = sketch_new(im, err);
	const bool ok = sk && plan_make(request, im, sk, job, plan, err) &&
		  plan_apply(request, plan, im, sk, job, err) &&
		  (request->dry_run || img_finish(im, err));

	sketch_free(sk);
	return ok || name_file(err, request->path);
}

static bool resize_image(const struct cli *cli, const struct options *opt, struct img *im,
			 struct img_err *err)
{
	struct progress progress;
	const struct img_job *job = progress_start(&progress, cli,
						   progress_unless(opt->quiet, &opt->progress),
						   "resize");
	struct plan plan = { .old_size = 0 };
	bool ok = run(opt, im, job, &plan, err);

	progress_end(&progress, ok);
	if (!ok)
		source_explain(err);
	if (ok && !opt->quiet) {
		tell_remarks(cli, &plan);
		ok = report(&opt->request, &plan, img_layer_format(im, 0), opt->style, err);
	}
	plan_free(&plan);
	return ok;
}

/* What is not there is said by who opens it. */
static bool check_kind(const char *path, struct img_err *err)
{
	struct stat st;

	if (stat(path, &st) || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		return true;
	return img_fail(err, IMG_E_DENIED, S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode)
			? _("%s: a device keeps its size") : _("%s: is no file"), path);
}

bool resize(const struct cli *cli, const struct options *opt, struct img_err *err)
{
	struct img *im;
	bool ok;

	if (!check_kind(opt->request.path, err))
		return false;
	im = source_open_to_change(cli, &opt->source, opt->request.path, IMG_OPEN_WRITE | IMG_OPEN_AT_ONCE,
				   err);
	ok = im && resize_image(cli, opt, im, err);
	img_close(im);
	return ok;
}
