/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From failures to exit statuses, and the last look at standard output. */
#include "common/exit.h"
#include "common/text.h"

int exit_status(const struct img_err *err, int failed)
{
	switch (err->code) {
	case IMG_E_INCOMPLETE:
		return CMD_INCOMPLETE;
	case IMG_E_KEY:
		return CMD_NO_KEY;
	case IMG_E_UNSUPPORTED:
		return CMD_UNSUPPORTED;
	default:
		return failed;
	}
}

bool exit_close_stdout(struct img_err *err)
{
	const bool failed_before = ferror(stdout);

	/* It is open even where the program was run without any (streams.h), and takes nothing there. */
	if (fclose(stdout))
		return img_fail_os(err, _("cannot write to standard output"));
	return !failed_before ||
	       img_fail(err, IMG_E_IO, _("not everything could be written to standard output"));
}
