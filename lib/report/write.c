/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A report in the style asked for, all of it or an error. */
#include "base/err.h"
#include "report/report.h"

static bool render(const struct img_node *root, enum img_style style, FILE *out,
		   struct img_err *err)
{
	switch (style) {
	case IMG_STYLE_JSON:
		return img_report_json(root, out, err);
	case IMG_STYLE_XML:
		return img_report_xml(root, out, err);
	case IMG_STYLE_HUMAN:
		break;
	}
	img_report_human(root, out);
	return true;
}

bool img_report_write(const struct img_node *root, enum img_style style, FILE *out,
		      struct img_err *err)
{
	if (!root || img_node_failed(root))
		return img_fail(err, IMG_E_NOMEM, _("out of memory while collecting the report"));
	if (!render(root, style, out, err))
		return false;
	if (fflush(out) == 0) {
		if (!ferror(out))
			return true;
		errno = EIO;		/* an earlier write failed; its own errno is gone */
	}
	return img_fail_os(err, _("the report cannot be written"));
}
