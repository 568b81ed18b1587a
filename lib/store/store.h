/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes at offsets.  A store knows nothing of disks; a format says what lies where in it.
 * Positional only: no current offset, hence no lock.
 */
#ifndef IMG_STORE_STORE_H
#define IMG_STORE_STORE_H

#include <stdatomic.h>
#include "base/hold.h"
#include "libimg.h"

enum {
	IMG_STORE_WRITE    = 1 << 0,
	IMG_STORE_SEEK     = 1 << 1,	/* without: only the next offset is accepted */
	IMG_STORE_PARALLEL = 1 << 2,	/* several threads at once */
	IMG_STORE_ZERO     = 1 << 3,	/* zero() is cheaper than writing zeros */
	IMG_STORE_EXTENTS  = 1 << 4,	/* extent() finds holes */
	IMG_STORE_RESIZE   = 1 << 5,
	IMG_STORE_FRESH    = 1 << 6,	/* new: what was never written reads as zeros */
	IMG_STORE_COMING   = 1 << 7,	/* behind it is a stream: to ask for the size reads all */
	IMG_STORE_DEVICE   = 1 << 8,	/* of a length of its own: what is behind an image is no leak */
	IMG_STORE_FAR      = 1 << 9,	/* a read waits for another machine; several at once are faster */
};

/*
 * Snapshots that whoever keeps a store has of all of it.  Of the functions of the same names holds what
 * libimg-snapshot.h says.  A change is made, and durable, on return, and has in it all that was written
 * before.  No request is under way.
 */
struct img_store_history {
	/* *out is the caller's, for img_snapshot_list_free(), also on failure. */
	bool (*list)(struct img_store *st, struct img_snapshot **out, size_t *n, struct img_err *err);
	bool (*create)(struct img_store *st, const char *name, struct img_err *err);
	/* keep: the name of a snapshot of what is there now, or NULL.  The store gets the old size. */
	bool (*apply)(struct img_store *st, const char *which, const char *keep, struct img_err *err);
	bool (*remove)(struct img_store *st, const char *which, struct img_err *err);
	bool (*rename)(struct img_store *st, const char *which, const char *name,
		       struct img_err *err);
	/* From now on st, which is not open for writing, is what the snapshot shows. */
	bool (*show)(struct img_store *st, const char *which, struct img_err *err);
	/*
	 * Whether bytes from `at` to *end, at most limit, are known to be what they are in older, which shows
	 * a snapshot.  Always of the same older, by one thread.
	 */
	bool (*same)(struct img_store *st, struct img_store *older, uint64_t at, uint64_t limit,
		     uint64_t *end);
};

/* Bytes that a file system keeps together, for who counts room. */
enum { IMG_FS_BLOCK = 4096 };

struct img_store_ops {
	const char *kind;		/* "file", "pipe", "slice", ... */
	const struct img_store_history *history;	/* NULL: nobody keeps any */
	bool passes_on;			/* errors come named by the store below */
	bool (*size)(struct img_store *st, uint64_t *bytes, struct img_err *err);
	/* Up to len bytes; *got < len only at the end. */
	bool (*read)(struct img_store *st, uint64_t at, void *buf, size_t len, size_t *got,
		     struct img_err *err);
	bool (*peek)(struct img_store *st, void *buf, size_t len, size_t *got,
		     struct img_err *err);	/* NULL: read from 0 */
	bool (*write)(struct img_store *st, uint64_t at, const void *buf, size_t len,
		      struct img_err *err);
	/* As write, but buf may be held.  NULL: it is needed no longer than the call takes */
	bool (*write_held)(struct img_store *st, uint64_t at, const void *buf, size_t len,
			   struct img_hold *hold, struct img_err *err);
	bool (*zero)(struct img_store *st, uint64_t at, uint64_t len, bool keep_space,
		     struct img_err *err);
	bool (*extent)(struct img_store *st, uint64_t at, uint64_t limit, struct img_extent *out,
		       struct img_err *err);
	bool (*resize)(struct img_store *st, uint64_t bytes, struct img_err *err);
	bool (*preallocate)(struct img_store *st, uint64_t at, uint64_t len,
			    enum img_preallocation how, struct img_err *err);
	bool (*reserve)(struct img_store *st, uint64_t at, uint64_t len, struct img_err *err);
	bool (*time)(struct img_store *st, int64_t *seconds, struct img_err *err);
	size_t (*ready)(struct img_store *st, int wait_ms);	/* NULL: never waits */
	void (*expect)(struct img_store *st, uint64_t end);
	void (*expect_run)(struct img_store *st, uint64_t at, uint64_t end);
	void (*forget)(struct img_store *st, uint64_t before);
	bool (*sync)(struct img_store *st, struct img_err *err);
	/* that what was read until now was there; NULL: it cannot go while it is open */
	bool (*confirm)(struct img_store *st, struct img_err *err);
	/* reflink or in-kernel copy; *done = 0: not possible here, move the bytes */
	bool (*copy)(struct img_store *st, uint64_t at, struct img_store *from, uint64_t from_at,
		     uint64_t len, uint64_t *done, struct img_err *err);
	/* gives a new file its name; NULL: it has one */
	bool (*publish)(struct img_store *st, struct img_err *err);
	void (*close)(struct img_store *st);
};

