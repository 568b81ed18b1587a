/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libimg: what is in an archive.  A part of libimg.h.
 *
 * To use a member as a disk needs none of this: struct img_open has `member`.
 */
#ifndef LIBIMG_ARCHIVE_H
#define LIBIMG_ARCHIVE_H

#include "libimg.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* tar, zip, 7z, iso9660 or cpio, with or without a compression around it. */
struct img_archive;

enum img_member_kind { IMG_MEMBER_FILE, IMG_MEMBER_DIRECTORY, IMG_MEMBER_OTHER };

struct img_member {
	uint64_t number;	/* from 1 on, in the order of the archive, whatever kind they are */
	/* As the archive has it: never a path of this machine.  Borrowed until the next call. */
	const char *name;
	enum img_member_kind kind;	/* OTHER: a link, a device ...; it has no bytes of its own */
	uint64_t size;		/* bytes; IMG_SIZE_UNKNOWN: the archive does not say it in front */
	bool encrypted;
	/*
	 * Its bytes are those of the file from `at` on, size of them, as they are, without a checksum:
	 * tar and cpio in a file that is not compressed.
	 */
	bool in_place;
	uint64_t at;
};

/*
 * Of how path, max_size and spooled count.  Close with img_archive_close().
 * Errors: IMG_E_NOT_THIS_FORMAT: that is no archive; IMG_E_UNSUPPORTED: libarchive cannot be loaded;
 * IMG_E_RANGE: it unpacks to more than max_size;
 * and those of reading, as for the functions below: IMG_E_CORRUPT, IMG_E_INCOMPLETE, IMG_E_IO, IMG_E_NOMEM.
 */
struct img_archive *img_archive_open(const struct img_open *how, struct img_err *err);
/* The next member; *end: there is none, and out is untouched. */
bool img_archive_next(struct img_archive *archive, struct img_member *out, bool *end,
		      struct img_err *err) IMG_MUST_CHECK;
/*
 * The next bytes of the member that img_archive_next() gave; *got < len only at its end, which is
 * where a checksum is looked at.  IMG_E_UNSUPPORTED: it is encrypted.
 */
bool img_archive_read(struct img_archive *archive, void *buf, size_t len, size_t *got,
		      struct img_err *err) IMG_MUST_CHECK;
/* Accepts NULL. */
void img_archive_close(struct img_archive *archive);

/*
 * Whether `wanted` means the member: digits are a number; else a name, or a pattern as the shell has
 * ("*" goes over "/").  "./" in front does not count.  Pure.
 */
bool img_member_is(const struct img_member *member, const char *wanted);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
