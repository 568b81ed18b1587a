/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Persistent bitmaps: what their files share.
 *
 * A bitmap says which guest bytes have changed since it was cleared.  bitmap_dir.c is the directory
 * from and to bytes, bitmap_bits.c one bitmap in memory, bitmap_file.c the way between memory and
 * file, bitmap.c what becomes of an image's bitmaps while it is open, bitmap_ops.c what its user
 * may do with them.
 */
#ifndef QCOW2_BITMAP_H
#define QCOW2_BITMAP_H

#include <pthread.h>
#include <stdatomic.h>
#include "format/qcow2/qcow2.h"

/* §"Bitmap directory": one entry, and what it is about. */
struct qcow2_bitmap {
	char *name;			/* owned */
	uint64_t table_off;		/* 0: not in the file yet */
	uint32_t table_entries;
	uint32_t flags;			/* QCOW2_BITMAP_*; as they stand when nobody uses it */
	uint8_t type;
	unsigned granularity_bits;
	struct qcow2_bytes extra;	/* of its type; none is known */
	/*
	 * One bit for 1 << granularity_bits guest bytes, the lowest of a byte first, as in the
	 * file; whole clusters, zero behind the last bit.  Owned; NULL: not in memory.
	 */
	uint8_t *bits;
	bool changed;			/* bits are not those of the file */
};

struct qcow2_bitmap_list {
	struct qcow2_bitmap *v;		/* owned */
	size_t n, cap;
};

/* ---- bitmap_dir.c -------------------------------------------------------------------------------- */

/*
 * n entries that fill raw[0, len) to its end; out is owned by the caller.
 * Errors: IMG_E_CORRUPT, with the number of the entry; IMG_E_NOMEM.
 */
bool qcow2_bitmap_dir_decode(const uint8_t *raw, size_t len, size_t n, unsigned cluster_bits,
			     struct qcow2_bitmap_list *out, struct img_err *err) IMG_MUST_CHECK;
/* Bytes that the entries take. */
uint64_t qcow2_bitmap_dir_len(const struct qcow2_bitmap_list *list);
/*
 * The inverse, into qcow2_bitmap_dir_len() bytes.  in_use: those that record writes are in use, as
 * long as the image is open.
 */
void qcow2_bitmap_dir_encode(const struct qcow2_bitmap_list *list, bool in_use, uint8_t *raw);
void qcow2_bitmap_clear(struct qcow2_bitmap *bm);
void qcow2_bitmap_list_clear(struct qcow2_bitmap_list *list);
/*
 * Why what it says cannot be relied on: a static English phrase marked for translation; NULL: it
 * can.
 */
const char *qcow2_bitmap_unusable(const struct qcow2_bitmap *bm);

/* ---- bitmap_bits.c: size is that of the disk ------------------------------------------------------- */

/* Bytes that hold a bit for each granule of the disk. */
uint64_t qcow2_bitmap_bytes(const struct qcow2_bitmap *bm, uint64_t size);
/*
 * Sets the bits of all granules that [at, at + len) touches, len > 0, inside the disk; whether one
 * of them was not set before.  Any thread.
 */
bool qcow2_bitmap_set(struct qcow2_bitmap *bm, uint64_t at, uint64_t len);
/* Zeroes what lies behind the last granule of the disk, in len bytes at bits. */
void qcow2_bitmap_trim(const struct qcow2_bitmap *bm, uint64_t size, size_t len);
/* Guest bytes whose bits are set. */
uint64_t qcow2_bitmap_count(const struct qcow2_bitmap *bm, uint64_t size);
/* The first run of set bits at or behind guest byte at; *len is 0 when there is none. */
void qcow2_bitmap_next(const struct qcow2_bitmap *bm, uint64_t size, uint64_t at, uint64_t *start,
		       uint64_t *len);
