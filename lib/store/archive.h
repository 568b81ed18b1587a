/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Archives as libarchive reads them, from a store and front to back; see also libimg-archive.h. */
#ifndef IMG_STORE_ARCHIVE_H
#define IMG_STORE_ARCHIVE_H

#include "store/produced.h"

enum img_archive_kind {
	IMG_ARCHIVE_MEMBERS,	/* tar, zip, 7z, iso9660, cpio */
	IMG_ARCHIVE_COMPRESSED,	/* no archive: one file, compressed; its only member */
};

/*
 * Reads what `in` names from its place on.  Its store is the caller's (owns: the archive's, but not on
 * failure).  A 7z needs a store with IMG_STORE_SEEK.  Errors: those of img_archive_open().
 */
struct img_archive *img_archive_read_from(const struct img_pull *in, enum img_archive_kind kind,
					  bool owns, struct img_err *err);
/* The first bytes of the current member, as many as libarchive has at hand: until the next call. */
bool img_archive_peek(struct img_archive *archive, const void **bytes, size_t *len,
		      struct img_err *err) IMG_MUST_CHECK;
/* Reading ends with IMG_E_CANCELLED once *stop is true. */
void img_archive_stop_by(struct img_archive *archive, const _Atomic bool *stop);

/* How a member is called behind the name of its archive in messages; the caller frees it. */
char *img_member_shown_as(const struct img_store *st, const struct img_member *member,
			  struct img_err *err);

#endif
