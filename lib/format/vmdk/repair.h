/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of a repair share; all of them change one file of grains. */
#ifndef VMDK_REPAIR_H
#define VMDK_REPAIR_H

#include "format/vmdk/check.h"

/* As in struct img_check_ops (repair.c). */
bool vmdk_repair(struct img_layer *ly, const struct img_checking *how, enum img_repair_level level,
		 struct img_err *err) IMG_MUST_CHECK;

/*
 * Gives a stream the end that it lacks: the footer, which is made from the header and the directory
 * in front, and the end-of-stream marker.  (repair_stream.c)
 */
bool vmdk_repair_stream(struct img_store *file, struct img_err *err) IMG_MUST_CHECK;

/* Makes both tables of each pair say the same where one is known to be right (repair_tables.c). */
bool vmdk_repair_tables(struct vmdk_file_check *f, struct img_err *err) IMG_MUST_CHECK;

/* Mends markers from tables, and tables from markers, of a file that has them (repair_markers.c). */
bool vmdk_repair_markers(struct vmdk_file_check *f, struct img_err *err) IMG_MUST_CHECK;

/* What can be said of an entry, beside all that is agreed on (repair_judge.c). */
enum vmdk_verdict {
	VMDK_SAYS_NOTHING,
	VMDK_POSSIBLE,
	VMDK_IMPOSSIBLE,
	VMDK_UNKNOWN,			/* its place is not in the window */
};

/* Where both tables say the same, or there is only one: marks the grains in f->used. */
bool vmdk_judge_mark(struct vmdk_file_check *f, const struct vmdk_pair *pair, uint64_t number,
		     bool *unaligned, struct img_err *err) IMG_MUST_CHECK;
/* Marks the grain that an entry leads to. */
bool vmdk_judge_take(struct vmdk_file_check *f, uint64_t grain, uint64_t raw,
		     struct img_err *err) IMG_MUST_CHECK;
/* unaligned: grains that are agreed on are, so that this says nothing. */
bool vmdk_judge(struct vmdk_file_check *f, uint64_t grain, uint64_t raw, bool unaligned,
		enum vmdk_verdict *out, struct img_err *err) IMG_MUST_CHECK;

#endif
