/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgcheck --salvage: what can be had of a damaged image, as a new image. */
#ifndef CMD_IMGCHECK_SALVAGE_H
#define CMD_IMGCHECK_SALVAGE_H

#include "common/progress.h"
#include "common/source.h"

struct salvage_options {
	bool wanted;
	const char *target, *target_format;	/* NULL: not given */
	const char *map;			/* name of a file, or NULL */
	uint64_t size;				/* of the disk, if it is known; or 0 */
};

/* What the rest of the command line says to it. */
struct salvage_job {
	const struct cli *cli;
	const struct salvage_options *how;
	struct source_options source;
	struct progress_options progress;
	unsigned threads;
	uint64_t memory;		/* bytes for counting at most; 0: the default */
	bool quiet;
	enum img_style style;
};

enum piece_kind { PIECE_CERTAIN, PIECE_GUESSED, PIECE_LOST, PIECE_KINDS };

/* A stretch of the disk. */
struct piece {
	uint64_t start, len;
	enum piece_kind kind;
	const char *why;		/* lost: a static English phrase; else NULL */
};

/* All of the disk, in order. */
struct pieces {
	struct piece *v;		/* owned */
	size_t n, cap;
	bool failed;			/* memory is out */
};

struct salvage_outcome {
	const char *source, *target;
	const char *source_format, *target_format;
	struct img_salvage told;
	struct pieces pieces;
	uint64_t bytes[PIECE_KINDS];
};

/* salvage.c: the whole work; *status is the exit status. */
bool salvage(const struct salvage_job *job, const char *path, int *status, struct img_err *err)
	IMG_MUST_CHECK;

/* salvage_map.c */
/* Appends, or lengthens the last one. */
void pieces_add(struct pieces *to, const struct piece *one);
/* All that im, which is open, says of itself; what was lost in the copy is lost. */
bool salvage_look(struct img *im, const struct pieces *lost, struct salvage_outcome *out,
		  struct img_err *err) IMG_MUST_CHECK;

/* salvage_report.c */
/* On standard output. */
bool salvage_print(const struct salvage_outcome *out, enum img_style style, struct img_err *err)
	IMG_MUST_CHECK;
/* The map alone, as JSON, into a new file; it replaces another one of that name. */
bool salvage_write_map(const struct salvage_outcome *out, const char *path, struct img_err *err)
	IMG_MUST_CHECK;

#endif
