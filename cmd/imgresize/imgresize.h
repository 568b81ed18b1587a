/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of imgresize know of each other. */
#ifndef CMD_IMGRESIZE_H
#define CMD_IMGRESIZE_H

#include "common/progress.h"
#include "common/source.h"
#include "guest/table.h"

enum wish_kind { WISH_ABSOLUTE, WISH_MORE, WISH_LESS, WISH_TO_LAST_PARTITION };

/* The size that is asked for; amount: bytes. */
struct wish {
	enum wish_kind kind;
	uint64_t amount;
};

/* What the command line says. */
struct request {
	const char *path;
	struct wish wish;
	enum img_preallocation preallocation;
	unsigned grow;			/* number of the partition that is to grow; 0: none */
	bool shrink, compact, force, dry_run;
};

/* All options. */
struct options {
	struct source_options source;
	struct secrets secrets;
	struct request request;
	const char *size;		/* the operand */
	bool quiet;
	struct progress_options progress;
	enum img_style style;
};

/* What users must know although it is done. */
enum remark_kind {
	REMARK_PRIMARY_DAMAGED,
	REMARK_BACKUP_DAMAGED,
	REMARK_TABLE_LEFT,		/* nothing here can change it */
	REMARK_CONTENT_CUT,		/* --force: its end goes; bytes of it */
	REMARK_DATA_CUT,		/* no partition and no file system is known there */
	REMARK_TOO_LARGE,		/* a file system is larger than its partition */
	REMARK_BEYOND,			/* a partition ends behind the end of the disk */
	REMARK_UNREACHABLE,		/* an MBR cannot speak of what lies behind 2 TiB */
	REMARK_NO_ROOM,			/* the partition has all the room there is */
};

struct remark {
	enum remark_kind kind;
	unsigned partition;		/* its number, or 0 */
	uint64_t bytes;			/* what that means depends on the kind */
};

enum { REMARKS_MAX = 64 };

/* What is found out, and what will be done. */
struct plan {
	uint64_t old_size, new_size;	/* bytes of the disk */
	struct table table;
	struct superblock content;	/* of the whole disk, where there is no table */
	uint64_t need;			/* bytes that the disk must keep; 0: not known */
	struct partition last;		/* the last one as it was; number 0: none */
	uint64_t last_len;		/* bytes that it has afterwards */
	bool moves_gpt, mends_gpt;
	struct remark remarks[REMARKS_MAX];
	size_t n_remarks;
};

/* run.c: from opening the image to the report. */
bool resize(const struct cli *cli, const struct options *opt, struct img_err *err) IMG_MUST_CHECK;

/* size.c.  Takes "-5G" out of the command line, in which it would be options; or NULL. */
const char *wish_take_less(int *argc, char **argv);
bool wish_parse(const char *text, struct wish *out, struct img_err *err) IMG_MUST_CHECK;
/* The size in bytes, in whole sectors of the plan's table. */
bool wish_size(const struct wish *wish, const struct plan *plan, uint64_t *size,
	       struct img_err *err) IMG_MUST_CHECK;

/*
 * plan.c: looks at the disk of im and says what is to be done, or refuses it (IMG_E_DENIED,
 * IMG_E_ARGUMENT).  sk is of im.  job: to be cancelled.
 */
bool plan_make(const struct request *request, struct img *im, struct sketch *sk,
	       const struct img_job *job, struct plan *plan, struct img_err *err) IMG_MUST_CHECK;
void plan_free(struct plan *plan);
void plan_remark(struct plan *plan, enum remark_kind kind, unsigned partition, uint64_t bytes);

/* guard.c: refuses what would lose something; remarks on it where --force wants it. */
bool guard(const struct request *request, struct img *im, const struct img_job *job,
	   struct plan *plan, struct img_err *err) IMG_MUST_CHECK;

/*
 * grow.c: the length that the last partition will have; refuses another one.  Then the parts of the
 * table that must change for it.
 */
bool grow_plan(const struct request *request, struct plan *plan, struct img_err *err)
	IMG_MUST_CHECK;
bool grow_apply(const struct plan *plan, struct sketch *sk, struct img_err *err) IMG_MUST_CHECK;

/* apply.c: in the image, which img_finish() then makes final. */
bool plan_apply(const struct request *request, const struct plan *plan, struct img *im,
		struct sketch *sk, const struct img_job *job, struct img_err *err) IMG_MUST_CHECK;

/* tail.c: what is stored in the guest bytes [from, to). */
struct tail {
	bool holds_data;	/* some of it is not zeros */
	uint64_t stored;	/* bytes that the image has space for */
};
bool tail_look(struct img *im, uint64_t from, uint64_t to, const struct img_job *job,
	       struct tail *out, struct img_err *err) IMG_MUST_CHECK;

/* advice.c: what makes a file system as large as its partition, as a command in the guest, or NULL. */
const char *advice_inside(const char *type);
/* The commands that make a copy of another size; the caller frees it.  NULL: memory is out. */
char *advice_copy(const struct request *request, const char *operand,
		  const struct img_format *format);

/* report.c */
bool report(const struct request *request, const struct plan *plan, const struct img_format *format,
	    enum img_style style, struct img_err *err) IMG_MUST_CHECK;
/* sentences.c: in the user's language.  Long enough: sizeof(text of struct img_err). */
void remark_sentence(const struct remark *remark, const struct plan *plan, struct img_err *text);
const char *remark_id(enum remark_kind kind);

#endif
