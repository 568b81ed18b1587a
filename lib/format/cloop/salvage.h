/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of a salvage share: the places of all blocks, put together from what the index still
 * says and from the streams that are found.
 */
#ifndef CLOOP_SALVAGE_H
#define CLOOP_SALVAGE_H

#include "format/cloop/stream.h"

enum { CLOOP_PLACES_MOST = 32 << 20 };	/* a gigabyte of memory, for a disk of two terabytes */

#define CLOOP_SALVAGE_NOTES(X) \
	X(header, "cloop.salvage.header", \
	  N_("the header was unusable; blocks were found one by one")) \
	X(index, "cloop.salvage.index", \
	  N_("the entry in the index was damaged; the block was found")) \
	X(gap, "cloop.salvage.gap", \
	  N_("what lies here is no stream; how many blocks it is, or was, is a guess")) \
	X(lost, "cloop.salvage.lost", \
	  N_("the block was not found"))

#define CLOOP_SALVAGE_NOTE(name, id, text) \
	extern const struct img_finding_kind cloop_noted_##name;
CLOOP_SALVAGE_NOTES(CLOOP_SALVAGE_NOTE)
#undef CLOOP_SALVAGE_NOTE

struct cloop_salvage {
	struct cloop_scan scan;
	struct cloop_header hdr;
	uint64_t file_size;
	struct img_salvaged *told;
	struct cloop_place *places;	/* owned until they are taken */
	size_t n, cap;
	uint64_t guessed_from;		/* guest bytes from here on may be in another place */
};

bool cloop_salvage_note(struct cloop_salvage *s, const struct img_finding_kind *kind, uint64_t host,
			uint64_t block, struct img_err *err) IMG_MUST_CHECK;
/*
 * Fills in all of a zeroed s but told, from the file; told.notes.most is set.  Clear it afterwards.
 * with_header: fail where the header is not usable.
 */
bool cloop_salvage_run(struct cloop_salvage *s, struct img_store *file, bool with_header,
		       struct img_err *err) IMG_MUST_CHECK;
void cloop_salvage_clear(struct cloop_salvage *s);
/* Appends a block. */
bool cloop_salvage_add(struct cloop_salvage *s, struct cloop_place place, struct img_err *err)
	IMG_MUST_CHECK;
struct cloop_place cloop_place_of_stream(const struct cloop_stream *stream);

/* salvage_index.c: the header is usable; blocks whose entries are not are looked for. */
bool cloop_salvage_index(struct cloop_salvage *s, struct img_err *err) IMG_MUST_CHECK;
/* salvage_scan.c: there is no header; what is found is the disk.  IMG_E_CORRUPT: nothing is. */
bool cloop_salvage_scan(struct cloop_salvage *s, struct img_err *err) IMG_MUST_CHECK;

#endif
