/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guest bytes that become zeros, or are not needed any more.  Whole clusters, or subclusters, change
 * their entries; the rest is written.  A cluster that loses its data is dropped, and comes back to
 * the file system when the tables on the disk do not refer to it any more.
 */
#include <string.h>
#include "base/err.h"
#include "base/num.h"
#include "format/qcow2/disk.h"
#include "store/zeros.h"

enum erase_how {
	ERASE_KEEP,			/* zeros; the space stays */
	ERASE_UNMAP,			/* zeros; the space goes */
	ERASE_DISCARD,			/* whatever is cheapest; the space goes */
};

/* What becomes of one cluster. */
enum verdict {
	VERDICT_NOTHING,		/* it is as wished */
	VERDICT_ENTRY,			/* the new entry says it */
	VERDICT_WRITE,			/* no entry can say it: zeros must be written */
};

struct erasing {
	struct img_layer *ly;
	struct qcow2 *q;
	enum erase_how how;
};

static bool can_say_zero(const struct qcow2 *q)
{
	return q->geo.zero_flag || q->geo.subclusters;
}

/* Whether the entry shows zeros already, whatever lies below. */
static bool shows_zeros(const struct erasing *er, const struct qcow2_cluster *c)
{
	return c->kind == QCOW2_CLUSTER_ZERO || (c->kind == QCOW2_CLUSTER_HOLE && !er->ly->below);
}

/* The entry of a whole cluster afterwards; old may be changed to it. */
static enum verdict judge(const struct erasing *er, struct qcow2_cluster *c)
{
	const bool hole_will_do = !er->ly->below &&
				  (er->how == ERASE_DISCARD || !can_say_zero(er->q));
	const bool keep = er->how == ERASE_KEEP && c->copied && c->kind != QCOW2_CLUSTER_COMPRESSED;

	if (shows_zeros(er, c) && (!c->allocated || keep))
		return VERDICT_NOTHING;
	if (c->kind == QCOW2_CLUSTER_HOLE && !c->allocated && er->how == ERASE_DISCARD)
		return VERDICT_NOTHING;		/* it may as well show what lies below */
	if (!can_say_zero(er->q) && (keep || !hole_will_do))
		return er->how == ERASE_DISCARD ? VERDICT_NOTHING : VERDICT_WRITE;
	if (keep) {
		qcow2_cluster_set_maps(c, 0, UINT32_MAX);
		return VERDICT_ENTRY;
	}
	*c = (struct qcow2_cluster){
		.kind = hole_will_do ? QCOW2_CLUSTER_HOLE : QCOW2_CLUSTER_ZERO,
	};
	return VERDICT_ENTRY;
}

/* Lock held.  Erases clusters from at on until one must be written; *next is where that is, or end. */
static bool erase_entries(const struct erasing *er, struct qcow2_table *table, uint64_t at,
			  uint64_t end, uint64_t *next, struct img_err *err)
{
	struct qcow2 *q = er->q;

	for (; at < end; at += qcow2_cluster_size(&q->geo)) {
		struct qcow2_cluster old, now;

		if (!qcow2_l2_get(q, table, false, at, &old, err))
			return false;
		now = old;
		const enum verdict verdict = judge(er, &now);

		if (verdict == VERDICT_WRITE)
			break;
		if (verdict == VERDICT_NOTHING)
			continue;
		if (!now.allocated && !qcow2_may_drop(q, &old, err))
			return false;
		qcow2_l2_put(q, table, at, &now, false);
		if (!now.allocated)
			qcow2_drop_cluster(q, &old);
	}
	*next = img_min_u64(at, end);
	return true;
}

/* Lock held.  Whether any of the clusters needs its entry changed, or zeros written. */
static bool needs_change(const struct erasing *er, uint64_t at, uint64_t end, bool *needs,
			 struct img_err *err)
{
	struct qcow2 *q = er->q;
	struct qcow2_table *table;
	bool shared, ok = true;

	if (!qcow2_l2_for_look(q, at, &table, &shared, err))
		return false;
	if (!table) {
		*needs = er->ly->below && er->how != ERASE_DISCARD;
		return true;
	}
	*needs = false;
	for (; ok && !*needs && at < end; at += qcow2_cluster_size(&q->geo)) {
		struct qcow2_cluster c;

		ok = qcow2_l2_get(q, table, shared, at, &c, err);
		if (ok)
			*needs = judge(er, &c) != VERDICT_NOTHING;
	}
	qcow2_cache_put(q->map.cache, table);
	return ok;
}

/* Lock held; the clusters are claimed. */
static bool erase_claimed(const struct erasing *er, uint64_t at, uint64_t end, uint64_t *next,
			  struct img_err *err)
{
	struct qcow2_table *table;
	bool needs;

	if (!needs_change(er, at, end, &needs, err))
		return false;
	*next = end;
	if (!needs)
		return true;
	if (!qcow2_l2_for_change(er->q, at, &table, err))
		return false;
	const bool ok = erase_entries(er, table, at, end, next, err);

	qcow2_cache_put(er->q->map.cache, table);
	return ok;
}

/* Whole clusters of one L2 table. */
static bool erase_in_table(const struct erasing *er, uint64_t at, uint64_t end, uint64_t *next,
			   struct img_err *err)
{
	const unsigned bits = er->q->geo.cluster_bits;
	struct img_claim claim = { .first = at >> bits, .end = img_div_up(end, 1ull << bits) };
	pthread_mutex_t *lock = qcow2_cache_lock(er->q->map.cache);

