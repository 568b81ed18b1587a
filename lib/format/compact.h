/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A shorter file for the same disk: what the driver's ops `compact` and `pack` are asked for, and what
 * they tell.
 *
 * In each round units that are hollow lose their places, what nothing refers to goes, and what lies last
 * moves down.  Behind each round there is a whole image with the same disk, which others can use.  The
 * rules are those of resize: what is written gets into the files at once, later, so that it needs no
 * order and no sync; only finish and close may follow, or another call after one without room.
 * IMG_E_UNSUPPORTED: this image cannot get shorter; IMG_E_CORRUPT: it is damaged.
 */
#ifndef IMG_FORMAT_COMPACT_H
#define IMG_FORMAT_COMPACT_H

#include "format/format.h"
#include "store/ranges.h"

struct img_layer_compact {
	/*
	 * Guest bytes that read as zeros, or may do so from now on: whole units of them need no place.
	 * The same in all rounds.
	 */
	const struct img_rangeset *hollow;
	bool changes;			/* some of that reads as something else so far: it is a write */
	uint64_t room;			/* bytes that are moved at most; 0: none, only count them */
	const struct img_job *job;	/* or NULL */
};

struct img_layer_compacted {
	uint64_t moved;			/* bytes that were */
	uint64_t left;			/* that have still to move: there is another round */
	uint64_t end;			/* bytes of the image's files together, after the last round */
	/* Of a call without room: */
	uint64_t tables;		/* bytes of all tables that lead to what is stored */
	uint64_t follow;		/* of these what changes at most from now on until all has moved */
	bool seals;			/* holes of the file become bytes where they move */
};

/*
 * Rounds of `pack` do more: from the start of the file to its end all that is used moves down to what
 * lies in front of it, without a gap, plain units become compressed ones where that makes them smaller,
 * and compressed ones are moved as they are.
 */
struct img_layer_pack {
	struct img_layer_compact compact;	/* room: bytes that are looked at; 0: only whether it can */
	const char *codec, *level;	/* as the user has said, or NULL; codec must be the image's */
	bool recode;			/* compress anew also what is compressed */
	unsigned threads;		/* 0: one for each core */
	uint64_t from;			/* bytes of the file that are as they will be: 0, or what was told */
};

struct img_layer_packed {
	uint64_t from, end;		/* of the next round, and of the file; equal: there is none */
	uint64_t seen;			/* bytes of the file that were looked at */
	uint64_t compressed, plain;	/* guest bytes that are now, and that get no smaller */
};

#endif
