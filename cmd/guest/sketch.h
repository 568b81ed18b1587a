/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A sparse file in memory that is as long as a disk and holds the few parts of it that tables lie
 * in: what libfdisk and libblkid are given, which want a file.  What is changed in it goes back to
 * the disk in one step.
 */
#ifndef CMD_GUEST_SKETCH_H
#define CMD_GUEST_SKETCH_H

#include "libimg.h"

struct sketch;

/* Of the disk of im, which must outlive it; nothing is copied yet. */
struct sketch *sketch_new(struct img *im, struct img_err *err);
void sketch_free(struct sketch *sk);
/* Owned by the sketch. */
int sketch_fd(const struct sketch *sk);
uint64_t sketch_size(const struct sketch *sk);

/*
 * Copies the guest bytes [at, at + len) and some around them, as far as the disk goes; what is there
 * already stays as it is.
 */
bool sketch_copy(struct sketch *sk, uint64_t at, uint64_t len, struct img_err *err) IMG_MUST_CHECK;
/* The two copy first.  IMG_E_RANGE: not within the sketch. */
bool sketch_read(struct sketch *sk, uint64_t at, void *buf, size_t len, struct img_err *err)
	IMG_MUST_CHECK;
bool sketch_write(struct sketch *sk, uint64_t at, const void *buf, size_t len,
		  struct img_err *err) IMG_MUST_CHECK;
/* As if the disk were longer, by zeros, or shorter. */
bool sketch_resize(struct sketch *sk, uint64_t size, struct img_err *err) IMG_MUST_CHECK;
/* Writes what differs from the disk, which must not be shorter than the sketch. */
bool sketch_write_back(struct sketch *sk, struct img_err *err) IMG_MUST_CHECK;

#endif
