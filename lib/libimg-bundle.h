/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libimg: a tar archive of new images and small files.  A part of libimg.h. */
#ifndef LIBIMG_BUNDLE_H
#define LIBIMG_BUNDLE_H

#include "libimg.h"
#include "libimg-hash.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/*
 * Members are made one after the other and written where they will stay: nothing is copied, but into
 * standard output, pipes and what is compressed, in front of which a member is a temporary file, and so
 * is what follows a member that is filled later.  A raw image of a known size goes out as it comes.  The
 * format is ustar, with owner 0.
 */
struct img_bundle;

struct img_bundle_new {
	const char *path;	/* "-": standard output */
	enum img_cache cache;
	int64_t time;		/* of all members, in seconds since 1970 */
	const char *hash;	/* of each member ("sha256"), or NULL */
	const char *filter;	/* that compresses the archive as a whole ("xz"), or NULL */
};

/* It gets its name, replacing what was there, in img_bundle_finish(). */
struct img_bundle *img_bundle_create(const struct img_bundle_new *how, struct img_err *err);
/*
 * The next member is a small file.  bytes NULL: len bytes are left free for img_bundle_fill().
 * Errors of all that add members: IMG_E_RANGE (the name is too long for ustar), those of writing.
 */
bool img_bundle_add(struct img_bundle *bundle, const char *name, const void *bytes, size_t len,
		    struct img_err *err) IMG_MUST_CHECK;
/* The bytes of a member, from 0 on, for which img_bundle_add() left room; all of it, once. */
bool img_bundle_fill(struct img_bundle *bundle, size_t member, const void *bytes,
		     struct img_err *err) IMG_MUST_CHECK;
/*
 * The next member is a new image, for img_copy_run() as any other; its path is the name of the member.
 * It has to be finished and closed, and then img_bundle_end() called, before anything else is done with
 * bundle.  With a hash it is hashed on its way, if it can go front to back, and else when it is there.
 * IMG_E_ARGUMENT: its source is made of the file that the archive would replace.
 */
struct img *img_bundle_image(struct img_bundle *bundle, const struct img_create *what,
			     struct img_err *err);
bool img_bundle_end(struct img_bundle *bundle, struct img_err *err) IMG_MUST_CHECK;

struct img_bundle_member {
	const char *name;	/* borrowed */
	uint64_t size;		/* bytes */
	size_t sum_len;		/* bytes of sum; 0: no hash was wanted, or it is not filled */
	uint8_t sum[IMG_HASH_MAX];
};

/* members: counted from 0 on, in the order in which they were added. */
size_t img_bundle_count(const struct img_bundle *bundle);
void img_bundle_member(const struct img_bundle *bundle, size_t member, struct img_bundle_member *out);

bool img_bundle_finish(struct img_bundle *bundle, struct img_err *err) IMG_MUST_CHECK;
/* Accepts NULL.  Without img_bundle_finish() it leaves nothing. */
void img_bundle_close(struct img_bundle *bundle);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
