/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libimg: finding, repairing and undoing.  A part of libimg.h, which programs include. */
#ifndef LIBIMG_CHECK_H
#define LIBIMG_CHECK_H

#include "libimg.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* ---- Checking -------------------------------------------------------------------------------- */

enum img_severity {
	IMG_NOTE,	/* legal, but worth knowing */
	IMG_LEAK,	/* space of the file is lost, nothing else */
	IMG_CORRUPT,	/* the image contradicts itself or its specification, or misses bytes */
	IMG_FATAL,	/* so badly that the rest could not be looked at */
};

/* What can be found: a constant of the format. */
struct img_finding_kind {
	const char *id;			/* stable: "qcow2.refcount.leak" */
	enum img_severity severity;
	const char *text;		/* what it means: an English phrase, to be translated */
};

#define IMG_NOWHERE UINT64_MAX

struct img_finding {
	const struct img_finding_kind *kind;
	uint64_t n;			/* so many neighbours alike: entries of a table, or clusters */
	/* Of the first of them; IMG_NOWHERE: there is nothing to say. */
	uint64_t host;			/* in the file: of the entry, or of the cluster */
	uint64_t guest;			/* on the disk */
	uint64_t expected, found;
	char *detail;			/* more about it, in the user's language, or NULL */
};

struct img_check {
	const char *path;
	const char *format;		/* NULL: probe */
	unsigned flags;			/* IMG_OPEN_FORCE_SHARE, _NO_BACKING, _NO_LOCK */
	const struct img_gate *gate;	/* NULL: img_gate_deny */
	const char *parent;	/* as in struct img_open; that it cannot be used is a failure */
	bool data;			/* read all that the file holds, and decode it */
	const struct img_keys *keys;	/* for that alone; NULL: none */
	const char *header;		/* as in struct img_open; a repair is that of its own file */
	const char *member;		/* as in struct img_open, as is max_size */
	uint64_t max_size;
	void (*spooled)(void *ctx, const char *text);	/* as in struct img_open */
	void *spooled_ctx;
	struct img_unpacked *unpacked;	/* gets what cannot be had again; NULL: nobody wants it */
	unsigned threads;		/* 0: one for each core */
	uint64_t memory;		/* bytes for counting at most; 0: IMG_CHECK_MEMORY */
	size_t most;			/* findings of each kind that are listed; 0: IMG_CHECK_MOST */
};

#define IMG_CHECK_MEMORY (UINT64_C(256) << 20)
#define IMG_CHECK_MOST 1000

struct img_finding_count {
	const struct img_finding_kind *kind;
	uint64_t n;			/* entries and clusters, listed or not */
};

struct img_check_result {
	const struct img_format *format;
	/* Owned.  In the order of the file for each kind; listed or not, they count below. */
	struct img_finding *findings;
	size_t n_findings;
	struct img_finding_count *counts;	/* of each kind that was found; owned */
	size_t n_counts;
	uint64_t totals[IMG_FATAL + 1];	/* by severity: entries and clusters */
	/* Units of the format, e.g. clusters; IMG_NOWHERE: it has nothing of the kind. */
	uint64_t total, allocated, compressed, fragmented;
	uint64_t image_end;		/* in the file: where what the image uses ends */
	/* The file is no image, but a part of one that another file describes: what it holds.  Or NULL. */
	const char *part;
};

/*
 * Looks for everything that is wrong with an image, and writes nothing.  A broken image is no
 * failure: what is wrong with it is the result, which img_check_clear() frees.  Only the top layer
 * is looked at; that those below can be opened is found out, too, unless IMG_OPEN_NO_BACKING is set.
 * Errors: IMG_E_UNSUPPORTED (nothing can be checked in this format, or a feature of the image is
 * unknown), IMG_E_IO, IMG_E_NOMEM, IMG_E_DENIED, IMG_E_BUSY, IMG_E_CANCELLED.
 */
bool img_check_run(const struct img_check *what, const struct img_job *job,
		   struct img_check_result *result, struct img_err *err) IMG_MUST_CHECK;
void img_check_clear(struct img_check_result *result);

enum img_repair_level {
	IMG_REPAIR_LEAKS,	/* lost space of an image that is right in all else */
	IMG_REPAIR_ALL,
};

struct img_repair {
	struct img_check check;		/* the image, and how it is checked; memory counts for both */
	enum img_repair_level level;
	bool plan;			/* only find out what would be repaired; nothing is written */
	const char *undo_path;		/* of the undo file, a new one; NULL: without */
	/*
	 * The same for another file that the image is made of, at path, in *undo_path, which the
	 * library frees: called when that file is to be changed.  NULL: without undo files.
	 */
	bool (*name_undo)(void *ctx, const char *path, char **undo_path, struct img_err *err);
	void *name_undo_ctx;
};

struct img_repair_result {
	/* plan: as it would be, as far as the structures of the image go */
	struct img_check_result before, after;
	bool changed;			/* something was, or would be, written */
};

/*
 * Repairs an image in place, with the extents that it names and that are not read-only, as far as
 * that can be done without losing anything that can be read or could be found still.  The repair
 * is made on an overlay first, and must prove there that nothing gets worse.  Before a byte of the
 * image changes what it held is durable in the undo file, which is made only then.  May be cut off
 * at any point and done again.
 * Errors: those of img_check_run(); IMG_E_UNSUPPORTED: nothing can be repaired in this format;
 * IMG_E_ARGUMENT: the undo file is there already.  When something has changed by then the undo file
 * exists and the sentence names it.
 */
bool img_repair_run(const struct img_repair *what, const struct img_job *job,
		    struct img_repair_result *result, struct img_err *err) IMG_MUST_CHECK;
void img_repair_clear(struct img_repair_result *result);
/*
 * Brings the image at path back to what it was before the repair that wrote the undo file.
 * Errors: IMG_E_ARGUMENT (another image), IMG_E_CORRUPT, IMG_E_INCOMPLETE, IMG_E_NOT_THIS_FORMAT
 * about the undo file: the image is as it was then; IMG_E_IO, IMG_E_BUSY.
 */
bool img_undo_run(const char *undo_path, const char *path, struct img_err *err) IMG_MUST_CHECK;
/* All that a check of this format can find, NULL behind the last; NULL: it cannot be checked. */
const struct img_finding_kind *const *img_format_findings(const struct img_format *format);

/* "1.0.0" of the library that runs. */
const char *img_version(void);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
