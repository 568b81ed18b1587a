/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VMDK image that is written in place; what disk.c, mark.c, request.c and flush.c share. */
#ifndef VMDK_DISK_H
#define VMDK_DISK_H

#include "format/claims.h"
#include "format/vmdk/live.h"
#include "format/vmdk/vmdk.h"

struct vmdk_disk {
	pthread_mutex_t lock;		/* guards claims, and changes of the tables of all parts */
	struct img_claims claims;	/* grains that are being given their places */
	/* Orders who marks the image as changed, and is no other's concern: held across I/O. */
	pthread_mutex_t marking;
	_Atomic bool marked;		/* the image has a new CID, its files say that they are open */
	/* Something was written since the last sync: to the parts' files, and to the descriptor's. */
	_Atomic bool *touched;		/* owned; one for each part */
	_Atomic bool touched_own;
};

/* disk.c: makes v->disk.  IMG_E_UNSUPPORTED: only for reading; IMG_E_CORRUPT, _INCOMPLETE: damage. */
bool vmdk_disk_start(struct vmdk *v, struct img_err *err) IMG_MUST_CHECK;
/* Accepts NULL. */
void vmdk_disk_free(struct vmdk_disk *disk);
/* Notes that part's file is to be synced. */
void vmdk_disk_touch(const struct vmdk *v, const struct vmdk_part *part);

/*
 * mark.c: before anything is changed for the first time: gives the image another content
 * identifier, and marks its files of grains as not closed properly.  Any number of threads.
 */
bool vmdk_disk_mark(struct vmdk *v, struct img_store *own, struct img_err *err) IMG_MUST_CHECK;
/* The same where the disk stays as it is, so that the identifier does too; files are marked later. */
void vmdk_disk_mark_same(struct vmdk *v);
/* At the end: they are closed properly. */
bool vmdk_disk_unmark(struct vmdk *v, struct img_err *err) IMG_MUST_CHECK;
/* Where in a descriptor the digits of its CID are; *n 0: nowhere.  Pure. */
void vmdk_cid_find(const uint8_t *text, size_t len, size_t *at, size_t *n);

/* request.c; as in struct img_disk_ops. */
bool vmdk_disk_write(struct img_layer *ly, uint64_t at, const void *buf, size_t len,
		     struct img_err *err);
bool vmdk_disk_zero(struct img_layer *ly, uint64_t at, uint64_t len, bool unmap,
		    struct img_err *err);
bool vmdk_disk_discard(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err);
/* flush.c; the same. */
bool vmdk_disk_flush(struct img_layer *ly, bool *freed, struct img_err *err);
/* Syncs the files that were touched since. */
bool vmdk_disk_sync(struct vmdk *v, struct img_store *own, struct img_err *err) IMG_MUST_CHECK;

extern const struct img_disk_ops vmdk_disk_ops;		/* disk.c */

#endif
