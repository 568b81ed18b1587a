/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the free space of one file system is read; one file for each kind. */
#ifndef CMD_GUEST_FREE_READERS_H
#define CMD_GUEST_FREE_READERS_H

#include "guest/free.h"

/* Where a file system is asked for, and what it answered. */
struct free_place {
	struct img *im;
	uint64_t start, len;		/* bytes of the disk */
	bool force;
	struct free_space *space;	/* what is free is added here, in rising order */
	const char *why;		/* set: it cannot be told, and what was added goes again */
	bool forced;			/* set: it would not have been told without force */
	struct img_err *err;		/* of what ends the whole search */
	bool failed;			/* set: err is */
};

/* Each returns false for what ends the whole search: memory, a read that the system refused. */
typedef bool free_reader(struct free_place *place, struct img_err *err);
free_reader free_read_btrfs, free_read_ext, free_read_fat, free_read_ntfs, free_read_swap,
	free_read_xfs;

/* The bytes [at, at + len) of the file system, which are inside of it, are free. */
bool free_place_add(struct free_place *place, uint64_t at, uint64_t len, struct img_err *err)
	IMG_MUST_CHECK;
/* Bytes of the file system.  What the image has lost sets why, and so does what is behind its end. */
bool free_place_read(struct free_place *place, uint64_t at, void *buf, size_t len,
		     struct img_err *err) IMG_MUST_CHECK;
/*
 * The same for readers that go on only while all is certain: false when there is nothing more to do,
 * and place knows why.  Such a reader returns !place->failed.
 */
bool free_place_get(struct free_place *place, uint64_t at, void *buf, size_t len);
bool free_place_put(struct free_place *place, uint64_t at, uint64_t len);
bool free_place_doubt(struct free_place *place, const char *why);
/* Room for one more behind the n in v, as reallocarray(); *cap is how many have room. */
void *free_grow(void *v, size_t n, size_t *cap, size_t size);
/* Of spans, for qsort(). */
int free_by_start(const void *a, const void *b);
/* Memory is out. */
bool free_place_starved(struct free_place *place);
/* Memory for n things of that size, all zero; NULL as above. */
void *free_place_room(struct free_place *place, size_t n, size_t size);
/* It may have changed since its tables were written: true when they count all the same. */
bool free_place_forced(struct free_place *place, const char *why);

#endif
