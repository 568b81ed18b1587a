/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A new image that goes out front to back: header, refcount table, refcount blocks, L1, L2, data.
 * In memory is what was announced (24 bytes for each run) and one table.
 */
#ifndef QCOW2_SEQUENCE_H
#define QCOW2_SEQUENCE_H

#include "format/qcow2/runs.h"

/* Where things are, in clusters from the start of the file. */
struct qcow2_order {
	uint64_t refcount_table, refcount_blocks, l1, l2, data, end;
};

struct qcow2_sequence {
	struct qcow2_runs runs;
	struct qcow2_order order;
	bool begun;
	uint64_t written;	/* bytes of the file */
	size_t run;		/* that the data have reached ... */
	uint64_t run_host;	/* ... and where its first byte goes */
};

void qcow2_sequence_free(struct qcow2_sequence *seq);

#endif
