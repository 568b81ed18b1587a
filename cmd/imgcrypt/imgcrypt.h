/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of imgcrypt share: a verb is a function here, and a row of the table in imgcrypt.c. */
#ifndef IMGCRYPT_IMGCRYPT_H
#define IMGCRYPT_IMGCRYPT_H

#include "common/progress.h"
#include "common/secret.h"
#include "common/source.h"
#include "common/target.h"

/* The options of all verbs; which belong to which says usage.c. */
struct options {
	struct source_options source;
	struct secrets secrets;		/* that open the image */
	struct secrets fresh;		/* the first is the new one of whoever takes one */
	struct target_options target;	/* encrypt, decrypt: what is made */
	struct progress_options progress;
	uint32_t slot;			/* IMG_KEY_ANY_SLOT: nobody said it */
	const char *pbkdf, *hash;	/* NULL: the default */
	unsigned iter_time, iterations, threads;	/* ms; 0: the default */
	uint64_t memory;		/* bytes; 0: the default */
	bool force, quiet;
	bool in_place, dry_run;
	const char *journal;		/* of --in-place; NULL: beside the image */
	enum img_style style;
};

extern const struct cli imgcrypt_cli;

/* Does what the verb says to names[0], the image; the other operands, or NULL, stand behind it. */
typedef bool crypt_verb(struct options *opt, char *const *names, struct img_err *err);

/* usage.c: whether all options that were given belong to the verb.  IMG_E_ARGUMENT. */
bool crypt_check_usage(const struct options *opt, const char *verb, struct img_err *err)
	IMG_MUST_CHECK;

/* keys.c: how the image is opened for its header, and the header; flags: IMG_OPEN_WRITE or 0. */
struct img_open crypt_how(const struct options *opt, const char *path, unsigned flags);
struct img_key_header *crypt_open(const struct options *opt, const char *path, unsigned flags,
				  struct img_err *err);

/* in_place.c: of an image that was left half done. */
bool crypt_report_pending(const struct options *opt, const char *name,
			  const struct img_recrypt_pending *pending, struct img_err *err)
	IMG_MUST_CHECK;

crypt_verb crypt_encrypt, crypt_decrypt;				/* copy.c */
crypt_verb crypt_encrypt_in_place, crypt_decrypt_in_place, crypt_reencrypt;	/* in_place.c */
crypt_verb crypt_list;						/* list.c */
crypt_verb crypt_test, crypt_add, crypt_remove, crypt_change;	/* keys.c */
crypt_verb crypt_backup, crypt_restore, crypt_erase;		/* header.c */

#endif
