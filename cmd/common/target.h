/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images that a command makes: their format, and the backing file that they are to stand on. */
#ifndef CMD_TARGET_H
#define CMD_TARGET_H

#include "common/secret.h"

struct target_options {
	const char *format;			/* NULL: the name says it */
	char *options;				/* -o, or NULL */
	char *backing, *backing_format;		/* or NULL; owned after target_settle() */
	struct secrets *secrets;		/* it is encrypted with the first, if it is */
	const struct img_gate *gate;		/* of the backing file: for source_gate() */
};

/*
 * The format of a new image called path.  IMG_E_ARGUMENT when neither the option nor the name says
 * it; flag is the option's letter.
 */
const struct img_format *target_format(const struct target_options *target, const char *path,
				       char flag, struct img_err *err);
/*
 * Moves backing_file and backing_fmt from the option list to where -b and -F put them.  Free the
 * three texts with target_free().  IMG_E_ARGUMENT when something is said twice or half.
 */
bool target_settle(struct target_options *target, struct img_err *err) IMG_MUST_CHECK;
void target_free(struct target_options *target);
/*
 * Opens the backing file of a new image called path; fills in backing_format where it was not
 * said, so that nobody has to guess it again, and *size with the guest bytes.
 */
bool target_look_at_backing(const struct cli *cli, struct target_options *target,
			    const char *path, uint64_t *size, struct img_err *err) IMG_MUST_CHECK;

/*
 * As img_create(), with the first of the keys; that of an image that needs one, where none is there, is
 * asked for.  Keys belong to the image until it is closed.
 */
struct img *target_new(const struct img_create *what, struct secrets *secrets, struct img_err *err);
/*
 * Fills in what the options say of a new image whose path and compressed are set, and looks at its
 * backing file.  whole: nothing may be left out (-S 0), so space is set aside for all of the disk where
 * the format can do that.  For target_unprepare(), also after a failure.
 */
bool target_prepare(const struct cli *cli, const struct target_options *target,
		    const struct img_format *format, bool whole, struct img_create *what,
		    struct img_err *err) IMG_MUST_CHECK;
void target_unprepare(struct img_create *what);

/*
 * What struct img_copy wants to know of runs of zeros this long that are to be left out: a power of
 * two, below or equal; 0: none are.
 */
uint32_t target_zero_grain(uint64_t sparse);
/* A device, or whatever else is no regular file, is never replaced by a file. */
bool target_must_stay(const char *path);

/*
 * When members of an archive were made, in seconds since 1970: SOURCE_DATE_EPOCH, with which builds that
 * can be repeated say it, else 0 if it is to be the same for all, else now.
 */
int64_t target_time(bool same);

/* Owned texts, for target_free(). */
cli_set target_set_text;

#endif
