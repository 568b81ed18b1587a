/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of a change of the encryption in place know of each other. */
#ifndef IMG_COPY_RECRYPT_H
#define IMG_COPY_RECRYPT_H

#include "cipher/luks.h"
#include "format/luks_options.h"
#include "format/recrypt.h"
#include "image/image.h"
#include "store/beside.h"

/* Where in [from, to) of the file the disk lies. */
struct img_recrypt_map {
	uint64_t from, to;		/* both 0: of nothing yet */
	uint64_t *guest;		/* for each unit; none: UINT64_MAX; owned */
};

struct img_recrypt_run {
	const struct img_recrypt *what;
	const struct img_job *job;	/* or NULL */
	struct img_recrypt_stats *stats;
	struct img_store *file;		/* owned; locked */
	bool device;			/* it keeps its size, and is no place to have a file beside */
	struct img_store *header;	/* owned; NULL: the LUKS header is in the file */
	struct img_beside *header_name;	/* of one that is new; owned */
	struct img_beside *beside;	/* the name of journal; owned */
	struct img_store *journal;	/* owned */
	struct img_recrypt_header hdr;
	struct img_luks_volume old, fresh;	/* before, afterwards; no cipher: in clear */
	struct img_settings *settings;	/* of the header to come; owned */
	struct img_luks_wish wish;	/* the same, but for where the disk begins, and the key */
	uint64_t next;			/* window to be worked on */
	bool kept;			/* it lies in the journal already */
	/* Of an image whose disk is a part of the file, hdr.inside: */
	const struct img_format *format;
	struct img_recrypt_seen seen;	/* before */
	struct img_recrypt_mark mark;
	struct img_layer view;		/* the file as what it was before; for reading */
	struct img_recrypt_map map;
	uint64_t packed;		/* entries for compressed units, which become plain first */
};

/* Bytes of the disk, at their place in the file, or in the disk if that is all of it. */
struct img_recrypt_part {
	uint64_t at, len;
	uint64_t iv;			/* where they lie for the old cipher */
};

/* Where the LUKS header of before is, unless it is inside an image. */
static inline struct img_store *img_recrypt_key_store(const struct img_recrypt_run *run)
{
	return run->header ? run->header : run->file;
}

/* ---- recrypt_plan.c ------------------------------------------------------------------------------ */

/*
 * What is to be done of run->file, into run->hdr and stats; run->old of what is encrypted, opened with a
 * key unless this is a dry run.  May be called again for what is in clear.
 */
bool img_recrypt_plan(struct img_recrypt_run *run, struct img_err *err) IMG_MUST_CHECK;

/* ---- recrypt_begin.c ----------------------------------------------------------------------------- */

/* Makes the journal, and what needs to be there for it; nothing of the file is changed. */
bool img_recrypt_begin(struct img_recrypt_run *run, struct img_err *err) IMG_MUST_CHECK;
/*
 * Takes away what lies beside the image and says nothing, as it was not finished, or is wiped.  One of
 * another file is not ours to remove; under a name of the user's, nothing but what we began.
 */
bool img_recrypt_drop_stale(const struct img_recrypt *what, struct img_err *err) IMG_MUST_CHECK;
/* Opens the headers in the journal that was found, which is taken over, and finds the next window. */
bool img_recrypt_go_on(struct img_recrypt_run *run, struct img_recrypt_found *found,
		       struct img_err *err) IMG_MUST_CHECK;

/* ---- recrypt_apart.c: the LUKS header is a file of its own ---------------------------------------- */

/* Opens run->header, which is there. */
bool img_recrypt_apart_open(struct img_recrypt_run *run, struct img_err *err) IMG_MUST_CHECK;
/* The same before anything was begun: what is to be encrypted gets a new file; durable. */
bool img_recrypt_apart_begin(struct img_recrypt_run *run, struct img_err *err) IMG_MUST_CHECK;
/* From then on it is no header for anybody else. */
bool img_recrypt_apart_mark(struct img_recrypt_run *run, struct img_err *err) IMG_MUST_CHECK;
/* That it is the one that run->journal was begun with.  IMG_E_ARGUMENT. */
bool img_recrypt_apart_check(const struct img_recrypt_run *run, struct img_err *err) IMG_MUST_CHECK;
/* The new header out of the journal, but for its first RECRYPT_BLOCK bytes. */
bool img_recrypt_put_header(struct img_recrypt_run *run, struct img_store *to, struct img_err *err)
	IMG_MUST_CHECK;
/* All windows are done: it is the new header, or nothing. */
bool img_recrypt_apart_end(struct img_recrypt_run *run, struct img_err *err) IMG_MUST_CHECK;

/* ---- recrypt_inside.c: images whose disk is a part of the file ------------------------------------ */

