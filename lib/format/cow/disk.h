/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A cow image that is written in place; what disk.c, request.c, flush.c and resize.c share. */
#ifndef COW_DISK_H
#define COW_DISK_H

#include "format/claims.h"
#include "format/cow/cow.h"
#include "format/granules.h"

struct cow_disk {
	pthread_mutex_t lock;		/* guards all below, and changes of the bitmap */
	struct img_claims claims;	/* sectors that come into the file just now */
	struct img_granules bitmap;	/* what of it is dirty */
};

/* disk.c: makes cow->disk.  IMG_E_INCOMPLETE, IMG_E_UNSUPPORTED: what is damaged is not written. */
bool cow_disk_start(struct cow *cow, struct img_err *err) IMG_MUST_CHECK;
/* What is known of file is found out anew, by the header that cow has. */
bool cow_disk_restart(struct cow *cow, struct img_store *file, struct img_err *err) IMG_MUST_CHECK;
/* Accepts NULL. */
void cow_disk_free(struct cow_disk *disk);

/* request.c; as in struct img_disk_ops. */
bool cow_disk_write(struct img_layer *ly, uint64_t at, const void *buf, size_t len,
		    struct img_err *err);
bool cow_disk_zero(struct img_layer *ly, uint64_t at, uint64_t len, bool unmap,
		   struct img_err *err);
bool cow_disk_discard(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err);
/* flush.c; the same. */
bool cow_disk_flush(struct img_layer *ly, bool *freed, struct img_err *err);
/* resize.c; as in struct img_format. */
bool cow_resize(struct img_layer *ly, const struct img_layer_resize *how, struct img_err *err);
/* link.c; the same. */
bool cow_link(struct img_layer *ly, const struct img_layer_link *to, struct img_err *err);
bool cow_empty(struct img_layer *ly, struct img_err *err);

#endif
