/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See leave_out.h. */
#include "guest/leave_out.h"

#include <string.h>
#include "common/text.h"

bool leave_out_set(const struct cli_option *row, void *field, const char *text,
		   struct img_err *err)
{
	enum leave_out *how = field;

	if (text && strcmp(text, "force"))
		return img_fail(err, IMG_E_ARGUMENT, _("--%s: the only value is \"force\""),
				row->name);
	*how = text ? LEAVE_OUT_FREE_FORCED : LEAVE_OUT_FREE;
	return true;
}

static void tell(const struct cli *cli, const struct free_volume *volume)
{
	struct img_err text = { 0 };

	if (!volume->why)
		return;
	img_fail(&text, IMG_E_UNSUPPORTED, _("%s: all of it counts as used: %s"), volume->type,
		 _(volume->why));
	if (volume->number)
		img_within(&text, _("partition %u"), volume->number);
	cli_warn(cli, text.text);
}

bool leave_out_find(const struct cli *cli, enum leave_out how, bool quiet, struct img *im,
		    struct free_space *out, struct img_err *err)
{
	*out = (struct free_space){ .n = 0 };
	if (how == LEAVE_OUT_NOTHING)
		return true;
	if (img_size(im) == IMG_SIZE_UNKNOWN)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("what is free cannot be found in a pipe of raw bytes"));
	if (!free_space_find(im, how == LEAVE_OUT_FREE_FORCED, out, err))
		return false;
	for (size_t i = 0; !quiet && i < out->n_volumes; i++)
		tell(cli, &out->volumes[i]);
	return true;
}

bool leave_out_free(const struct cli *cli, enum leave_out how, bool quiet, struct img *im,
		    struct free_space *out, struct img_err *err)
{
	return leave_out_find(cli, how, quiet, im, out, err) &&
	       (how == LEAVE_OUT_NOTHING || img_leave_out(im, out->spans, out->n, err));
}