enum qcow2_bitmap_piece {
	QCOW2_BITMAP_ZEROS,
	QCOW2_BITMAP_ONES,
	QCOW2_BITMAP_MIXED,
};
/* What bits[from, from + len) hold, as far as there are granules. */
enum qcow2_bitmap_piece qcow2_bitmap_look(const struct qcow2_bitmap *bm, uint64_t size,
					  uint64_t from, uint64_t len);

/* ---- bitmap_file.c: one thread at a time ------------------------------------------------------------- */

/*
 * The directory that q->header tells of; empty when there is none.
 * Errors: IMG_E_CORRUPT, IMG_E_INCOMPLETE, IMG_E_RANGE, IMG_E_IO, IMG_E_NOMEM.
 */
bool qcow2_bitmap_dir_load(const struct qcow2 *q, struct qcow2_bitmap_list *out,
			   struct img_err *err) IMG_MUST_CHECK;
/* Gives bm zeroed bits in place of those it has.  IMG_E_RANGE: more than 512 MiB. */
bool qcow2_bitmap_make_bits(const struct qcow2 *q, struct qcow2_bitmap *bm, struct img_err *err)
	IMG_MUST_CHECK;
/* Brings the bits of a usable bitmap into memory.  Errors as qcow2_bitmap_dir_load(). */
bool qcow2_bitmap_load(const struct qcow2 *q, struct qcow2_bitmap *bm, struct img_err *err)
	IMG_MUST_CHECK;
/* Writes the bits to new clusters and makes bm say where its table is.  Does not sync. */
bool qcow2_bitmap_store(struct qcow2 *q, struct qcow2_bitmap *bm, struct img_err *err)
	IMG_MUST_CHECK;
/* Writes the directory, of which nothing is in use, to new clusters: *host.  Does not sync. */
bool qcow2_bitmap_dir_store(struct qcow2 *q, const struct qcow2_bitmap_list *list, uint64_t *host,
			    struct img_err *err) IMG_MUST_CHECK;
/*
 * Writes a directory over the one of the file: nothing but flags may differ, which never lie in two
 * sectors.  Durable when it returns.
 */
bool qcow2_bitmap_dir_flag(struct qcow2 *q, const struct qcow2_bitmap_list *list, bool in_use,
			   struct img_err *err) IMG_MUST_CHECK;
/* Nothing refers to a table any more.  Never fails: what cannot be read leaks. */
void qcow2_bitmap_release(struct qcow2 *q, uint64_t table_off, uint32_t table_entries);

/* ---- bitmap.c ------------------------------------------------------------------------------------ */

/* A table of the file that nothing refers to, as soon as the next directory holds. */
struct qcow2_bitmap_remains {
	uint64_t table_off;
	uint32_t table_entries;
};

/* The bitmaps of an open image. */
struct qcow2_bitmaps {
	struct qcow2_bitmap_list list;
	/*
	 * Something that does not know bitmaps has written to the image: they are all inconsistent,
	 * and their clusters may be anybody's by now.
	 */
	bool lost;
	bool changed;			/* entries are not those of the file */
	pthread_mutex_t beginning;	/* held by who makes begun true */
	_Atomic bool begun;		/* guest bytes may have changed ... */
	bool in_use;			/* ... and the file has bitmaps that it says are in use */
	struct qcow2_bitmap_remains *remains;	/* owned */
	size_t n_remains, cap_remains;
};

/* Makes q->bitmaps of what the file has, unless that is done.  Errors: qcow2_bitmap_dir_load(). */
bool qcow2_bitmaps_get(struct qcow2 *q, struct img_err *err) IMG_MUST_CHECK;
/* Before entries change: what is lost does not get into another directory. */
void qcow2_bitmaps_begin_change(struct qcow2 *q);
/* What the file has of bm will not be needed. */
bool qcow2_bitmaps_abandon(struct qcow2_bitmaps *set, const struct qcow2_bitmap *bm,
			   struct img_err *err) IMG_MUST_CHECK;
/* Fails with *why. */
bool qcow2_bitmap_pass_on(const struct img_err *why, struct img_err *err);

extern const struct img_bitmap_ops qcow2_bitmap_ops;

#endif
