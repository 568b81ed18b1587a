/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All that the tables of an image refer to, against the file and against each other. */
#ifndef QCOW1_SURVEY_H
#define QCOW1_SURVEY_H

#include "format/qcow1/qcow1.h"
#include "store/paged.h"

struct qcow1_survey {
	const struct qcow1_header *hdr;
	struct img_store *file;
	uint64_t file_size;
	const struct img_job *job;	/* or NULL */
	struct img_findings *out;
	uint64_t memory;		/* bytes for counting at most */
	const uint8_t *given_l1;	/* all of the L1 table, where it has no place; or NULL */
	/* What was found: */
	uint64_t end;			/* behind the last byte that something refers to */
	uint64_t tables, clusters, packed, fragmented;
	/* For each grain of the file a bit: in use as a whole; in use by packed bytes. */
	struct img_paged whole, some;
	struct img_paged tied;		/* the same: something goes on in the next one */
	unsigned grain_bits;
	uint64_t next;			/* where the next cluster should be */
};

/* Reads all tables; never writes.  On failure, too, qcow1_survey_clear() frees what there is. */
bool qcow1_survey_run(struct qcow1_survey *s, struct img_err *err) IMG_MUST_CHECK;
/* Tells of each cluster of the file that nothing refers to, and of the tables that are among them. */
bool qcow1_survey_leaks(struct qcow1_survey *s, struct img_err *err) IMG_MUST_CHECK;
/* False: what was said of clusters since the beginning may be wrong.  IMG_E_IO, IMG_E_NOMEM. */
bool qcow1_survey_knows(const struct qcow1_survey *s, struct img_err *err) IMG_MUST_CHECK;
/* Whether something refers to any of that cluster, all of which is in the file. */
bool qcow1_survey_uses(struct qcow1_survey *s, uint64_t cluster);
/* Whether something that lies in that cluster goes on in the next one. */
bool qcow1_survey_ties(struct qcow1_survey *s, uint64_t cluster);
/* Accepts one that was not run. */
void qcow1_survey_clear(struct qcow1_survey *s);

#endif
