/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables in bulk: a range of the file in pieces, or a list of clusters in runs. */
#include "format/qcow2/bulk.h"

#include "base/mem.h"
#include "base/num.h"

bool qcow2_bulk_range(struct img_store *file, uint64_t at, uint64_t len, qcow2_bulk_visit *visit,
		      void *ctx, struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *raw = NULL;

	if (!len)
		return true;
	raw = img_alloc_aligned(img_min_u64(len, QCOW2_BULK_BYTES), err);
	if (!raw)
		return false;
	for (size_t index = 0; len; index++) {
		const size_t piece = img_min_u64(len, QCOW2_BULK_BYTES);

		if (!img_store_read_padded(file, at, raw, piece, err) ||
		    !visit(ctx, index, at, raw, piece, err))
			return false;
		at += piece;
		len -= piece;
	}
	return true;
}

bool qcow2_cluster_list_add(struct qcow2_cluster_list *list, uint64_t host, struct img_err *err)
{
	uint64_t *v = img_grow_by_one(list->v, list->n, &list->cap, sizeof(*v), err);

	if (!v)
		return false;
	list->v = v;
	list->v[list->n++] = host;
	return true;
}

void qcow2_cluster_list_clear(struct qcow2_cluster_list *list)
{
	free(list->v);
	list->v = NULL;
	list->n = list->cap = 0;
}

/* How many clusters from first on one read can get. */
static size_t run_length(const struct qcow2_cluster_list *list, size_t first)
{
	const size_t cluster = (size_t)1 << list->cluster_bits;
	const size_t most = img_max_u64(QCOW2_BULK_BYTES / cluster, 1);
	size_t n = 1;

	while (n < most && first + n < list->n &&
	       list->v[first + n] == list->v[first] + n * cluster)
		n++;
	return n;
}

bool qcow2_bulk_clusters(const struct qcow2_cluster_list *list, qcow2_bulk_visit *visit, void *ctx,
			 struct img_err *err)
{
	const size_t cluster = (size_t)1 << list->cluster_bits;
	IMG_AUTO_FREE uint8_t *raw = NULL;
	size_t n;

	if (!list->n)
		return true;
	raw = img_alloc_aligned(img_max_u64(cluster, QCOW2_BULK_BYTES), err);
	if (!raw)
		return false;
	for (size_t first = 0; first < list->n; first += n) {
		n = run_length(list, first);
		if (!img_store_read_padded(list->file, list->v[first], raw, n * cluster, err))
			return false;
		for (size_t i = 0; i < n; i++)
			if (!visit(ctx, first + i, list->v[first + i], raw + i * cluster, cluster,
				   err))
				return false;
	}
	return true;
}

void qcow2_changes_note(struct qcow2_changes *changes, size_t at, size_t len)
{
	if (!changes->end)
		changes->start = at;
	changes->start = img_min_u64(changes->start, at);
	changes->end = img_max_u64(changes->end, at + len);
}

bool qcow2_changes_write(const struct qcow2_changes *changes, struct img_store *file, uint64_t host,
			 const uint8_t *raw, struct img_err *err)
{
	const size_t start = img_round_down(changes->start, QCOW2_SECTOR);

	return !changes->end ||
	       img_store_write(file, host + start, raw + start, changes->end - start, err);
}
