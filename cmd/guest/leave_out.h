/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The option of commands that pass over what the guest does not use. */
#ifndef CMD_GUEST_LEAVE_OUT_H
#define CMD_GUEST_LEAVE_OUT_H

#include "common/cli.h"
#include "guest/free.h"

enum leave_out { LEAVE_OUT_NOTHING, LEAVE_OUT_FREE, LEAVE_OUT_FREE_FORCED };

/* Into an enum leave_out, for a row whose value is "[=force]". */
cli_set leave_out_set;

/*
 * Finds what the guest does not use, and says of which file systems that cannot be told (unless quiet).
 * out: for free_space_clear(), also after a failure.
 */
bool leave_out_find(const struct cli *cli, enum leave_out how, bool quiet, struct img *im,
		    struct free_space *out, struct img_err *err) IMG_MUST_CHECK;
/* The same, and makes holes of it in im. */
bool leave_out_free(const struct cli *cli, enum leave_out how, bool quiet, struct img *im,
		    struct free_space *out, struct img_err *err) IMG_MUST_CHECK;

#endif
