/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of amending know of each other. */
#ifndef QCOW2_AMEND_H
#define QCOW2_AMEND_H

#include "format/qcow2/qcow2.h"

/* ---- downgrade.c: what version 2 cannot say ------------------------------------------------------- */

/*
 * Whether the clusters of an image that is written read the same in version 2.  Changes nothing.
 * above: there is, or will be, a backing file.  IMG_E_UNSUPPORTED with the reason.
 */
bool qcow2_downgrade_check(struct qcow2 *q, bool above, struct img_err *err) IMG_MUST_CHECK;
/* Stores zeros where only a flag says that there are some; the disk is in use still. */
bool qcow2_downgrade_store_zeros(struct img_layer *ly, const struct img_job *job,
				 struct img_err *err) IMG_MUST_CHECK;
/*
 * The zeros that are left become holes, in all tables; the disk is not in use any more.  What that
 * frees stays counted: *freed.
 */
bool qcow2_downgrade_tables(struct qcow2 *q, bool *freed, struct img_err *err) IMG_MUST_CHECK;
/* Whether each snapshot has what version 3 demands. */
bool qcow2_upgrade_check(const struct qcow2 *q, struct img_err *err) IMG_MUST_CHECK;

/* ---- rawdata.c ------------------------------------------------------------------------------------ */

/*
 * Makes the data file read as the disk does, without the tables.  Errors: IMG_E_CORRUPT or
 * IMG_E_INCOMPLETE for lost extents, IMG_E_IO, IMG_E_NOSPACE.
 */
bool qcow2_data_file_complete(struct qcow2 *q, const struct img_job *job, struct img_err *err)
	IMG_MUST_CHECK;

/* ---- rebuild.c ------------------------------------------------------------------------------------ */

/* Whether qcow2_rebuild_refcounts() would refuse. */
bool qcow2_rebuild_check(struct qcow2 *q, unsigned order, struct img_err *err) IMG_MUST_CHECK;

#endif