	pthread_mutex_lock(lock);
	img_claim(&er->q->disk->claims, &claim);
	const bool ok = erase_claimed(er, at, end, next, err);

	img_unclaim(&er->q->disk->claims, &claim);
	pthread_mutex_unlock(lock);
	return ok;
}

/* ---- Zeros that are written ------------------------------------------------------------------ */

/* Through the way of any write: it knows about copies and parts of clusters. */
static bool write_zeros(const struct erasing *er, uint64_t at, uint64_t end, struct img_err *err)
{
	for (uint64_t n; at < end; at += n) {
		n = img_min_u64(end - at, IMG_ZEROS_BYTES);
		if (!qcow2_write(er->ly, at, img_zeros, n, err))
			return false;
	}
	return true;
}

/* Part of a cluster: nothing to do where zeros are read already. */
static bool erase_part(const struct erasing *er, uint64_t at, uint64_t end, struct img_err *err)
{
	bool zero;

	if (er->how == ERASE_DISCARD || at >= end)
		return true;
	return qcow2_old_is_zero(er->ly, at, end - at, &zero, err) &&
	       (zero || write_zeros(er, at, end, err));
}

/* Whole clusters, [at, end); the last one may end at the end of the disk. */
static bool erase_whole(const struct erasing *er, uint64_t at, uint64_t end, struct img_err *err)
{
	const unsigned bits = qcow2_l1_bits(&er->q->geo);
	const uint64_t size = qcow2_cluster_size(&er->q->geo);

	while (at < end) {
		const uint64_t table_end = img_min_u64(end, ((at >> bits) + 1) << bits);
		uint64_t next;

		if (!erase_in_table(er, at, table_end, &next, err))
			return false;
		at = next;
		if (at == table_end)
			continue;
		if (!write_zeros(er, at, img_min_u64(end, at + size), err))
			return false;
		at = img_min_u64(end, at + size);
	}
	return true;
}

static bool erase(const struct erasing *er, uint64_t at, uint64_t len, struct img_err *err)
{
	const uint64_t size = qcow2_cluster_size(&er->q->geo), end = at + len;
	const uint64_t first = img_min_u64(img_round_up(at, size), end);
	/* The end of the disk ends its last cluster. */
	const uint64_t last = end == er->ly->size ? end : img_round_down(end, size);

	if (first >= last)
		return erase_part(er, at, end, err);
	return erase_part(er, at, first, err) && erase_whole(er, first, last, err) &&
	       erase_part(er, last, end, err);
}

/* ---- Data files ------------------------------------------------------------------------------ */

/*
 * A place in the data file belongs to one guest cluster for ever: zeros are put there, and clusters
 * that are stored stay so.  What is not stored gets its entry as in any image.
 */
static bool erase_data_file(const struct erasing *er, uint64_t at, uint64_t len,
			    struct img_err *err)
{
	struct qcow2 *q = er->q;
	const uint64_t size = q->map.data_size;
	const uint64_t there = img_min_u64(len, size - img_min_u64(size, at));
	const bool keep = er->how == ERASE_KEEP;

	if (!keep && !(q->map.data->caps & IMG_STORE_ZERO) && er->how == ERASE_DISCARD)
		return true;
	return img_store_zero(q->map.data, at, there, keep, err);
}

static bool zero_extent(const struct erasing *er, const struct img_extent *ex, struct img_err *err)
{
	if (ex->kind == IMG_EXTENT_DATA)
		return erase_data_file(er, ex->start, ex->len, err);
	if (ex->kind == IMG_EXTENT_ENCODED)
		return write_zeros(er, ex->start, ex->start + ex->len, err);
	return erase(er, ex->start, ex->len, err);
}

/* Zeros over what the data file stores, entries for what it does not. */
static bool zero_with_data_file(const struct erasing *er, uint64_t at, uint64_t len,
				struct img_err *err)
{
	const uint64_t end = at + len;
	struct img_extent ex;

	for (; at < end; at += ex.len) {
		if (!qcow2_map_extent(er->q, at, end, &ex, err))
			return false;
		if (ex.kind == IMG_EXTENT_LOST)
			return img_fail(err, ex.loss, "%s", _(ex.why));
		if (!zero_extent(er, &ex, err))
			return false;
	}
	return true;
}

/* ---- Requests -------------------------------------------------------------------------------- */

bool qcow2_zero(struct img_layer *ly, uint64_t at, uint64_t len, bool unmap, struct img_err *err)
{
	const struct erasing er = {
		.ly = ly, .q = ly->priv, .how = unmap ? ERASE_UNMAP : ERASE_KEEP,
	};

	if (er.q->geo.data_file)
		return zero_with_data_file(&er, at, len, err);
	return erase(&er, at, len, err);
}

bool qcow2_discard(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err)
{
	const struct erasing er = { .ly = ly, .q = ly->priv, .how = ERASE_DISCARD };

	if (!er.q->geo.data_file)
		return erase(&er, at, len, err);
	/* Zeros there would not be deciphered to zeros. */
	return qcow2_is_encrypted(er.q) || erase_data_file(&er, at, len, err);
}
