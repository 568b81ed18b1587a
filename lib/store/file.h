/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A store over a file or block device.  What the parts of it share: opening (file.c), direct I/O,
 * zeroing, extents, cloning, space set aside ahead, locks, and new files that have no name yet.
 */
#ifndef IMG_STORE_FILE_H
#define IMG_STORE_FILE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>
#include "store/store.h"

/* Direct I/O (O_DIRECT) wants whole blocks, files have any size. */
struct img_direct {
	pthread_mutex_t lock;	/* guards all below, and blocks that a write covers in part */
	uint8_t *block;		/* st.align bytes: such a block; NULL: no direct I/O */
	uint64_t end;		/* size of the file, writes under way counted in */
};

struct img_ahead {
	pthread_mutex_t lock;	/* guards what is not atomic; one thread sets aside */
	_Atomic uint64_t end;	/* space is set aside up to here; UINT64_MAX: do not try */
	uint64_t space;		/* the same, but kept when there are no more tries */
	uint64_t run;		/* where the writes that rise without a hole began */
	uint64_t reached;	/* all runs that were told end below this */
};

struct img_known_data {
	pthread_mutex_t lock;	/* guards all below */
	uint64_t start, end;	/* of the file; equal: nothing is known */
};

struct img_new_name;

struct img_file {
	struct img_store st;
	int fd;
	bool is_block;
	bool locked;		/* holds locks on fd */
	bool adopted;		/* fd shares its offset with one of the caller's */
	uint64_t block_size;	/* bytes of the block device */
	struct img_direct direct;
	struct img_ahead ahead;
	struct img_known_data data;
	struct img_new_name *new_name;	/* the name to come; NULL: has one, or needs none */
};

extern const struct img_store_ops img_file_ops;

/* st when it is a file, else NULL. */
struct img_file *img_file_of(struct img_store *st);
/*
 * A store over fd, which it closes (in any case: on failure too).  shown_as is copied.  flags:
 * IMG_OPEN_*; takes the locks.  Errors: IMG_E_ARGUMENT (no file and no block device), IMG_E_BUSY,
 * IMG_E_UNSUPPORTED (direct I/O).
 */
struct img_file *img_file_wrap(int fd, const char *shown_as, unsigned flags, enum img_cache cache,
			       struct img_err *err);
/* Flags of open() that a cache mode asks for. */
int img_file_open_flags(enum img_cache cache);
/* Whether the cache mode goes around the page cache. */
bool img_file_is_direct(enum img_cache cache);

/* file-direct.c: all of this is trivial for a file without direct I/O. */
bool img_direct_open(struct img_file *file, struct img_err *err);
void img_direct_close(struct img_file *file);
ssize_t img_direct_read(struct img_file *file, uint64_t at, void *buf, size_t len);
bool img_direct_write(struct img_file *file, uint64_t at, const void *buf, size_t len);
/* To be told before anything else than img_direct_write() makes the file reach to end. */
void img_direct_reaches(struct img_file *file, uint64_t end);
bool img_direct_truncate(struct img_file *file, uint64_t bytes);

/* file-zero.c */
bool img_file_zero(struct img_store *st, uint64_t at, uint64_t len, bool keep_space,
		   struct img_err *err);
bool img_file_preallocate(struct img_store *st, uint64_t at, uint64_t len,
			  enum img_preallocation how, struct img_err *err);

bool img_file_reserve(struct img_store *st, uint64_t at, uint64_t len, struct img_err *err);
/*
 * Whether the file system lets st, where it is a file, become as long as that; nothing changes.
 * IMG_E_IO: it does not.
 */
bool img_file_can_reach(struct img_store *st, uint64_t end, struct img_err *err) IMG_MUST_CHECK;

/* file-extent.c */
bool img_file_extent(struct img_store *st, uint64_t at, uint64_t limit, struct img_extent *out,
		     struct img_err *err);

/* file-copy.c */
bool img_file_copy(struct img_store *st, uint64_t at, struct img_store *from, uint64_t from_at,
		   uint64_t len, uint64_t *done, struct img_err *err);

/* file-ahead.c */
void img_file_expect(struct img_store *st, uint64_t end);
void img_file_expect_run(struct img_store *st, uint64_t at, uint64_t end);
/* How far space is set aside for a new file that is going to reach end. */
uint64_t img_file_ahead_of(uint64_t end);
/* Gives back what was set aside and not used.  Returns false and errno.  No writes meanwhile. */
bool img_file_give_back(struct img_file *file, struct img_err *err);

/* file-lock.c: as the holder of IMG_OPEN_* flags.  File systems without locks go without. */
bool img_file_lock(int fd, unsigned flags, bool *locked, struct img_err *err);
/* IMG_E_BUSY when a writer could not have fd; fd needs no right to read. */
bool img_file_lock_test(int fd, struct img_err *err);
void img_file_unlock(int fd);

/* file-new.c */
bool img_new_name_publish(struct img_file *file, struct img_err *err);
/*
 * The same in steps, for one of several: all that can fail early; the file in its place, and what was there
 * behind the hidden name; that undone; that for good.  (publish.c)
 */
bool img_new_name_prepare(struct img_file *file, struct img_err *err);
bool img_new_name_place(struct img_file *file, struct img_err *err);
void img_new_name_withdraw(struct img_file *file);
bool img_new_name_settle(struct img_file *file, struct img_err *err);
void img_new_name_free(struct img_new_name *name);

#endif