/* What the wrappers were asked for, as in struct img_traffic. */
struct img_store_counts {
	_Atomic uint64_t reads, read_bytes, writes, written_bytes, zeros, zeroed_bytes, syncs;
};

struct img_store {			/* head of every concrete store */
	const struct img_store_ops *ops;
	char *name;			/* as shown to the user; owned */
	unsigned caps;			/* IMG_STORE_* */
	uint32_t align;			/* bytes; 1 unless opened for direct I/O */
	enum img_cache cache;
	struct img_store_counts counts;
	_Atomic int sync_errno;		/* of the first sync that failed; 0: none has */
	unsigned held;			/* by so many besides the owner */
};

/*
 * The wrappers: they check ranges against the size where the store cannot grow, do the fallback
 * for what a store lacks, and name the store in errors.  Read and write move all of len or fail;
 * reading beyond the end is IMG_E_INCOMPLETE.
 * Threads: any number when IMG_STORE_PARALLEL is set, else one.
 */
bool img_store_size(struct img_store *st, uint64_t *bytes, struct img_err *err) IMG_MUST_CHECK;
/* When it was changed last, in seconds since 1970.  IMG_E_UNSUPPORTED: it is no file. */
bool img_store_time(struct img_store *st, int64_t *seconds, struct img_err *err) IMG_MUST_CHECK;
bool img_store_read(struct img_store *st, uint64_t at, void *buf, size_t len, struct img_err *err)
	IMG_MUST_CHECK;
/* As read, but *got < len at the end of the store is no failure. */
bool img_store_read_some(struct img_store *st, uint64_t at, void *buf, size_t len, size_t *got,
			 struct img_err *err) IMG_MUST_CHECK;
/* As read; what is behind the end of the store is zeros, also at places that no file can have. */
bool img_store_read_padded(struct img_store *st, uint64_t at, void *buf, size_t len,
			   struct img_err *err) IMG_MUST_CHECK;
/*
 * How many bytes of a stream can be read without waiting for whoever writes it, having waited
 * wait_ms milliseconds at most for the first; 0: none yet.  At the end, and for what is no stream,
 * it is more than 0.
 */
size_t img_store_ready(struct img_store *st, int wait_ms);
bool img_store_write(struct img_store *st, uint64_t at, const void *buf, size_t len,
		     struct img_err *err) IMG_MUST_CHECK;
/* That nobody has removed, while it was read, what was read until now. */
bool img_store_confirm(struct img_store *st, struct img_err *err) IMG_MUST_CHECK;
/* As write, but buf must stay as it is until hold->n is 0. */
bool img_store_write_held(struct img_store *st, uint64_t at, const void *buf, size_t len,
			  struct img_hold *hold, struct img_err *err) IMG_MUST_CHECK;
/* keep_space: stay allocated.  Without the capability zeros are written. */
bool img_store_zero(struct img_store *st, uint64_t at, uint64_t len, bool keep_space,
		    struct img_err *err) IMG_MUST_CHECK;
/* DATA or ZERO (with zero_in_store) from at to limit <= size; DATA when it cannot tell. */
bool img_store_extent(struct img_store *st, uint64_t at, uint64_t limit, struct img_extent *out,
		      struct img_err *err) IMG_MUST_CHECK;

/* At once, at most; grains are no larger. */
enum { IMG_SCAN_BYTES = 1 << 20 };
struct img_store_scan {
	bool (*run)(void *ctx, uint64_t at, const uint8_t *bytes, size_t len, struct img_err *err);
	bool (*has_enough)(const void *ctx);	/* asked before each run; NULL: never */
	void *ctx;
};
/*
 * Shows what is in [from, to), which the store has, in its order and without holes, in whole grains
 * from `from` on; the last one may be short.  grain: a power of two.  Errors beside those of run: of
 * reading, IMG_E_NOMEM.
 */
