/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file in memory that remembers all that was done to it, and when it was synced.  One thread.
 */
#ifndef TESTS_DISK_RECORDER_H
#define TESTS_DISK_RECORDER_H

#include "disk/guest.h"
#include "store/store.h"

enum record_kind {
	/* Of a file: */
	RECORD_WRITE,			/* bytes; NULL: zeros */
	RECORD_RESIZE,			/* to len */
	RECORD_SYNC,
	/* Of the guest: */
	RECORD_BEGIN, RECORD_END,	/* of req */
	RECORD_FLUSHED,
};

struct record {
	enum record_kind kind;
	unsigned file;
	uint64_t at, len;
	/* The whole sectors that [at, at + len) touches, as they stand in the file then. */
	uint8_t *bytes;
	struct request req;
};

/* The history of some files and of the disk that they hold. */
struct history {
	struct record *v;
	size_t n, room;
};

void history_guest(struct history *history, enum record_kind kind, const struct request *req);
void history_clear(struct history *history);

struct recorder {
	struct history *history;	/* NULL: nothing is remembered */
	unsigned file;			/* its number in the history */
	uint8_t *bytes;
	uint64_t len, room;
};

/* A file that starts with content, which is copied.  history may be NULL. */
void recorder_init(struct recorder *rec, struct history *history, unsigned file,
		   const uint8_t *content, uint64_t len);
void recorder_free(struct recorder *rec);
/* The file, to be opened; rec outlives the store. */
struct img_store *recorder_store(struct recorder *rec);

#endif
