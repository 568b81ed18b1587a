/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a loss of power leaves of files whose history is known.
 *
 * What was synced is there.  Of the operations since then each may have survived or not, whatever
 * became of the others; of a write that was torn each sector for itself.  A sector is never torn:
 * it holds what one of the operations left in it.  A sync that is under way has promised nothing.
 */
#ifndef TESTS_DISK_POWER_H
#define TESTS_DISK_POWER_H

#include "disk/random.h"
#include "disk/recorder.h"

enum { POWER_FILES = 2 };

/* What survives of the operations since the last sync. */
enum cut_kind {
	CUT_NOTHING_LOST,
	CUT_ALL_LOST,
	CUT_ONE_KEPT,			/* one of the last few */
	CUT_ONE_LOST,
	CUT_SOME_LOST,			/* a random part of the operations */
	CUT_TORN,			/* a random part of the sectors */
	CUT_MIXED,			/* some whole, some torn, some lost */
	N_CUTS,
};

struct power_file {
	uint8_t *base;			/* what is durable; zeros behind its end */
	uint64_t base_len, room;
	size_t synced;			/* operations before this one are in base */
	const uint8_t **over;		/* for each sector: what a cut left in it; NULL: base */
	size_t *changed;		/* the sectors with an entry in over */
	size_t n_changed;
	uint64_t len;			/* of the file after the cut */
};

/* The files at a point of their history. */
struct power {
	const struct history *history;
	size_t at;			/* operations before this one have happened */
	struct power_file files[POWER_FILES];
	size_t n_files;
};

/* starts[i], lens[i]: of each file when its history began. */
void power_init(struct power *power, const struct history *history, size_t n_files,
		uint8_t *const *starts, const uint64_t *lens);
void power_free(struct power *power);
/* The next operation happens; it is returned. */
const struct record *power_step(struct power *power);
/* Cuts the power here; how much is lost is random. */
void power_cut(struct power *power, enum cut_kind kind, struct random *random);
/* A file after the last cut, for reading; until the next step or cut. */
struct img_store *power_store(struct power *power, size_t file);
/* Its bytes; *len of them.  Free with free(). */
uint8_t *power_bytes(const struct power *power, size_t file, uint64_t *len);

#endif
