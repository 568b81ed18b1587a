/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which options belong to which verbs of imgsnap. */
#include <string.h>
#include "common/belong.h"
#include "common/text.h"
#include "imgsnap/imgsnap.h"

static bool check_verb(const struct options *opt, const char *verb, struct img_err *err)
{
	const struct belonging all[] = {
		{ "--discard-current", opt->discard_current, " apply " },
		{ "--target-format", opt->target.format, " extract overlay " },
		{ "--options", opt->target.options, " extract overlay " },
		{ "--sparse-size", opt->sparse != SNAP_SPARSE_SIZE, " extract " },
		{ "--from", opt->from, " diff " },
		{ "--from-format", opt->from_format, " diff " },
		{ "--compare", opt->compare, " diff " },
		{ "--data", opt->data, " diff " },
		{ "--data-format", opt->data_format, " diff " },
		{ "--backing", opt->backing, " commit rebase " },
		{ "--backing-format", opt->backing_format, " rebase " },
		{ "--unsafe", opt->unsafe, " rebase " },
		{ "--keep", opt->keep, " commit " },
		{ "--force", opt->force, " patch commit rebase flatten " },
		{ "--dry-run", opt->dry_run, " patch overlay commit rebase flatten " },
		{ "--threads", opt->threads, " extract diff commit rebase flatten " },
		{ "--parent", opt->source.parent, " extract diff commit rebase flatten " },
		{ "--allow-mismatch", opt->source.mismatch, " commit rebase flatten " },
	};

	return belong_check(all, sizeof(all) / sizeof(*all), verb, err);
}

bool snap_check_usage(const struct options *opt, const char *verb, bool looks, struct img_err *err)
{
	if (!check_verb(opt, verb, err))
		return false;
	if (opt->from_format && !opt->from)
		return img_fail(err, IMG_E_ARGUMENT, _("--from-format belongs to --from"));
	if (opt->data_format && !opt->data)
		return img_fail(err, IMG_E_ARGUMENT, _("--data-format belongs to --data"));
	if (opt->source.force_share && !looks)
		return img_fail(err, IMG_E_ARGUMENT, _("--force-share is for looking only"));
	return strcmp(verb, "rebase") || opt->backing ||
	       img_fail(err, IMG_E_ARGUMENT, _("what the image is to stand on is not given (-b)"));
}
