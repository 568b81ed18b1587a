/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much space a round needs in which the file of an image gets shorter. */
#ifndef IMG_COPY_COMPACT_ROOM_H
#define IMG_COPY_COMPACT_ROOM_H

#include "format/compact.h"

struct img_compact_room {
	const struct img_layer *ly;	/* whose files get shorter */
	bool compress;			/* all units on the way, and not only those that move */
	uint64_t most;			/* bytes of the file that a round moves */
	uint64_t tables;		/* bytes of tables that were written already */
	struct img_layer_compacted told;	/* by the driver, without room */
};

/*
 * Bytes, at most, of what is kept aside, the journal and the blocks that the files get in places where
 * they had holes.  Follows what has blocks in the file system, and not how long the files are.
 */
uint64_t img_compact_room(const struct img_compact_room *of);

#endif
