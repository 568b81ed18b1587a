/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of imgcompress know of each other. */
#ifndef CMD_IMGCOMPRESS_H
#define CMD_IMGCOMPRESS_H

#include "common/progress.h"
#include "common/source.h"
#include "guest/leave_out.h"

struct options {
	struct source_options source;
	struct secrets secrets;	/* of the source */
	const char *format;	/* of the new image; NULL: target_choose() says it */
	char *settings;		/* -o, or NULL; owned */
	const char *codec, *level;	/* as given, or NULL */
	const char *best_of;		/* codecs with commas between them, or NULL */
	enum img_cache cache;
	enum leave_out free;
	bool recode, verify, deterministic, dedup, quiet, in_place, compress, dry_run;
	unsigned threads;	/* 0: all cores */
	struct progress_options progress;
	bool wants_report;
	enum img_style style;
};

extern const struct cli imgcompress_cli;

/* What was done. */
struct outcome {
	const char *source, *target;
	const char *source_format, *target_format;
	const char *best_of;			/* as given, or NULL */
	uint64_t source_bytes, target_bytes;	/* of the files; IMG_SIZE_UNKNOWN: a pipe */
	struct img_copy_stats stats;
	struct free_space unused;		/* owned */
};

/*
 * The format of the new image, which can hold compressed units: that of -O, else what its name (NULL:
 * none is given) says, else that of the source, else qcow2.  NULL with IMG_E_ARGUMENT or
 * IMG_E_UNSUPPORTED: it cannot be that.
 */
const struct img_format *target_choose(const struct options *opt, const struct img_format *source,
				       const char *name, struct img_err *err);
/*
 * The name of the codec in *list, which the format has for it, and its length; *list goes on behind it,
 * and is NULL when there is no more.
 */
const char *target_next_codec(const char **list, size_t *len);
/* A new image for the disk of src at path. */
struct img *target_create(const struct options *opt, const struct img_format *format,
			  const char *path, const struct img *src, struct img_err *err);

/* Whether what is compressed already may differ from what it would be compressed to. */
bool target_recodes(const struct options *opt);

/* The disk of the image names[0], compressed, into the new image names[1]. */
bool compress_copy(const struct options *opt, char *const names[2], struct img_err *err)
	IMG_MUST_CHECK;
/* The image at path becomes its compressed copy. */
bool compress_replace(struct options *opt, const char *path, struct img_err *err) IMG_MUST_CHECK;

/*
 * leftover.c: what the copy of the image at path is called until it is the image, beside it; the caller
 * frees it.  NULL: it cannot be said.
 */
char *leftover_name(const char *path, struct img_err *err);
/* Removes such copies whose processes are gone from this host. */
bool leftover_remove(const struct options *opt, const char *path, struct img_err *err) IMG_MUST_CHECK;

/* Bytes that the file at path takes; a pipe or a device says nothing of the image. */
uint64_t copy_file_bytes(const char *path);
/* The image at path without what is not needed of it; out: what is known so far. */
struct img *copy_open_source(const struct options *opt, const char *path, struct outcome *out,
			     struct img_err *err);
/* Writes the new image out->target of that format. */
bool copy_write(const struct options *opt, const struct img_format *format, struct img *src,
		struct outcome *out, struct img_err *err) IMG_MUST_CHECK;
/* The report, if one is wanted. */
bool copy_report(const struct options *opt, const struct outcome *out, struct img_err *err)
	IMG_MUST_CHECK;

/* in_place.c: the file of the image gets shorter, and its disk stays what it is. */
bool compress_in_place(const struct options *opt, const char *name, struct img_err *err)
	IMG_MUST_CHECK;

/* The same of im, which is open for it. */
bool in_place_compact(const struct options *opt, struct img *im, const struct img_job *job,
		      struct img_compact_stats *stats, struct img_err *err) IMG_MUST_CHECK;

/*
 * twin.c: writes out->target, a compressed copy of the whole image and not of its disk alone.  It must
 * be in the folder of the image, for what that stands on.
 */
bool twin_write(const struct options *opt, struct img *src, struct outcome *out, struct img_err *err)
	IMG_MUST_CHECK;
/* Whether all snapshots of src, the image at path, are the same in its copy. */
bool twin_check(const struct options *opt, struct img *src, const char *path, const char *copy,
		struct img_err *err) IMG_MUST_CHECK;

/* replace.c: whether both show the same disk. */
bool replace_compare(const struct options *opt, struct img *src, struct img *copy,
		     struct img_err *err) IMG_MUST_CHECK;

/* Writes it to standard output, or to standard error when that is the target. */
bool report_write(const struct outcome *out, enum img_style style, struct img_err *err)
	IMG_MUST_CHECK;

#endif
