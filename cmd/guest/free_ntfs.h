/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the two halves of the reader of NTFS know of each other. */
#ifndef CMD_GUEST_FREE_NTFS_H
#define CMD_GUEST_FREE_NTFS_H

#include "guest/free_readers.h"

enum { NTFS_SECTOR = 512 };	/* what is protected as one, whatever a sector is */

struct ntfs {
	struct free_place *place;
	uint32_t cluster, record;	/* bytes */
	uint64_t n_clusters;
	uint64_t table;			/* cluster in which the records of files start */
};

/* A part of a file: n clusters of it, from number first of the volume on. */
struct ntfs_run {
	uint64_t first, n;
};

/* A stream of a file whose bytes lie in clusters. */
struct ntfs_stream {
	const uint8_t *runs;		/* encoded; inside of the record that was read */
	size_t runs_len;
	uint64_t len;			/* bytes that were written */
	/* Where the reading is: */
	uint64_t lcn;
};

/*
 * Puts back what protects each sector of a record against being written half.  False: it was, or it is
 * no record of that kind.
 */
bool ntfs_restore(uint8_t *record, size_t len, const char magic[4]);
/* The next run; run->n is 0 at the end.  False: it lies nowhere on the volume. */
bool ntfs_next_run(const struct ntfs *fs, struct ntfs_stream *stream, struct ntfs_run *run);
/* Whether the log has nothing that must be done again.  False: place knows why. */
bool ntfs_log_is_clean(const struct ntfs *fs, struct ntfs_stream *log);

#endif
