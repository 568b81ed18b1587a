/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a command may write: never to a file that it reads, whatever that is called there, and never two
 * things to one.  All of it is asked before the first byte is written; errors are IMG_E_ARGUMENT.
 */
#ifndef CMD_PLACE_H
#define CMD_PLACE_H

#include "common/secret.h"

/* ---- A new image, or an archive of some ---------------------------------------------------------- */

/*
 * Whether an image may be made of source at target, by these names ("-": a pipe) and those of the files that
 * keys came from; either of the secrets may be NULL.
 */
bool place_check_names(const char *source, const char *target, const struct secrets *secrets,
		       const struct secrets *more, struct img_err *err) IMG_MUST_CHECK;
/* Whether target is none of the files of src, which is open; src may be NULL. */
bool place_check_source(const struct img *src, const char *target, struct img_err *err) IMG_MUST_CHECK;
/* Whether target is not the file at path, which is only read; path may be NULL. */
bool place_check_read(const char *path, const char *target, struct img_err *err) IMG_MUST_CHECK;

/* ---- What an option has written beside the images ------------------------------------------------ */

struct aside {
	const char *option;	/* without its dashes */
	const char *path;	/* NULL: it was not given */
};

/* Whether it goes to another file than the operand other ("-": a pipe; NULL: there is none). */
bool aside_check_operand(const struct aside *aside, const char *other, struct img_err *err) IMG_MUST_CHECK;
/* Whether no key came from there; secrets may be NULL. */
bool aside_check_keys(const struct aside *aside, const struct secrets *secrets, struct img_err *err)
	IMG_MUST_CHECK;
/* Whether it is none of the files of im, opened or new. */
bool aside_check_image(const struct aside *aside, const struct img *im, struct img_err *err)
	IMG_MUST_CHECK;

#endif