bool img_store_scan(struct img_store *st, uint64_t from, uint64_t to, uint32_t grain,
		    const struct img_store_scan *scan, struct img_err *err) IMG_MUST_CHECK;
bool img_store_resize(struct img_store *st, uint64_t bytes, struct img_err *err) IMG_MUST_CHECK;
/* FALLOC: space is set aside, reads as zeros; FULL: zeros are written where the system cannot. */
bool img_store_preallocate(struct img_store *st, uint64_t at, uint64_t len,
			   enum img_preallocation how, struct img_err *err) IMG_MUST_CHECK;
/*
 * Makes sure, where the system can, that there is room for these bytes, behind the end as well;
 * changes neither bytes nor length.  IMG_E_NOSPACE: there is none.
 */
bool img_store_reserve(struct img_store *st, uint64_t at, uint64_t len, struct img_err *err)
	IMG_MUST_CHECK;
/* Tells that a stream of rising writes will reach `end`; may reserve space ahead.  Never fails. */
void img_store_expect(struct img_store *st, uint64_t end);
/*
 * The same where holes are left: [at, end) is written next, in a file that reaches there already.
 * From the highest end told before up to `at` nothing is ever written, and space set aside there is
 * given back.  A run below that end changes nothing.  Never fails.
 */
void img_store_expect_run(struct img_store *st, uint64_t at, uint64_t end);
/*
 * Nothing in front of `before`, which has come already, will be read again: a spool needs no room for
 * it any more, and others do nothing.  Any thread.
 */
void img_store_forget(struct img_store *st, uint64_t before);
/* Reads a spool from `at` on, and forgets, until its stream ends; others do nothing. */
bool img_store_drain(struct img_store *st, uint64_t at, struct img_err *err) IMG_MUST_CHECK;
/*
 * Once one has failed all others fail too: the system forgets pages that it could not write, and
 * the next sync would say that all is well.
 */
bool img_store_sync(struct img_store *st, struct img_err *err) IMG_MUST_CHECK;
bool img_store_copy(struct img_store *st, uint64_t at, struct img_store *from, uint64_t from_at,
		    uint64_t len, uint64_t *done, struct img_err *err) IMG_MUST_CHECK;
/* Whether img_store_copy() from `from` into the new st does anything.  Tries it; one caller. */
bool img_store_clones(struct img_store *st, struct img_store *from);
/* Gives a new file its name, replacing what was there; syncs first unless the cache is unsafe. */
bool img_store_publish(struct img_store *st, struct img_err *err) IMG_MUST_CHECK;
/* The same of several: where one gets no name those that were there before stay. */
bool img_store_publish_all(struct img_store *const *stores, size_t n, struct img_err *err) IMG_MUST_CHECK;
/* Closes st when it is closed by all who hold it; accepts NULL. */
void img_store_close(struct img_store *st);
/* One more who closes st, which is returned.  One thread, as for closing. */
struct img_store *img_store_hold(struct img_store *st);
/* Adds the counts of st to *sum. */
void img_store_add_traffic(const struct img_store *st, struct img_traffic *sum);

/*
 * An existing file or block device.  flags: IMG_OPEN_*.  Takes locks that QEMU understands unless
 * told not to (IMG_E_BUSY: somebody else has it).  Directories, sockets ... are IMG_E_ARGUMENT.
 */
struct img_store *img_store_file(const char *path, unsigned flags, enum img_cache cache,
				 struct img_err *err);
/*
 * What an NBD server exports; any number of threads.  flags: IMG_OPEN_WRITE.  Errors beside those of
 * reading: IMG_E_DENIED (it allows reading alone), IMG_E_UNSUPPORTED (libnbd is not there).
 */
struct img_store *img_store_nbd(const char *uri, unsigned flags, enum img_cache cache,
				struct img_err *err);
/*
 * An image on a Ceph cluster, what img_path_is_rbd() is true of; any number of threads.  flags: IMG_OPEN_*.
 * Writes are told to have failed by a later one, or by a sync at the latest.  Errors beside those of
 * reading: IMG_E_BUSY (somebody has it open for writing), IMG_E_DENIED (of a snapshot),
 * IMG_E_UNSUPPORTED (librbd is not there).
 */
