/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disks and targets for tests, without a file and without a real format.
 *
 * A source is drawn as a text, one character for each block:
 *
 *	a..m	data in the store, where the block's own number puts it
 *	n..y	data in the store, behind all the others
 *	A..Y	data that only the driver can read
 *	-	data in the store, but all zeros
 *	z	zeros with space in the store, which reads as zeros
 *	0	zeros
 *	.	a hole
 *	!	lost
 *
 * 'q' and 'Q' hold noise, the other letters runs that FAKE_CODEC makes small.
 */
#ifndef TESTS_UNIT_FAKE_FAKE_H
#define TESTS_UNIT_FAKE_FAKE_H

#include <stdatomic.h>
#include "image/image.h"

/* Bytes that were read and not published yet; what an engine holds in memory. */
struct fake_flow {
	_Atomic int64_t now, most;
};

/* ---- Stores ----------------------------------------------------------------------------------- */

struct fake_store {
	struct img_store head;
	uint8_t *bytes;
	_Atomic uint64_t len;
	uint64_t room;
	uint64_t next;			/* without IMG_STORE_SEEK: the only offset that is taken */
	struct fake_flow *flow;		/* or NULL */
	_Atomic unsigned reads, writes;
	unsigned fail_read, fail_write;	/* which call fails, from 1; 0: none */
};

/* A store of len bytes that may grow to room.  Zeroed. */
struct fake_store *fake_store_new(uint64_t len, uint64_t room, unsigned caps);

/* ---- Sources ---------------------------------------------------------------------------------- */

struct fake_disk {
	const char *drawing;
	uint32_t block;
	unsigned fail_extent;		/* which call fails, from 1; 0: none */
	uint64_t fail_decode;		/* guest offset whose decoding fails; UINT64_MAX: none */
	_Atomic unsigned extents, decodes;
};

/* The disk of a drawing; size 0: whole blocks.  Close with img_close(). */
struct img *fake_disk(const char *drawing, uint32_t block, uint64_t size);
/* A stack of drawings, the active layer first. */
struct img *fake_stack(const char *const *drawings, size_t n, uint32_t block);
/* The same content, but it comes through a pipe. */
struct img *fake_stream(const char *drawing, uint32_t block, uint64_t size);
/* What the guest sees of a drawing; lost blocks are zeros.  Free with free(). */
uint8_t *fake_content(const char *drawing, uint32_t block, uint64_t size);
struct fake_disk *fake_disk_of(const struct img *im);
struct fake_store *fake_store_of(const struct img *im);

/* ---- Targets ---------------------------------------------------------------------------------- */

enum fake_step {
	FAKE_NONE, FAKE_ANNOUNCE, FAKE_BEGIN, FAKE_RESERVE, FAKE_STORE, FAKE_PUBLISH, FAKE_ZERO,
	FAKE_FINISH, FAKE_STEPS,
};

/* Something that became reachable in a target. */
struct fake_piece {
	uint64_t at, len, host;		/* host: data only */
	uint32_t stored_len;
	unsigned flags;
	bool zero;
};

struct fake_target {
	enum fake_step fail_step;
	unsigned fail_call;		/* which call of fail_step fails, from 1 */
	_Atomic unsigned calls[FAKE_STEPS];
	_Atomic bool inside[FAKE_STEPS];
	bool disorder;			/* a rule of struct img_write_ops was broken */
	uint64_t reserved_to, published_to, announced_to;
	uint64_t next_host;
	struct fake_flow *flow;
	struct fake_piece *v;
	size_t n;
};

enum {
	FAKE_OWN_STORE = 1 << 0,	/* the driver moves the bytes itself */
	FAKE_PIPE      = 1 << 1,	/* the target cannot seek */
	FAKE_ANNOUNCED = 1 << 2,	/* the target wants to know what comes */
	FAKE_COMPRESS  = 1 << 3,
	FAKE_PLAIN     = 1 << 4,	/* clones are welcome */
};

/* A new image of size guest bytes, allocated in units; flags: FAKE_*.  Close with img_close(). */
struct img *fake_target(uint64_t size, uint32_t unit, unsigned flags);
struct fake_target *fake_target_of(const struct img *im);
/* What the guest sees of what was published.  Free with free(). */
uint8_t *fake_target_content(const struct img *im, uint64_t size);
/* The same pieces at the same places with the same bytes. */
bool fake_targets_equal(const struct img *a, const struct img *b);

/* Pairs of a length and a byte. */
extern const struct img_codec FAKE_CODEC;

#endif
