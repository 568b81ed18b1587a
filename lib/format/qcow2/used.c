/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of the file the image needs: everything that something refers to, whoever it is. */
#include "base/num.h"
#include "format/qcow2/refs.h"

/* The clusters from *cluster on that are referred to, as many as follow each other; 0: there are none. */
static uint64_t next_run(struct qcow2_refs *refs, uint64_t *cluster)
{
	uint64_t end, next, count;

	if (!qcow2_refs_next(refs, cluster, &count))
		return 0;
	for (end = next = *cluster + 1; qcow2_refs_next(refs, &next, &count) && next == end; next++)
		end++;
	return end - *cluster;
}

static bool visit(struct qcow2_refs *refs, const struct qcow2 *q, const struct img_used *used,
		  struct img_err *err)
{
	const unsigned bits = q->geo.cluster_bits;
	const uint64_t end = q->map.file_size;
	uint64_t cluster = 0, n;

	for (; (n = next_run(refs, &cluster)) > 0; cluster += n) {
		const uint64_t at = cluster << bits;

		/* The last cluster of a file may be cut short. */
		if (at >= end)
			break;
		if (!used->run(used->ctx, at, img_min_u64(n << bits, end - at), err))
			return false;
	}
	return true;
}

bool qcow2_visit_used(struct img_layer *ly, const struct img_used *used, const struct img_job *job,
		      struct img_err *err)
{
	const struct qcow2 *q = ly->priv;
	struct qcow2_refs *refs = NULL;
	const bool ok = qcow2_refs_collect_sound(&q->header, q->map.file, job, &refs, err) &&
			visit(refs, q, used, err);

	qcow2_refs_free(refs);
	return ok;
}