struct img_store *img_store_rbd(const char *path, unsigned flags, enum img_cache cache,
				struct img_err *err);
/* A new one, which gets its name in img_store_publish() only.  size: bytes; it can get longer. */
struct img_rbd_new;
struct img_store *img_store_rbd_new(const char *path, uint64_t size, const struct img_rbd_new *how,
				    enum img_cache cache, struct img_err *err);
/* A new, empty one that has its name at once. */
struct img_store *img_store_rbd_named(const char *path, struct img_err *err);
/* Takes away the image that st is; nothing but img_store_close() may follow. */
bool img_store_rbd_remove(struct img_store *st, struct img_err *err) IMG_MUST_CHECK;
/*
 * Whether beside the image that st is, which is open, lies one called path.  Beside a snapshot nothing does,
 * nor does what the user may not see, nor anything beside what is no image on a cluster.
 */
bool img_store_rbd_has(struct img_store *st, const char *path, bool *yes, struct img_err *err)
	IMG_MUST_CHECK;
/* What img_path_is_uri() is true of, opened by what its scheme asks for. */
struct img_store *img_store_uri(const char *uri, unsigned flags, enum img_cache cache,
				struct img_err *err);
/* What a name leads to: img_store_uri() or img_store_file(). */
struct img_store *img_store_path(const char *path, unsigned flags, enum img_cache cache,
				 struct img_err *err);
/*
 * Whether st is a file of the caller's, or of whom the file at path belongs to.  An image on a cluster
 * belongs to all who can make one in its pool, as they can write to any there.
 */
bool img_store_same_owner(struct img_store *st, const char *path);
/* A new file beside path, which gets that name in img_store_publish() only. */
struct img_store *img_store_file_new(const char *path, enum img_cache cache, struct img_err *err);
/*
 * Makes a file at `to` that shares all blocks of the one at `from`, and has its mode and owner.
 * replace: of an existing file it takes the place, in one step, with that one's mode and owner; locks
 * are the caller's business.  Durable.  IMG_E_UNSUPPORTED: the file system cannot share blocks;
 * IMG_E_ARGUMENT: the name is taken.
 */
bool img_file_clone(const char *from, const char *to, bool replace, struct img_err *err)
	IMG_MUST_CHECK;
/*
 * What the shell hands over.  flags: IMG_OPEN_*.  fd stays the caller's, and open.
 *
 * A file or block device at offset 0 becomes a seekable store; publishing one that was written
 * moves fd's offset to its end, as writing would have.  All else is a stream from where fd stands:
 * pipes, sockets, terminals, but also a file of which something was read or written already, or
 * that is open for appending.  Streams refuse an offset that is not the next (IMG_E_UNSUPPORTED);
 * the size of one that is read is IMG_SIZE_UNKNOWN until its end was seen.  A pipe that nobody
 * reads is IMG_E_IO with EPIPE, provided that the process ignores SIGPIPE.
 */
struct img_store *img_store_fd(int fd, unsigned flags, const char *shown_as, struct img_err *err);
/* Whether path names a pipe, a socket or a character device. */
bool img_is_stream_path(const char *path);
/* Such a one, opened by name; waits until somebody opens the other end.  flags: IMG_OPEN_WRITE. */
struct img_store *img_store_stream(const char *path, unsigned flags, struct img_err *err);
/* Of what goes front to back: IMG_E_UNSUPPORTED unless `at` is the offset that comes next. */
bool img_store_check_next(uint64_t next, uint64_t at, struct img_err *err) IMG_MUST_CHECK;
/*
 * The first bytes of a pipe, kept so that reading from 0 still works; *got <= len, and at most the
 * first 64 KiB.  Before the first read only.
 */
bool img_store_peek(struct img_store *st, void *buf, size_t len, size_t *got,
		    struct img_err *err) IMG_MUST_CHECK;
/*
 * Makes a pipe seekable: the first memory_limit bytes in memory, the others in an unlinked file in
 * $TMPDIR.  Reads the pipe as far as is needed, and what it has ready; asking for the size reads
 * all.  Any number of threads.  Owns pipe from then on; on failure it stays the caller's.
 */
struct img_store *img_store_spool(struct img_store *pipe, uint64_t memory_limit,
				  struct img_err *err);
