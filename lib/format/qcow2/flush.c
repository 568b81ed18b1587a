/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a flush does: L2 tables that changed, then L1, then one sync.  A barrier goes in front of
 * L2 tables whose data must be durable first, and in front of L1 when it points to copies of L2
 * tables; both are rare.
 */
#include <string.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/disk.h"

enum { PIECE_ENTRIES = (1 << QCOW2_PIECE_BITS) / sizeof(uint64_t) };

static size_t n_pieces(const struct qcow2 *q)
{
	return img_div_up(q->map.n_l1, PIECE_ENTRIES);
}

void qcow2_l1_changed(struct qcow2 *q, size_t l1_index, bool late)
{
	q->disk->l1_changed[l1_index / PIECE_ENTRIES] = true;
	q->disk->l1_late |= late;
}

bool qcow2_disk_barrier(void *ctx, struct img_err *err)
{
	const struct qcow2 *q = ctx;

	return (!q->data_file || img_store_sync(q->data_file, err)) &&
	       img_store_sync(q->map.file, err);
}

/* Pieces of L1 as they were when the flush began: they point to no table that it does not write. */
struct l1_copy {
	bool *changed;			/* for each piece; owned, NULL: nothing changed */
	uint8_t *raw;			/* the changed pieces, one behind the other; owned */
	bool late;
};

static void l1_copy_free(struct l1_copy *copy)
{
	free(copy->changed);
	free(copy->raw);
}

static size_t piece_entries(const struct qcow2 *q, size_t piece)
{
	return img_min_u64(PIECE_ENTRIES, q->map.n_l1 - piece * PIECE_ENTRIES);
}

static void copy_piece(const struct qcow2 *q, size_t piece, uint8_t *to)
{
	for (size_t i = 0; i < piece_entries(q, piece); i++)
		img_put_be64(to + i * sizeof(uint64_t), q->map.l1[piece * PIECE_ENTRIES + i]);
}

/* Lock held.  What is copied counts as written until l1_restore(). */
static bool l1_take(struct qcow2 *q, struct l1_copy *copy, struct img_err *err)
{
	struct qcow2_disk *disk = q->disk;
	const size_t pieces = n_pieces(q);
	size_t n = 0;

	*copy = (struct l1_copy){ .late = disk->l1_late };
	for (size_t i = 0; i < pieces; i++)
		n += disk->l1_changed[i];
	if (!n)
		return true;
	copy->changed = img_calloc(pieces, sizeof(bool), err);
	copy->raw = img_alloc_aligned(n << QCOW2_PIECE_BITS, err);
	if (!copy->changed || !copy->raw)
		return false;
	memcpy(copy->changed, disk->l1_changed, pieces * sizeof(bool));
	memset(disk->l1_changed, 0, pieces * sizeof(bool));
	disk->l1_late = false;
	n = 0;
	for (size_t i = 0; i < pieces; i++)
		if (copy->changed[i])
			copy_piece(q, i, copy->raw + (n++ << QCOW2_PIECE_BITS));
	return true;
}

/* Lock held. */
static void l1_restore(struct qcow2 *q, const struct l1_copy *copy)
{
	if (!copy->changed)
		return;
	for (size_t i = 0; i < n_pieces(q); i++)
		q->disk->l1_changed[i] |= copy->changed[i];
	q->disk->l1_late |= copy->late;
}

/* Without the lock. */
static bool l1_write(struct qcow2 *q, const struct l1_copy *copy, struct img_err *err)
{
	const uint8_t *raw = copy->raw;

	if (!copy->changed)
		return true;
	if (copy->late && !qcow2_disk_barrier(q, err))
		return false;
	for (size_t i = 0; i < n_pieces(q); i++) {
		if (!copy->changed[i])
			continue;
		if (!img_store_write(q->map.file, q->header.l1_off + ((uint64_t)i << QCOW2_PIECE_BITS),
				     raw, piece_entries(q, i) * sizeof(uint64_t), err))
			return false;
		raw += 1 << QCOW2_PIECE_BITS;
	}
	return true;
}

/* Lock held.  Moves all of from behind what to has; what there is no memory for leaks. */
static void move_stretches(struct qcow2_stretches *to, struct qcow2_stretches *from)
{
	if (!to->n) {
		qcow2_stretches_clear(to);
		*to = *from;
		*from = (struct qcow2_stretches){ 0 };
		return;
	}
	for (size_t i = 0; i < from->n; i++)
		(void)!qcow2_stretches_add(to, from->v[i].first, from->v[i].n, NULL);
	qcow2_stretches_clear(from);
}

/* Lock held. */
static bool flush_tables(struct qcow2 *q, const struct l1_copy *l1, struct img_err *err)
{
	if (!qcow2_cache_write_all(q->map.cache, err))
		return false;
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	const bool ok = l1_write(q, l1, err) && qcow2_disk_barrier(q, err);

	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	return ok;
}

/* Lock held. */
static bool flush_locked(struct qcow2 *q, struct img_err *err)
{
	struct qcow2_disk *disk = q->disk;
	struct qcow2_stretches dropped = disk->dropped;
	struct l1_copy l1;
	bool ok;

	if (disk->contradiction)
		return qcow2_contradiction(disk, err, _("the image contradicts itself; nothing more "
					   "is written to it"));
	/* From here on others drop clusters that the tables on the disk still refer to. */
	disk->dropped = (struct qcow2_stretches){ 0 };
	ok = l1_take(q, &l1, err) && flush_tables(q, &l1, err);
	if (!ok)
		l1_restore(q, &l1);
	l1_copy_free(&l1);
	move_stretches(ok ? &disk->gone : &disk->dropped, &dropped);
	return ok;
}

bool qcow2_flush(struct qcow2 *q, struct img_err *err)
{
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	const bool ok = flush_locked(q, err);

	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	return ok;
}
