/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of imgconv know of each other. */
#ifndef CMD_IMGCONV_H
#define CMD_IMGCONV_H

#include "common/progress.h"
#include "common/source.h"
#include "common/target.h"
#include "guest/leave_out.h"

struct report_options {
	bool wanted;
	enum img_style style;
	const char *path;	/* of the file that it goes to, or NULL */
};

static inline bool report_is_wanted(const struct report_options *report)
{
	return report->wanted || report->path;
}

/* Guest bytes that alone are copied; len 0: all. */
struct copy_range {
	uint64_t at, len;
};

struct options {
	struct source_options source;
	struct secrets secrets, new_secrets;	/* of the source; of the target */
	struct target_options target;
	enum img_cache cache;
	enum leave_out free;
	bool compress, in_place, reads_as_zero, salvage, quiet, with_snapshots, skip_same;
	bool tar;		/* the target is an archive of several images */
	bool itself, undo, dry_run;	/* --in-place: the source becomes the target */
	uint64_t sparse;	/* bytes that must be zeros to be left out; 0: do not look */
	uint64_t rate;		/* bytes a second; 0: no limit */
	struct copy_range range;
	unsigned threads;	/* 0: all cores */
	const char *digest;	/* or NULL */
	const char *filter;	/* that the target's file goes through, or NULL */
	struct progress_options progress;
	struct report_options report;
};

/* Lost extents of a salvage, collected for the report. */
struct losses {
	struct img_extent *extents;
	size_t n, cap;
	bool failed;		/* memory was out */
};

extern const struct cli imgconv_cli;

/* The new image for src, at path or as the member of that name in bundle, which may be NULL. */
struct img *target_create(const struct options *opt, const struct img_format *format,
			  const char *path, struct img_bundle *bundle, struct img *src,
			  struct img_err *err);
/* Copies names[0] into the new image names[1], the next member of bundle if that is not NULL. */
bool convert(const struct options *opt, const struct img_format *format, char *const names[2],
	     struct img_bundle *bundle, int *status, struct img_err *err) IMG_MUST_CHECK;
/* Whether they are two files, by name; the lock would refuse one, too, but blame somebody else. */
bool check_names(const struct options *opt, const char *source, const char *target, struct img_err *err)
	IMG_MUST_CHECK;
/* Makes an archive called names[n - 1] of all others. */
bool convert_to_tar(const struct options *opt, const struct img_format *format, char *const *names,
		    int n, struct img_err *err) IMG_MUST_CHECK;
/* Whether the options go together with that. */
bool check_tar(const struct options *opt, struct img_err *err) IMG_MUST_CHECK;
/* Makes names[0] an image of another format; names[1], or NULL, is its new name. */
bool convert_itself(const struct options *opt, const struct img_format *format, char *const names[2],
		    struct img_err *err) IMG_MUST_CHECK;
/* Whether the options go together with that. */
bool check_itself(const struct options *opt, struct img_err *err) IMG_MUST_CHECK;
/* Whether the operands and the other options go together with --skip-same. */
bool same_check_usage(const struct options *opt, char *const names[2], struct img_err *err)
	IMG_MUST_CHECK;
/*
 * Whether path is an image of that format, and whole, that holds the disk of src.  stats: the size and, if it
 * was asked for, the digest.
 */
bool same_is_there(const struct options *opt, const struct img_format *format, const char *path,
		   struct img *src, struct img_copy_stats *stats);
/* Whether the other options go together with --range. */
bool range_check_usage(const struct options *opt, const char *source, struct img_err *err)
	IMG_MUST_CHECK;
/* Into a struct copy_range: "START+LENGTH", sizes. */
cli_set range_set;
/* Ends the program when options contradict --with-snapshots. */
void replicate_check_usage(const struct options *opt, const struct img_format *format);
/* The source with its snapshots into the target, both by name. */
bool replicate(const struct options *opt, char *const names[2], struct img_err *err) IMG_MUST_CHECK;
/* img_copy's lost callback; ctx is a struct losses. */
void losses_add(void *ctx, const struct img_extent *extent);

struct outcome {
	const char *source, *target;
	const char *source_format, *target_format;
	const struct options *opt;
	const struct img_copy_stats *stats;
	const struct losses *losses;
	const struct free_space *free;
	const struct img_in_place_stats *in_place;	/* of what was not copied; else NULL */
	bool skipped;		/* the target held the disk already */
};

/*
 * Writes the report to the file that it is for or else to standard output, or to standard error when
 * that is the target.
 */
bool report_write(const struct outcome *out, struct img_err *err) IMG_MUST_CHECK;
/* Whether it goes to no file that an operand or a key is; and to none of im. */
bool report_check_names(const struct options *opt, char *const *names, int n, struct img_err *err)
	IMG_MUST_CHECK;
bool report_check_image(const struct options *opt, const struct img *im, struct img_err *err)
	IMG_MUST_CHECK;

#endif