/* Before the first read: the file is told of, by a sentence, when it is made.  tell may be NULL. */
void img_store_spool_tell(struct img_store *spool, void (*tell)(void *ctx, const char *text), void *ctx);
/* An unlinked temporary file in dir (NULL: $TMPDIR or /var/tmp). */
struct img_store *img_store_temporary(const char *dir, struct img_err *err);
/* In memory, growing as it is written; content (may be NULL when len is 0) is copied. */
struct img_store *img_store_mem(const void *content, size_t len, struct img_err *err);
/*
 * A new file that is never made: nothing of it is kept but how long it is and which blocks of 4 KiB
 * would be there.  Any number of threads.
 */
struct img_store *img_store_count(const char *shown_as, struct img_err *err);
/* Bytes of these blocks, of a store made by img_store_count(). */
uint64_t img_store_counted(struct img_store *st);
/* parent must outlive the slice and stays the caller's. */
struct img_store *img_store_slice(struct img_store *parent, uint64_t at, uint64_t len,
				  struct img_err *err);
/* The same with a name of its own; owns parent from then on, which on failure stays the caller's. */
struct img_store *img_store_part(struct img_store *parent, uint64_t at, uint64_t len,
				 const char *shown_as, struct img_err *err);
/*
 * Passes through to parent, a device or the like, which it owns from then on; on failure it stays the
 * caller's.  The first 64 KiB that are written are kept until img_store_publish(), which makes them
 * durable behind all else; in front of the first change those of parent become zeros.  Threads: as
 * parent.
 */
struct img_store *img_store_head_last(struct img_store *parent, struct img_err *err);
/*
 * What is written to parent from `at` on, where it ends; parent must outlive it and stays the caller's, as
 * does hash.  hash NULL: as parent can be written; else front to back alone, and the hash is that of all
 * that was.
 */
struct img_store *img_store_tail(struct img_store *parent, uint64_t at, struct img_hash *hash,
				 struct img_err *err);
/*
 * Shows parent, which must outlive it, stays the caller's and is never written: changes go to an
 * unlinked file in $TMPDIR.  Threads: any number when parent is IMG_STORE_PARALLEL, but alone for
 * another size.  IMG_E_UNSUPPORTED: parent is a stream.
 */
struct img_store *img_store_overlay(struct img_store *parent, struct img_err *err);
/*
 * Passes through to parent, which it owns from then on; on failure it stays the caller's.  Before
 * something of it is overwritten, zeroed or cut off for the first time, that goes to the undo file
 * at undo_path and is durable there, so that img_undo_restore() can bring the parent back after a
 * crash at any point.  The undo file is made at the first change, readable by its owner alone, and
 * stays.  A change whose undo cannot be saved is not made and fails.  Memory goes by the number of
 * places that were changed.
 * Threads: one changes; others may read meanwhile when parent is IMG_STORE_PARALLEL.
 * IMG_E_ARGUMENT: something has that name already; IMG_E_UNSUPPORTED: parent is a stream.
 */
struct img_store *img_store_undo(struct img_store *parent, const char *undo_path,
				 struct img_err *err);
/* Whether something may have been changed; if not, no undo file is left.  Other stores: false. */
bool img_store_undo_used(const struct img_store *st);
/*
 * Brings back what target was: bytes and length, durable on return (but for IMG_CACHE_UNSAFE).
 * Checks all of the undo file, and as far as a few samples go that target is its image, before the
 * first byte is written; may be repeated after a crash.  What a crash has cut off of the undo file
 * is ignored: what it was to protect was not changed.  Both stay the caller's; one thread.
 * IMG_E_NOT_THIS_FORMAT, IMG_E_UNSUPPORTED, IMG_E_INCOMPLETE, IMG_E_CORRUPT: about the undo file;
 * IMG_E_ARGUMENT: target is another file.  For all of these target is as it was.
 */
bool img_undo_restore(struct img_store *undo, struct img_store *target,
		      struct img_err *err) IMG_MUST_CHECK;
/*
 * Passes through to parent (which it owns from then on; on failure it stays the caller's) and fails
 * as script says: "write:3" (the third write fails with EIO), "read:2=ENOSPC", "write:5=short"
 * (half is written, then EIO), "write:5=torn" (whole sectors of it), "read:1=short" (the store seems to
 * end halfway), "sync:1", joined by ','.  Also size, zero, extent, resize, preallocate, copy,
 * publish.  IMG_E_ARGUMENT: wrong script.
 */
struct img_store *img_store_fault(struct img_store *parent, const char *script,
				  struct img_err *err);

#endif
