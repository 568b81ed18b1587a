/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Grain tables in pairs, the one that the first directory leads to beside that of the second; read
 * in bulk.  For who looks at all of them.
 */
#ifndef VMDK_PAIRS_H
#define VMDK_PAIRS_H

#include "format/vmdk/sparse.h"

/* The two tables of one place in the directories. */
struct vmdk_pair {
	struct vmdk_entry first_dir, second_dir;	/* BAD: none that can be; second: also without one */
	const uint8_t *first, *second;		/* the tables; NULL: not there */
};

struct vmdk_pairs {
	const struct vmdk_sparse *sp;		/* borrowed */
	uint64_t from;				/* number in the directories of v[0] */
	size_t n, cap;
	struct vmdk_pair *v;			/* owned */
	uint8_t *raw[2];			/* room for the tables of cap pairs each; owned */
};

bool vmdk_pairs_init(struct vmdk_pairs *pairs, const struct vmdk_sparse *sp, struct img_err *err)
	IMG_MUST_CHECK;
void vmdk_pairs_clear(struct vmdk_pairs *pairs);
/* Those from number `from` (< n_gd) on, as many as there is room for.  IMG_E_IO. */
bool vmdk_pairs_read(struct vmdk_pairs *pairs, uint64_t from, struct img_err *err) IMG_MUST_CHECK;

/* What entry i of a directory says (gd: n entries of it, or NULL); a table is inside the file. */
struct vmdk_entry vmdk_pairs_directory(const struct vmdk_sparse *sp, const uint64_t *gd, size_t n,
				       uint64_t i);
/* Entry i of a table, and what it says of grain number `grain`: a place has room for all of it. */
uint64_t vmdk_pairs_raw(const struct vmdk_sparse *sp, const uint8_t *table, uint64_t i);
struct vmdk_entry vmdk_pairs_grain(const struct vmdk_sparse *sp, uint64_t raw, uint64_t grain);
/* Where all writers put table `number` of a side (1: second): behind its directory, in order. */
uint64_t vmdk_usual_place(const struct vmdk_sparse *sp, int side, uint64_t number);
/* Whether readers would rather believe the other one of two. */
bool vmdk_says_nothing(const struct vmdk_entry *entry);
/*
 * Whether second, of two entries for a grain, is what first was before: writers that lose power
 * leave that, and it is first that counts.
 */
bool vmdk_is_behind(const struct vmdk_entry *first, const struct vmdk_entry *second);

#endif
