/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Exit statuses of all commands; imgtools(7) has the same table for users. */
#ifndef CMD_EXIT_H
#define CMD_EXIT_H

#include "libimg.h"

enum {
	CMD_DONE        = 0,	/* or: the same content */
	CMD_FAILED      = 1,	/* or: used wrongly */
	CMD_DIFFERENT   = 1,	/* imgcmp: the contents differ */
	CMD_TROUBLE     = 2,	/* imgcmp: could not compare, or used wrongly */
	CMD_DAMAGED     = 2,	/* imgcheck: an image is damaged */
	CMD_LEAKS       = 3,	/* imgcheck: space is lost, nothing else */
	CMD_INCOMPLETE  = 4,	/* a source does not hold all of its content */
	CMD_NO_KEY      = 5,	/* an image is encrypted, and no key that was given opens it */
	CMD_GUESSED     = 5,	/* imgcheck --salvage: nothing is lost, but some is a guess */
	CMD_REFUSED     = 6,	/* imgcheck --for: a target would refuse an image */
	CMD_UNSUPPORTED = 63,	/* the format cannot do it */
};

/* The status that a failure leads to; failed: for those without one of their own. */
int exit_status(const struct img_err *err, int failed);
/* Closes standard output.  False when something that was printed did not get out. */
bool exit_close_stdout(struct img_err *err) IMG_MUST_CHECK;

#endif
