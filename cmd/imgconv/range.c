/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgconv --range: one of several that write the parts of one target at the same time. */
#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "common/text.h"
#include "imgconv/imgconv.h"

bool range_set(const struct cli_option *row, void *field, const char *text, struct img_err *err)
{
	const char *plus = strchr(text, '+');
	struct copy_range *range = field;
	char *start;
	bool ok;

	(void)row;
	if (!plus)
		return img_fail(err, IMG_E_ARGUMENT, _("\"%s\" is not START+LENGTH"), text);
	start = strndup(text, plus - text);
	if (!start)
		return out_of_memory(err);
	ok = img_size_parse(start, &range->at, err) && img_size_parse(plus + 1, &range->len, err);
	free(start);
	return ok && (range->len || img_fail(err, IMG_E_ARGUMENT, _("the range is empty")));
}

/* What speaks of the whole target is not for one of several. */
bool range_check_usage(const struct options *opt, const char *source, struct img_err *err)
{
	if (!opt->range.len)
		return true;
	if (!opt->in_place)
		return img_fail(err, IMG_E_ARGUMENT, _("--range needs -n: the target is there already"));
	if (!strcmp(source, "-"))
		return img_fail(err, IMG_E_ARGUMENT, _("--range needs a source that is no pipe"));
	return (!opt->target.options && opt->sparse && !opt->skip_same && !opt->itself) ||
	       img_fail(err, IMG_E_ARGUMENT, _("--range does not go with -o, -S 0, --skip-same and "
					       "--in-place, which are about all of the target"));
}
