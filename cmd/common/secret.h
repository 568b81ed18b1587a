/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a command gets the keys of encrypted images from; never from its command line. */
#ifndef CMD_SECRET_H
#define CMD_SECRET_H

#include "common/cli.h"

/* So many keys of one command at most, and so many bytes in each. */
enum { SECRET_MAX_KEYS = 16, SECRET_MAX_BYTES = 8 << 20 };
/* So often somebody may type one in. */
enum { SECRET_TRIES = 3 };

/* The keys of a command; all 0 at first.  Lives beside its options, for secret_clear(). */
struct secrets {
	struct img_secret *v[SECRET_MAX_KEYS];
	struct img_keys keys;	/* all of v, as the library wants them */
	bool given;		/* by an option: nobody is asked */
	const char *files[SECRET_MAX_KEYS];	/* that some of them came from */
	size_t n_files;
};

/*
 * Into a struct secrets: read at once.  Bytes are taken as they are; of standard input ("-") one end of
 * line behind them is not.
 */
cli_set secret_set_file, secret_set_fd, secret_set_env;

/* All of them, for struct img_open; borrowed.  Of NULL: none. */
const struct img_keys *secret_keys(const struct secrets *secrets);
/* Whether one of them came from the file at path, whatever that is called.  Of NULL: no. */
bool secret_is_in_file(const struct secrets *secrets, const char *path);
/* The first, for struct img_create, or NULL.  Of NULL: none. */
const struct img_secret *secret_first(const struct secrets *secrets);
/*
 * Whether there is one more key to try after the failure *why, which was about a key: asks for it where
 * standard input is a terminal and no option gave one.  Of NULL: no.
 */
bool secret_try_again(struct secrets *secrets, const char *path, const struct img_err *why);
/*
 * Makes sure that there is a key for something new at path: asks for it, twice, where none was given.
 * IMG_E_KEY.
 */
bool secret_need_new(struct secrets *secrets, const char *path, struct img_err *err) IMG_MUST_CHECK;
/*
 * A key that nobody knows, where none was given: for images that nobody will open again.  IMG_E_NOMEM,
 * IMG_E_IO.
 */
bool secret_invent(struct secrets *secrets, struct img_err *err) IMG_MUST_CHECK;
/* Wipes them all. */
void secret_clear(struct secrets *secrets);

#define SECRET_ROWS(member) \
	{ 0, "key-file", "FILE", secret_set_file, member, \
	  N_("FILE holds a key of encrypted images (\"-\": standard input); may be repeated") }, \
	{ 0, "key-fd", "N", secret_set_fd, member, \
	  N_("a key is what comes from this open file descriptor") }, \
	{ 0, "key-env", "NAME", secret_set_env, member, \
	  N_("a key is the value of this environment variable") }
/* For a command that may read one encrypted image and make another. */
#define SECRET_NEW_ROWS(member) \
	{ 0, "new-key-file", "FILE", secret_set_file, member, \
	  N_("FILE holds the key of the new image (otherwise the first of the others)") }, \
	{ 0, "new-key-fd", "N", secret_set_fd, member, \
	  N_("the same, from this open file descriptor") }, \
	{ 0, "new-key-env", "NAME", secret_set_env, member, \
	  N_("the same, from this environment variable") }

#endif
