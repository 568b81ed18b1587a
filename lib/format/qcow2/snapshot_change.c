/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The common way of all changes of snapshots.  All of it gets into the file at once: an L2 table that
 * is shared and a flag that says that it is not are a contradiction in whatever order they are
 * written, so there is no order that would do without a journal.
 *
 * References are counted before the header changes and afterwards, in bulk, and each refcount changes
 * by the difference: so a count stays as it is where it counts what is not known here.
 */
#include "format/qcow2/snapshot.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/bulk.h"

/* ---- Beginning ----------------------------------------------------------------------------------- */

bool qcow2_snapshot_begin(struct qcow2_snapshot_change *change, struct img_layer *ly,
			  struct img_err *err)
{
	struct qcow2 *q = ly->priv;

	*change = (struct qcow2_snapshot_change){ .ly = ly, .q = q };
	if (q->geo.data_file)
		return img_fail(err, IMG_E_UNSUPPORTED, _("an image that keeps its data in another "
				"file cannot have snapshots"));
	if (q->disk->contradiction)
		return img_fail(err, IMG_E_CORRUPT, _("the image contradicts itself"));
	return qcow2_snapshots_read(&q->header, q->map.file, q->map.file_size, &change->list, err);
}

void qcow2_snapshot_end(struct qcow2_snapshot_change *change)
{
	qcow2_snapshots_clear(&change->list);
	qcow2_stretches_clear(&change->taken);
	qcow2_refs_free(change->before);
	free(change->table);
}

/* Room for len bytes of tables; 0 when there are none. */
static bool take(struct qcow2_snapshot_change *change, uint64_t len, uint64_t *host,
		 struct img_err *err)
{
	const unsigned bits = change->q->geo.cluster_bits;
	const uint64_t n = img_div_up(len, UINT64_C(1) << bits);

	*host = 0;
	return !n || (qcow2_disk_take(change->q, n, host, err) &&
		      qcow2_stretches_add(&change->taken, *host >> bits, n, err));
}

bool qcow2_snapshot_take_l1(struct qcow2_snapshot_change *change, uint32_t n, uint64_t *host,
			    struct img_err *err)
{
	return take(change, (uint64_t)n * 8, host, err);
}

/* ---- The end of the disk ------------------------------------------------------------------------- */

/* What was taken is counted in the image already. */
static bool claim_taken(struct qcow2_snapshot_change *change, struct img_err *err)
{
	for (size_t i = 0; i < change->taken.n; i++)
		if (!qcow2_refs_claim(change->before, change->taken.v[i].first,
				      change->taken.v[i].n, err))
			return false;
	return true;
}

bool qcow2_snapshot_settle_disk(struct qcow2_snapshot_change *change, struct img_err *err)
{
	struct qcow2 *q = change->q;

	change->table = qcow2_snapshots_encode(&change->list, &change->table_len, err);
	if (!change->table || !take(change, change->table_len, &change->table_off, err) ||
	    !qcow2_disk_finish(change->ly, err))
		return false;
	qcow2_bitmaps_free(q);
	qcow2_disk_free(q);
	change->before = qcow2_refs_collect_certain(&q->header, q->map.file, err);
	return change->before && claim_taken(change, err);
}

/* ---- Writing ------------------------------------------------------------------------------------- */

struct l1_copy {
	struct img_store *file;
	uint64_t shift;			/* from the old place to the new one, modulo 2^64 */
};

static bool copy_piece(void *ctx, size_t index, uint64_t host, uint8_t *raw, size_t len,
		       struct img_err *err)
{
	const struct l1_copy *copy = ctx;

	(void)index;
	for (size_t i = 0; i + 8 <= len; i += 8)
		img_put_be64(raw + i, img_get_be64(raw + i) & ~QCOW2_ENTRY_COPIED);
	return img_store_write(copy->file, host + copy->shift, raw, len, err);
}

bool qcow2_snapshot_copy_l1(struct qcow2_snapshot_change *change, uint64_t from, uint32_t n,
			    uint64_t to, struct img_err *err)
{
	struct l1_copy copy = { .file = change->q->map.file, .shift = to - from };

	return qcow2_bulk_range(copy.file, from, (uint64_t)n * 8, copy_piece, &copy, err);
}

/* The file ends behind cluster `end`, if it can; *size: what it has then. */
static bool cut(struct qcow2 *q, uint64_t end, uint64_t *size, struct img_err *err)
{
	const uint64_t wanted = end << q->geo.cluster_bits;

	if (!img_store_size(q->map.file, size, err))
		return false;
	if (wanted >= *size || !(q->map.file->caps & IMG_STORE_RESIZE))
		return true;
	*size = wanted;
	return img_store_resize(q->map.file, wanted, err);
}

/* What became free gives its room back to the file system; the last cluster in use is used - 1. */
static bool give_back(struct qcow2 *q, const struct qcow2_stretches *freed, uint64_t used,
		      struct img_err *err)
{
	const unsigned bits = q->geo.cluster_bits;
	uint64_t size;

	if (!freed->n)
		return true;
	if (!cut(q, used, &size, err))
		return false;
	for (size_t i = 0; i < freed->n; i++) {
		const uint64_t at = freed->v[i].first << bits;
		const uint64_t end = img_min_u64((freed->v[i].first + freed->v[i].n) << bits, size);

		if (at < end && !img_store_zero(q->map.file, at, end - at, false, err))
			return false;
	}
	return true;
}

/* Counts and flags follow what the tables say now. */
static bool follow(struct qcow2_snapshot_change *change, struct img_err *err)
{
	struct qcow2 *q = change->q;
	struct qcow2_stretches freed = { 0 };
	struct qcow2_refs *now = qcow2_refs_collect_certain(&q->header, q->map.file, err);
	uint64_t used;
	const bool ok = now &&
			qcow2_refs_shift(change->before, now, &q->header, q->map.file, &freed,
					 &used, err) &&
			qcow2_copied_check(now, &q->header, q->map.file, true, NULL, err) &&
			give_back(q, &freed, used, err);

	qcow2_refs_free(now);
	qcow2_stretches_clear(&freed);
	return ok;
}

bool qcow2_snapshot_commit(struct qcow2_snapshot_change *change, struct img_err *err)
{
	struct qcow2 *q = change->q;

	q->header.n_snapshots = (uint32_t)change->list.n;
	q->header.snapshots_off = change->table_off;
	return (!change->table_len ||
		img_store_write(q->map.file, change->table_off, change->table, change->table_len,
				err)) &&
	       qcow2_header_patch(q, err) && follow(change, err);
}
