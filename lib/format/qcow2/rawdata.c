/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A data file that is to be read without its image: §"Header", raw external data bit. */
#include <inttypes.h>

#include "base/err.h"
#include "base/job.h"
#include "base/num.h"
#include "extent/extent.h"
#include "format/qcow2/amend.h"

/* Zeros in [at, end) of the data file; what is a hole there already stays one. */
static bool clear_range(struct img_store *data, uint64_t at, uint64_t end, struct img_err *err)
{
	while (at < end) {
		struct img_extent there;

		if (!img_store_extent(data, at, end, &there, err))
			return false;
		if (there.kind != IMG_EXTENT_ZERO &&
		    !img_store_zero(data, at, there.len, false, err))
			return false;
		at += there.len;
	}
	return true;
}

static bool complete_extent(struct qcow2 *q, const struct img_extent *ex, struct img_err *err)
{
	if (ex->kind == IMG_EXTENT_DATA)
		return true;
	if (img_extent_reads_as_zero(ex))
		return clear_range(q->map.data, ex->start, ex->start + ex->len, err);
	return img_fail(err, ex->kind == IMG_EXTENT_LOST ? ex->loss : IMG_E_UNSUPPORTED,
			_("%" PRIu64 " bytes at %" PRIu64 " of the disk cannot be read"), ex->len,
			ex->start);
}

bool qcow2_data_file_complete(struct qcow2 *q, const struct img_job *job, struct img_err *err)
{
	const uint64_t size = q->header.size;
	struct img_extent ex;
	uint64_t data_size;

	if (!img_store_size(q->map.data, &data_size, err))
		return false;
	if (data_size < size) {
		if (!img_store_resize(q->map.data, size, err))
			return false;
		q->map.data_size = size;
	}
	for (uint64_t at = 0; at < size; at += ex.len) {
		if (!img_job_goes_on(job, err))
			return false;
		if (!qcow2_map_extent(q, at, size, &ex, err) || !complete_extent(q, &ex, err))
			return false;
		if (job && job->progress)
			job->progress(job->ctx, at + ex.len, size);
	}
	return img_store_sync(q->map.data, err);
}
