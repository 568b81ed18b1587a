/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A qcow image that is being made: what create.c decides and write.c fills. */
#ifndef QCOW1_NEW_H
#define QCOW1_NEW_H

#include "format/qcow1/qcow1.h"

/* An L2 table that holds nothing but hidden zeros, and gets its place at the end. */
struct qcow1_hiding {
	uint32_t index;
	uint64_t *entries;		/* owned; NULL: all of them hide */
};

/* One thread reserves while another one publishes. */
struct qcow1_new {
	char *backing;			/* as it goes to the file, or NULL; owned */
	bool fresh;			/* what is not written reads as zeros */
	uint64_t zero_entry;		/* of a packed cluster of zeros; 0: nothing is to be hidden */
	/* Of who publishes: the table that is being filled. */
	uint32_t index;
	uint64_t *entries;		/* in host order; owned */
	bool any;			/* something was entered */
	struct qcow1_hiding *hidings;	/* owned, and their entries */
	size_t n_hidings, cap_hidings;
	pthread_mutex_t lock;		/* guards what follows */
	uint64_t end;			/* of what is taken in the file */
	uint64_t *l1;			/* the L1 table, in host order; owned */
	uint64_t cap_l1;		/* grows only with a disk from a stream */
};

/* Accepts NULL. */
void qcow1_new_free(struct qcow1_new *n);

extern const struct img_write_ops qcow1_write_ops;	/* write.c */

#endif
