/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A qcow image that is written in place; what disk.c, request.c and flush.c share. */
#ifndef QCOW1_DISK_H
#define QCOW1_DISK_H

#include "format/claims.h"
#include "format/qcow1/qcow1.h"

/* All but old_end and flushing is guarded by the lock of the tables. */
struct qcow1_disk {
	uint64_t old_end;		/* of the file: what lies before may not be zeros */
	struct img_claims claims;	/* clusters of the disk that are being given their places */
	uint64_t end;			/* of what is taken in the file */
	uint64_t zero_entry;		/* of a packed cluster of zeros; 0: there is none yet */
	struct qcow1_table **dirty;	/* each in use, so that it stays; owned */
	size_t n_dirty, cap_dirty;
	pthread_mutex_t flushing;	/* one flush at a time; held across I/O */
};

/* disk.c: makes q->disk.  IMG_E_CORRUPT, IMG_E_INCOMPLETE: the image is damaged. */
bool qcow1_disk_start(struct qcow1 *q, struct img_err *err) IMG_MUST_CHECK;
/* What is known of the file is found out anew, and what lies behind all that is in use goes. */
bool qcow1_disk_restart(struct qcow1 *q, struct img_err *err) IMG_MUST_CHECK;
/* Accepts NULL. */
void qcow1_disk_free(struct qcow1_disk *disk);
/* Takes whole clusters at the end of the file; the lock is held. */
uint64_t qcow1_disk_take(struct qcow1 *q, uint64_t len);
/*
 * Puts the table, which the caller has, into the list of dirty ones, if it is not there; the lock
 * is held.
 */
bool qcow1_disk_list(struct qcow1_disk *disk, struct qcow1_table *table, struct img_err *err)
	IMG_MUST_CHECK;

/* request.c; as in struct img_disk_ops. */
bool qcow1_disk_write(struct img_layer *ly, uint64_t at, const void *buf, size_t len,
		      struct img_err *err);
bool qcow1_disk_zero(struct img_layer *ly, uint64_t at, uint64_t len, bool unmap,
		     struct img_err *err);
bool qcow1_disk_discard(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err);
/* flush.c; the same. */
bool qcow1_disk_flush(struct img_layer *ly, bool *freed, struct img_err *err);

#endif
