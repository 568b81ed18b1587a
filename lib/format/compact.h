/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A shorter file for the same disk: what the driver's op `compact` is asked for, and what it tells.
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
};

#endif
