/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A cloop image that is being made: what create.c decides and write.c fills. */
#ifndef CLOOP_NEW_H
#define CLOOP_NEW_H

#include "format/cloop/cloop.h"

struct cloop_new {
	enum cloop_compressor compressor;
	enum cloop_compressor others[IMG_CODECS_MAX];	/* of ly->others */
	bool fresh;			/* what is not written reads as zeros */
	bool size_known;		/* and so the place of the first block */
	/* A block of zeros, as it is stored; NULL: plain.  As many as a write is worth lie in run. */
	uint8_t *zero, *run;
	size_t zero_len, run_blocks;
	/* Of reserve: the block of the disk that comes next, and its place. */
	uint64_t reserved, next_host;
	/* Of publish and zero: where the blocks are that came before, and where they end. */
	uint64_t *entries;		/* owned */
	size_t n_entries, cap_entries;
	uint64_t end;
};

/* Most bytes that a codec makes of a block. */
static inline size_t cloop_packed_max(uint32_t block_size)
{
	return (size_t)block_size + block_size / 16 + CLOOP_SECTOR;
}

/* create.c; accepts NULL. */
void cloop_new_free(struct cloop_new *fresh);
bool cloop_sequential(const struct img_layer_create *what);

/* write.c: blocks of zeros behind those that there are. */
bool cloop_add_zeros(struct img_layer *ly, uint64_t n, struct img_err *err) IMG_MUST_CHECK;

extern const struct img_write_ops cloop_write_ops;

/* finish.c: all that is written behind the last block. */
bool cloop_finish(struct img_layer *ly, struct img_err *err) IMG_MUST_CHECK;

#endif
