/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libimg: an image is encrypted, decrypted or gets another key in place.  A part of libimg.h. */
#ifndef LIBIMG_RECRYPT_H
#define LIBIMG_RECRYPT_H

#include "libimg.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

enum img_recrypt_kind {
	IMG_RECRYPT_ENCRYPT = 1,	/* raw becomes LUKS; qcow2 gets LUKS inside */
	IMG_RECRYPT_DECRYPT,		/* the way back */
	IMG_RECRYPT_CHANGE,		/* LUKS gets a new header, and with it a new key of the volume */
};

struct img_recrypt {
	const char *path;
	const char *format;		/* NULL: by the first bytes */
	unsigned flags;			/* IMG_OPEN_NO_LOCK */
	enum img_recrypt_kind kind;
	const char *header;		/* a file with the LUKS header; NULL: the image has it */
	const char *journal;		/* where what is done is written down; NULL: beside the image */
	const struct img_keys *keys;	/* of the image; to go on: also of what it is to become */
	/* Opens it afterwards; NULL: the first of keys. */
	const struct img_secret *fresh;
	const char *options;		/* of a new image of format luks, inside others too; or NULL */
	unsigned threads;		/* 0: one for each core */
	bool dry_run;			/* only find out what would be done; needs no key */
};

struct img_recrypt_stats {
	uint64_t guest;			/* bytes of the disk */
	uint64_t before, after;		/* bytes of the file */
	uint64_t extra;			/* bytes of space that are needed meanwhile, at most */
	uint64_t resumed;		/* bytes of the disk that an earlier run had done */
};

/*
 * Does it window by window.  Which of them are done is written down in a file beside the image, and
 * until all are nobody but this function opens the image: its first bytes say that it is half done.
 * Whatever cuts it off, the same call goes on.  What the user has said of the new header counts at
 * the first call alone.  Errors beside those of opening: IMG_E_UNSUPPORTED (the format; not a file),
 * IMG_E_KEY and IMG_E_NOSPACE (for both nothing was changed, or nothing more), IMG_E_ARGUMENT (it is
 * encrypted already, or is not), IMG_E_DENIED (another kind was begun), IMG_E_RANGE, IMG_E_CORRUPT, IMG_E_IO,
 * IMG_E_NOMEM, IMG_E_CANCELLED (the same call goes on).  job may be NULL.
 */
bool img_recrypt(const struct img_recrypt *what, const struct img_job *job,
		 struct img_recrypt_stats *stats, struct img_err *err) IMG_MUST_CHECK;

/* What was begun. */
struct img_recrypt_pending {
	enum img_recrypt_kind kind;
	uint64_t done, total;		/* bytes of the disk */
};

/*
 * Whether the image at path was left half done, and how far it is; *found is false: it was not.  journal:
 * as in struct img_recrypt.
 */
bool img_recrypt_look(const char *path, const char *journal, struct img_recrypt_pending *out, bool *found,
		      struct img_err *err) IMG_MUST_CHECK;

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
