/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a guest's disk may hold, sector by sector, now and after a loss of power.
 *
 * Every sector that is ever written says which write it comes from and where it belongs: 64 words
 * that count up from a stamp.  So a sector in a wrong place, of a lost time, or torn is found
 * without a copy of the disk to compare with.  The words differ little: such a sector compresses.
 */
#ifndef TESTS_DISK_GUEST_H
#define TESTS_DISK_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECTOR 512

enum request_kind {
	REQUEST_WRITE, REQUEST_ZERO, REQUEST_UNMAP, REQUEST_DISCARD,
	REQUEST_FLUSH,
	REQUEST_REOPEN,			/* finish, close, open again */
};

/* One thing that a guest does; whole sectors. */
struct request {
	enum request_kind kind;
	uint32_t seq;			/* WRITE: which one, from 1 */
	uint64_t at, len;
};

enum { GUEST_MAY = 7 };

struct guest_sector {
	uint8_t n_now, n_may;
	bool in_doubt;			/* a request failed that would have changed it */
	uint64_t now[2];		/* stamps that it may hold; two after a discard */
	uint64_t may[GUEST_MAY];	/* the same after a cut: all since the last flush */
};

struct guest {
	uint64_t size;			/* bytes */
	struct guest_sector *sectors;
};

/* A disk of zeros (filled: false) or of the sectors of write number 0. */
void guest_init(struct guest *guest, uint64_t size, bool filled);
/* What a disk holds that was read; it must hold what it may. */
void guest_init_from(struct guest *guest, const uint8_t *bytes, uint64_t size);
void guest_free(struct guest *guest);

/* The sectors [at, at + len) as write number seq leaves them; seq 0: as they were made. */
void guest_fill(uint8_t *buf, uint64_t at, size_t len, uint32_t seq);

/* A sector of req could not remember all that it may hold: a flush must come first. */
bool guest_is_crowded(const struct guest *guest, const struct request *req);
/* From now on a cut may leave what req writes. */
void guest_begin(struct guest *guest, const struct request *req);
/* req has succeeded. */
void guest_end(struct guest *guest, const struct request *req);
/* req has failed: what it was to change may hold anything that it may hold after a cut. */
void guest_failed(struct guest *guest, const struct request *req);
/* A flush has succeeded, and nothing went on beside it. */
void guest_flushed(struct guest *guest);

enum guest_when { GUEST_NOW, GUEST_AFTER_CUT };
/* Whether buf is what the sectors from at on may hold; else *wrong is the guest byte. */
bool guest_allows(const struct guest *guest, enum guest_when when, uint64_t at, const uint8_t *buf,
		  size_t len, uint64_t *wrong);
/* Whether each word of buf was written for the sector that it is in, whenever that was, or is 0. */
bool guest_belongs(uint64_t at, const uint8_t *buf, size_t len);
/* "sector 12 holds write 4 of sector 13, may hold: write 3, zeros".  Free with free(). */
char *guest_complaint(const struct guest *guest, enum guest_when when, uint64_t wrong,
		      const uint8_t *sector);

#endif
