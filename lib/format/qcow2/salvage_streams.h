/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which compressed entries of an L2 table lead to a cluster that can be decoded: what takes longest
 * in a salvage, so several threads do it.
 */
#ifndef QCOW2_SALVAGE_STREAMS_H
#define QCOW2_SALVAGE_STREAMS_H

#include "format/qcow2/decoder.h"

struct qcow2_streams {
	const struct qcow2_header *hdr;	/* borrowed, as those that follow */
	const struct qcow2_geometry *geo;
	struct img_store *file;
	uint64_t file_size;
	unsigned threads;		/* at most */
	struct qcow2_decoder *decoders;	/* one for each thread; owned */
	unsigned n_decoders;		/* that were opened */
	bool *sound;			/* of each entry; owned */
};

/* Of which all that is borrowed is set.  threads: 0: one for each core.  To be cleared even on failure. */
bool qcow2_streams_init(struct qcow2_streams *streams, unsigned threads, struct img_err *err)
	IMG_MUST_CHECK;
void qcow2_streams_clear(struct qcow2_streams *streams);
/*
 * streams->sound[i] of the n entries at raw: it is a compressed one that can be right, and its cluster
 * is in the file and can be decoded.  Neither that nor the failure depends on threads.  IMG_E_IO.
 */
bool qcow2_streams_judge(struct qcow2_streams *streams, const uint8_t *raw, size_t n,
			 struct img_err *err) IMG_MUST_CHECK;

#endif