/* What run->file, of run->format, is, and what is to be done; the rest as img_recrypt_plan(). */
bool img_recrypt_plan_inside(struct img_recrypt_run *run, struct img_err *err) IMG_MUST_CHECK;
/* Behind that: the key of what is encrypted, which is the right one. */
bool img_recrypt_unlock_inside(struct img_recrypt_run *run, struct img_err *err) IMG_MUST_CHECK;
/* The same, for the one that goes on. */
bool img_recrypt_unlock_again(struct img_recrypt_run *run, struct img_err *err) IMG_MUST_CHECK;
/* Space for all that is to be enciphered. */
bool img_recrypt_reserve_inside(struct img_recrypt_run *run, struct img_err *err) IMG_MUST_CHECK;
/* From then on the file is no image for anybody else. */
bool img_recrypt_mark_inside(struct img_recrypt_run *run, struct img_err *err) IMG_MUST_CHECK;
/* Shows the file, which is marked, in run->view. */
bool img_recrypt_view(struct img_recrypt_run *run, struct img_err *err) IMG_MUST_CHECK;
/* All windows are done: the file is an image again. */
bool img_recrypt_publish(struct img_recrypt_run *run, struct img_err *err) IMG_MUST_CHECK;

/*
 * The image, open for writing, and with marked as what it was before; what is written gets into run->file
 * with a commit of c->once.  To be ended even on failure.
 */
struct img_recrypt_changing {
	struct img_recrypt_run *run;
	struct img_at_once *once;
	struct img_layer ly;
};
bool img_recrypt_change_begin(struct img_recrypt_changing *c, struct img_recrypt_run *run, bool marked,
			      struct img_err *err) IMG_MUST_CHECK;
void img_recrypt_change_end(struct img_recrypt_changing *c);

/* ---- recrypt_unpack.c ---------------------------------------------------------------------------- */

/* Bytes of space that all run->packed take, at most; *growth: what the file grows by. */
uint64_t img_recrypt_unpack_room(const struct img_recrypt_run *run, uint64_t *growth);
/*
 * Makes plain units of all that are compressed.  At each moment the image is one for everybody, in clear;
 * if it is cut off, the next run finds what is left.
 */
bool img_recrypt_unpack(struct img_recrypt_run *run, struct img_err *err) IMG_MUST_CHECK;

/* ---- recrypt_map.c -------------------------------------------------------------------------------- */

/* Makes run->map one of all the window [from, to). */
bool img_recrypt_map_load(struct img_recrypt_run *run, uint64_t from, uint64_t to, struct img_err *err)
	IMG_MUST_CHECK;
/* The tables are others now. */
void img_recrypt_map_drop(struct img_recrypt_run *run);
/*
 * The first part at or behind `at` that changes, up to limit, which both are in the map, or the disk if
 * that is all of the file; len 0: there is none.
 */
void img_recrypt_next_part(const struct img_recrypt_run *run, uint64_t at, uint64_t limit,
			   struct img_recrypt_part *out);
/* Calls call for all parts of the file. */
bool img_recrypt_each_part(struct img_recrypt_run *run,
			   bool (*call)(void *ctx, const struct img_recrypt_part *part, struct img_err *err),
			   void *ctx, struct img_err *err) IMG_MUST_CHECK;

/* ---- recrypt_windows.c --------------------------------------------------------------------------- */

/* The first RECRYPT_BLOCK bytes of the disk as they are to be, from where it was. */
bool img_recrypt_first(struct img_recrypt_run *run, uint8_t *raw, struct img_err *err) IMG_MUST_CHECK;
/* That all windows are done; sums: see struct img_recrypt_record, or NULL. */
bool img_recrypt_put_last(struct img_recrypt_run *run, const struct img_recrypt_head *head,
			  struct img_err *err) IMG_MUST_CHECK;
/* Sets run->next and run->kept by what the journal holds. */
bool img_recrypt_resume(struct img_recrypt_run *run, const struct img_recrypt_found *found,
			struct img_err *err) IMG_MUST_CHECK;
/* All windows that are left; durable. */
bool img_recrypt_windows_run(struct img_recrypt_run *run, struct img_err *err) IMG_MUST_CHECK;

/* ---- recrypt_end.c ------------------------------------------------------------------------------- */

/* What stands in front of the disk, its first bytes last; then the journal goes. */
bool img_recrypt_end_run(struct img_recrypt_run *run, struct img_err *err) IMG_MUST_CHECK;
/* Overwrites the journal, which is of no use any more, and takes its name away; durable. */
bool img_recrypt_wipe(struct img_recrypt_run *run, struct img_err *err) IMG_MUST_CHECK;

#endif
