/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * L1 and L2 of an image that is written once in rising guest order.  In memory are the L1 table,
 * the one L2 table that guest order has reached, and 24 bytes for each run of zeros whose table
 * had no place yet when order went past it.
 *
 * Places are taken by the caller of `place`, entries are made by the caller of the others; the
 * two may be different threads.
 */
#ifndef QCOW2_TABLES_H
#define QCOW2_TABLES_H

#include <pthread.h>

#include "format/qcow2/qcow2.h"
#include "format/qcow2/runs.h"
#include "format/qcow2/space.h"

/* How the layer below is hidden where the disk reads as zeros. */
enum qcow2_hiding {
	QCOW2_HIDE_NOTHING,	/* there is none: what is not there reads as zeros */
	QCOW2_HIDE_BY_ENTRY,	/* an entry says so */
	QCOW2_HIDE_BY_DATA,	/* version 2: zeros are stored */
};

struct qcow2_tables {
	const struct qcow2_geometry *geo;
	enum qcow2_hiding hiding;
	struct qcow2_space *space;	/* place, and finish */
	uint64_t next;			/* place: tables below this have got theirs, or no data */

	/* Preallocation: all tables have places, all clusters lie in one row. */
	bool mapped;
	enum qcow2_cluster_kind blank;	/* a cluster to which nothing has come */
	uint64_t mapped_size;		/* guest bytes */
	uint64_t mapped_host;		/* of guest byte 0 */

	pthread_mutex_t lock;		/* guards the next two: place grows what the others read */
	uint64_t *l1;			/* host offsets; 0: no table */
	uint64_t n_l1;
	uint64_t l1_host;		/* taken at once when the size is known; or 0 */

	uint8_t *l2;			/* the table that order has reached ... */
	uint64_t open;			/* ... and its index, or UINT64_MAX */
	uint64_t closed;		/* tables below are done */
	struct qcow2_runs late;		/* zeros that finish has to find a place for */
};

/*
 * Fill in geo, hiding and space (borrowed), rest zero.  size: guest bytes or IMG_SIZE_UNKNOWN.  L1
 * of a known size goes in front, so that a file that was cut keeps the map of what is left.
 */
bool qcow2_tables_init(struct qcow2_tables *t, uint64_t size, struct img_err *err) IMG_MUST_CHECK;
/* Accepts zeroed ones. */
void qcow2_tables_free(struct qcow2_tables *t);
/* Takes the places of all tables that [guest, guest + len) needs; rising.  IMG_E_RANGE. */
bool qcow2_tables_place(struct qcow2_tables *t, uint64_t guest, uint64_t len,
			struct img_err *err) IMG_MUST_CHECK;
/* All tables of a disk of size bytes; the caller sets mapped_host before anything is mapped. */
bool qcow2_tables_preallocate(struct qcow2_tables *t, uint64_t size, struct img_err *err)
	IMG_MUST_CHECK;
/* [guest, guest + len) lies as it is at host. */
bool qcow2_tables_map(struct qcow2_tables *t, uint64_t guest, uint64_t len, uint64_t host,
		      struct img_err *err) IMG_MUST_CHECK;
/* The cluster at guest lies at host, as another one does. */
bool qcow2_tables_map_shared(struct qcow2_tables *t, uint64_t guest, uint64_t host,
			     struct img_err *err) IMG_MUST_CHECK;
/*
 * After finish: the plain cluster at guest, whose entry says that it may be written in place, may not,
 * because another one lies there, too.
 */
bool qcow2_tables_note_shared(struct qcow2_tables *t, uint64_t guest, struct img_err *err)
	IMG_MUST_CHECK;
/* The cluster at guest lies compressed in [host, host + stored_len). */
bool qcow2_tables_map_compressed(struct qcow2_tables *t, uint64_t guest, uint64_t host,
				 uint32_t stored_len, struct img_err *err) IMG_MUST_CHECK;
/* [guest, guest + len) reads as zeros. */
bool qcow2_tables_zero(struct qcow2_tables *t, uint64_t guest, uint64_t len,
		       struct img_err *err) IMG_MUST_CHECK;
/* Writes what is left, and L1 of the final size; *l1_host is 0 for an empty disk. */
bool qcow2_tables_finish(struct qcow2_tables *t, uint64_t size, uint64_t *l1_host,
			 struct img_err *err) IMG_MUST_CHECK;

#endif
