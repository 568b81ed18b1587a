/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of a change of the encryption in place know of each other. */
#ifndef IMG_COPY_RECRYPT_H
#define IMG_COPY_RECRYPT_H

#include "cipher/luks.h"
#include "format/luks_options.h"
#include "image/image.h"
#include "store/beside.h"

struct img_recrypt_run {
	const struct img_recrypt *what;
	const struct img_job *job;	/* or NULL */
	struct img_recrypt_stats *stats;
	struct img_store *file;		/* owned; locked */
	struct img_beside *beside;	/* the name of journal; owned */
	struct img_store *journal;	/* owned */
	struct img_recrypt_header hdr;
	struct img_luks_volume old, fresh;	/* before, afterwards; no cipher: in clear */
	struct img_settings *settings;	/* of the header to come; owned */
	struct img_luks_wish wish;	/* the same, but for where the disk begins, and the key */
	uint64_t next;			/* window to be worked on */
	bool kept;			/* it lies in the journal already */
};

/* ---- recrypt_plan.c ------------------------------------------------------------------------------ */

/*
 * What is to be done of run->file, into run->hdr and stats; run->old of what is encrypted, opened with a
 * key unless this is a dry run.
 */
bool img_recrypt_plan(struct img_recrypt_run *run, struct img_err *err) IMG_MUST_CHECK;

/* ---- recrypt_begin.c ----------------------------------------------------------------------------- */

/* Makes the journal, and what needs to be there for it; nothing of the file is changed. */
bool img_recrypt_begin(struct img_recrypt_run *run, struct img_err *err) IMG_MUST_CHECK;
/*
 * Takes away what lies beside the image at path and says nothing, as it was not finished, or is wiped.  One
 * of another file is not ours to remove.
 */
bool img_recrypt_drop_stale(const char *path, struct img_err *err) IMG_MUST_CHECK;
/* Opens the headers in the journal that was found, which is taken over, and finds the next window. */
bool img_recrypt_go_on(struct img_recrypt_run *run, struct img_recrypt_found *found,
		       struct img_err *err) IMG_MUST_CHECK;

/* ---- recrypt_windows.c --------------------------------------------------------------------------- */

/* The first RECRYPT_BLOCK bytes of the disk as they are to be, from where it was. */
bool img_recrypt_first(struct img_recrypt_run *run, uint8_t *raw, struct img_err *err) IMG_MUST_CHECK;
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
