/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * New qcow2 images, written once in rising guest order.
 *
 *   wish      what was asked for, checked (options.c)
 *   create    the driver's calls, which it passes on to one of two ways
 *   append    files that can seek: data and tables as they come, refcounts and L1 behind them
 *   sequence  pipes: header and all tables in front of the data, from what was announced
 *   tables    L1 and L2 of append;  space: its clusters and their counts;  runs: guest ranges
 */
#ifndef QCOW2_NEW_H
#define QCOW2_NEW_H

#include "base/num.h"
#include "format/qcow2/qcow2.h"
#include "format/qcow2/sequence.h"
#include "format/qcow2/space.h"
#include "format/qcow2/tables.h"
#include "format/qcow2/wish.h"

struct qcow2_new {
	const struct img_write_ops *way;
	enum qcow2_preallocation preallocation;
	struct qcow2_space space;	/* append */
	struct qcow2_tables tables;	/* append */
	uint64_t *twins;		/* append: guest bytes of plain clusters that became shared; owned */
	size_t n_twins, cap_twins;
	struct qcow2_sequence sequence;
};

/* encrypted.c: the cipher of a new image that can seek, and its header.  Errors: of img_luks_format(). */
bool qcow2_encrypt_new(struct img_layer *ly, const struct qcow2_wish *wish,
		       const struct img_secret *key, struct img_err *err) IMG_MUST_CHECK;

/* Takes what preallocation asks for.  ly->priv has header, geometry and data file. */
bool qcow2_append_start(struct img_layer *ly, const struct img_layer_create *what,
			struct img_err *err) IMG_MUST_CHECK;
extern const struct img_write_ops qcow2_append_ops;
extern const struct img_write_ops qcow2_sequence_ops;

/* The disk as the image has it: whole sectors. */
static inline uint64_t qcow2_disk_size(const struct img_layer *ly)
{
	return img_round_up(ly->size, QCOW2_SECTOR);
}

#endif
