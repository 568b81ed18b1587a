/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Clusters for an image that is written.  They are made ready in batches: counted as used, filled
 * with zeros, and all that durable with one sync.  From then on whatever points to one of them may
 * reach the disk before what is written into it: until that arrives it reads as zeros, and a loss
 * of power leaks what was ready, no more.
 */
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/disk.h"

enum {
	BATCH_MIN_BYTES = 16 << 20,
	BATCH_MAX_BYTES = 128 << 20,
	BATCH_MIN_CLUSTERS = 8,
	BATCH_SHARE = 8,		/* of the disk at most an eighth */
	BATCH_GROWTH = 4,		/* a quarter of what was needed so far */
	REGION_BYTES = 1 << 20,
	KEPT_MAX = 1024,		/* stretches that are ready */
};

/* ---- Making ready ---------------------------------------------------------------------------- */

static uint64_t batch_size(const struct qcow2 *q)
{
	const unsigned bits = q->geo.cluster_bits;
	const uint64_t share = (q->header.size >> bits) / BATCH_SHARE;
	uint64_t n = img_max_u64(q->disk->taken / BATCH_GROWTH, BATCH_MIN_BYTES >> bits);

	n = img_min_u64(n, BATCH_MAX_BYTES >> bits);
	return img_max_u64(img_min_u64(n, share), BATCH_MIN_CLUSTERS);
}

void qcow2_alloc_start(struct qcow2 *q)
{
	const uint64_t share = batch_size(q) / 4;
	uint64_t region = img_max_u64(REGION_BYTES >> q->geo.cluster_bits, 1);

	while (region > 1 && region > share)
		region /= 2;
	q->disk->region = region;
}

/*
 * The next free clusters inside the file.  Looking for them may let the lock go, and what becomes
 * free meanwhile lowers the hint: that must not be undone.
 */
static bool find_free(struct qcow2 *q, uint64_t max, struct qcow2_stretch *out,
		      struct img_err *err)
{
	struct qcow2_disk *disk = q->disk;
	const uint64_t from = disk->hint;

	disk->hint = UINT64_MAX;
	const bool ok = qcow2_counts_find_free(q, from, max, out, err);

	disk->hint = img_min_u64(disk->hint, ok ? out->first + out->n : from);
	return ok;
}

/* Free clusters inside the file, counted as used from now on; at most max. */
static bool pick_inside(struct qcow2 *q, uint64_t max, struct qcow2_stretches *picked,
			struct img_err *err)
{
	struct qcow2_stretch some;

	while (max > 0) {
		if (!find_free(q, max, &some, err))
			return false;
		if (!some.n)
			return true;
		if (!qcow2_guard_check(q, some.first << q->geo.cluster_bits,
				       some.n << q->geo.cluster_bits, err) ||
		    !qcow2_counts_set(q, some, err) ||
		    !qcow2_stretches_add(picked, some.first, some.n, err))
			return false;
		max -= some.n;
	}
	return true;
}

/* Without the lock. */
static bool make_zero(struct qcow2 *q, const struct qcow2_stretches *picked, struct img_err *err)
{
	const unsigned bits = q->geo.cluster_bits;

	for (size_t i = 0; i < picked->n; i++)
		if (!img_store_zero(q->map.file, picked->v[i].first << bits,
				    picked->v[i].n << bits, false, err))
			return false;
	return true;
}

static bool settle(struct qcow2 *q, const struct qcow2_stretches *picked, struct img_err *err)
{
	for (size_t i = 0; i < picked->n; i++)
		if (!qcow2_counts_write(q, picked->v[i], err))
			return false;
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	const bool ok = make_zero(q, picked, err) && img_store_sync(q->map.file, err);
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	return ok;
}

/* What was counted and could not be made ready, and that nothing refers to, is free again. */
static void uncount(struct qcow2 *q, struct qcow2_stretch which)
{
	/* What cannot be undone leaks. */
	if (qcow2_counts_lower(q, which, NULL))
		q->disk->hint = img_min_u64(q->disk->hint, which.first);
}

/* adjacent: all in one piece. */
static bool prepare_batch(struct qcow2 *q, uint64_t wanted, bool adjacent,
			  struct qcow2_stretches *picked, struct img_err *err)
{
	struct qcow2_stretch more;
	uint64_t inside = 0;

	if (!adjacent && !pick_inside(q, wanted, picked, err))
		return false;
	for (size_t i = 0; i < picked->n; i++)
		inside += picked->v[i].n;
	/* There may be more from an attempt that failed. */
	if (inside >= wanted)
		return settle(q, picked, err);
	if (!qcow2_grow(q, wanted - inside, &more, err))
		return inside > 0 && settle(q, picked, err);
	if (settle(q, picked, err) && qcow2_stretches_add(picked, more.first, more.n, err))
		return true;
	uncount(q, more);
	return false;
}

/* Makes at least `least` clusters ready, all of them adjacent if so wished. */
static bool prepare(struct qcow2 *q, uint64_t least, bool adjacent, struct img_err *err)
{
	struct qcow2_disk *disk = q->disk;
	struct qcow2_stretches picked = { 0 };
	bool ok;

	disk->preparing = true;
	ok = prepare_batch(q, img_max_u64(least, batch_size(q)), adjacent, &picked, err);
	if (!ok && least < BATCH_MIN_CLUSTERS && err && err->code == IMG_E_NOSPACE)
		/* A device may have room for what is needed, though not for a batch. */
		ok = prepare_batch(q, least, adjacent, &picked, err);
	for (size_t i = 0; !ok && i < picked.n; i++)
		uncount(q, picked.v[i]);
	for (size_t i = 0; ok && i < picked.n; i++)
		ok = qcow2_stretches_add(&disk->ready, picked.v[i].first, picked.v[i].n, err);
	qcow2_stretches_clear(&picked);
	disk->preparing = false;
	pthread_cond_broadcast(&disk->progress);
	return ok;
}

/* ---- Taking ---------------------------------------------------------------------------------- */

/* Room for n stretches in the place of stretch i. */
static bool make_gap(struct qcow2_stretches *list, size_t i, size_t n, struct img_err *err)
{
	const size_t len = list->n + n - 1;

	if (len > list->cap) {
		struct qcow2_stretch *v = img_grow(list->v, len * 2, sizeof(*v), err);

		if (!v)
			return false;
		list->v = v;
		list->cap = len * 2;
	}
	memmove(list->v + i + n, list->v + i + 1, (list->n - i - 1) * sizeof(*list->v));
	list->n = len;
	return true;
}

/*
 * Takes `which` out of ready stretch i.  Of what is left behind it `kept` clusters stay apart from
 * the rest.  IMG_E_NOMEM, and nothing is taken.
 */
static bool cut(struct qcow2_disk *disk, size_t i, struct qcow2_stretch which, uint64_t kept,
		struct img_err *err)
{
	const struct qcow2_stretch whole = disk->ready.v[i];
	const uint64_t behind = which.first + which.n, left = whole.first + whole.n - behind;
	const uint64_t apart = img_min_u64(kept, left);
	const struct qcow2_stretch parts[3] = {
		{ whole.first, which.first - whole.first },
		{ behind, apart },
		{ behind + apart, left - apart },
	};
	size_t n = 0;

	for (size_t k = 0; k < 3; k++)
		n += parts[k].n > 0;
	if (!make_gap(&disk->ready, i, n, err))
		return false;
	for (size_t k = 0; k < 3; k++)
		if (parts[k].n)
			disk->ready.v[i++] = parts[k];
	disk->taken += which.n;
	return true;
}

/* What continues the neighbours in the file, if that is ready; false: it is not. */
static bool take_near(struct qcow2_disk *disk, const struct qcow2_want *want,
		      struct qcow2_stretch *out)
{
	for (size_t i = 0; want->near && i < disk->ready.n; i++) {
		const struct qcow2_stretch s = disk->ready.v[i];

		if (want->near < s.first || want->near >= s.first + s.n)
			continue;
		*out = (struct qcow2_stretch){
			want->near, img_min_u64(want->max, s.first + s.n - want->near),
		};
		return cut(disk, i, *out, 0, NULL);
	}
	return false;
}

/* The first of a region that nobody has touched, at the same place in it as in the guest's. */
static bool take_region(struct qcow2_disk *disk, size_t i, const struct qcow2_want *want,
			struct qcow2_stretch *out, struct img_err *err)
{
	const struct qcow2_stretch s = disk->ready.v[i];
	const uint64_t skip = want->guest & (disk->region - 1);
	const uint64_t n = img_min_u64(want->max, s.n - skip);

	*out = (struct qcow2_stretch){ s.first + skip, n };
	return cut(disk, i, *out, -(skip + n) & (disk->region - 1), err);
}

static bool take_any(struct qcow2_disk *disk, const struct qcow2_want *want,
		     struct qcow2_stretch *out, struct img_err *err)
{
	const struct qcow2_stretch s = disk->ready.v[0];

	*out = (struct qcow2_stretch){ s.first, img_min_u64(want->max, s.n) };
	return cut(disk, 0, *out, 0, err);
}

/* The first stretch of at least n; ready->n: none. */
static size_t find_ready(const struct qcow2_disk *disk, uint64_t n)
{
	size_t i = 0;

	while (i < disk->ready.n && disk->ready.v[i].n < n)
		i++;
	return i;
}

/* Waits for others who make clusters ready, or does so. */
static bool more_ready(struct qcow2 *q, uint64_t least, bool adjacent, struct img_err *err)
{
	struct qcow2_disk *disk = q->disk;

	if (disk->contradiction)
		return qcow2_contradiction(disk, err, _("the image contradicts itself"));
	if (!disk->preparing)
		return prepare(q, least, adjacent, err);
	pthread_cond_wait(&disk->progress, qcow2_cache_lock(q->map.cache));
	return true;
}

bool qcow2_take(struct qcow2 *q, const struct qcow2_want *want, struct qcow2_stretch *out,
		struct img_err *err)
{
	struct qcow2_disk *disk = q->disk;
	struct img_err why = { 0 };

	for (;;) {
		if (take_near(disk, want, out))
			return true;
		const size_t i = find_ready(disk, disk->region);

		if (i < disk->ready.n)
			return take_region(disk, i, want, out, err);
		if (disk->ready.n >= KEPT_MAX)
			return take_any(disk, want, out, err);
		if (more_ready(q, 1, false, &why))
			continue;
		/* What was kept for others is better than nothing. */
		if (why.code == IMG_E_NOSPACE && disk->ready.n)
			return take_any(disk, want, out, err);
		if (err)
			*err = why;
		return false;
	}
}

bool qcow2_take_tables(struct qcow2 *q, uint64_t n, uint64_t *host, struct img_err *err)
{
	struct qcow2_disk *disk = q->disk;
	struct qcow2_stretch out;
	size_t i;

	while ((i = find_ready(disk, n)) == disk->ready.n)
		if (!more_ready(q, n, n > 1, err))
			return false;
	out = (struct qcow2_stretch){ disk->ready.v[i].first, n };
	if (!cut(disk, i, out, 0, err))
		return false;
	*host = out.first << q->geo.cluster_bits;
	return qcow2_guard_add(q, *host, n << q->geo.cluster_bits, err);
}

/* ---- Giving back ----------------------------------------------------------------------------- */

static uint64_t stored_len(const struct qcow2 *q, const struct qcow2_cluster *cluster)
{
	return cluster->kind == QCOW2_CLUSTER_COMPRESSED ? cluster->stored_len
							 : qcow2_cluster_size(&q->geo);
}

bool qcow2_may_drop(struct qcow2 *q, const struct qcow2_cluster *cluster, struct img_err *err)
{
	return !cluster->allocated || q->geo.data_file ||
	       qcow2_guard_check(q, cluster->host, stored_len(q, cluster), err);
}

void qcow2_drop_cluster(struct qcow2 *q, const struct qcow2_cluster *cluster)
{
	if (cluster->allocated && !q->geo.data_file)
		qcow2_drop(q, cluster->host, stored_len(q, cluster));
}

void qcow2_drop(struct qcow2 *q, uint64_t host, uint64_t len)
{
	const unsigned bits = q->geo.cluster_bits;
	const uint64_t first = host >> bits, last = (host + len - 1) >> bits;

	/* Out of memory the clusters leak, which does no harm. */
	(void)!qcow2_stretches_add(&q->disk->dropped, first, last - first + 1, NULL);
}

/* Lowers the counts of clusters that others need too; those that nobody needs go to *empty. */
static bool lower_shared(struct qcow2 *q, struct qcow2_stretch which,
			 struct qcow2_stretches *empty, struct img_err *err)
{
	for (uint64_t i = 0; i < which.n; i++) {
		const struct qcow2_stretch one = { which.first + i, 1 };
		uint64_t count;

		if (!qcow2_count_read(q, one.first, &count, err) ||
		    (count == 1 ? !qcow2_stretches_add(empty, one.first, 1, err)
				: !qcow2_counts_lower(q, one, err)))
			return false;
	}
	return true;
}

/*
 * Space goes back to the file system before the clusters count as free: once they do, somebody may
 * be writing there.  Without the lock.  A store that cannot keeps the space.
 */
static void punch(struct qcow2 *q, const struct qcow2_stretches *empty)
{
	const unsigned bits = q->geo.cluster_bits;

	if (!(q->map.file->caps & IMG_STORE_ZERO))
		return;
	for (size_t i = 0; i < empty->n; i++) {
		const uint64_t host = empty->v[i].first << bits, size = q->map.file_size;
		const uint64_t len = img_min_u64(empty->v[i].n << bits,
						 size - img_min_u64(size, host));

		(void)!img_store_zero(q->map.file, host, len, false, NULL);
	}
}

static bool free_empty(struct qcow2 *q, const struct qcow2_stretches *empty, struct img_err *err)
{
	for (size_t i = 0; i < empty->n; i++) {
		const struct qcow2_stretch which = empty->v[i];

		/* Among those that go with an image there are a few tables at most. */
		qcow2_guard_remove(q, which.first, which.n);
		if (!qcow2_counts_lower(q, which, err))
			return false;
		q->disk->hint = img_min_u64(q->disk->hint, which.first);
	}
	return true;
}

bool qcow2_reclaim(struct qcow2 *q, struct img_err *err)
{
	struct qcow2_stretches gone = q->disk->gone, empty = { 0 };
	bool ok = true;

	q->disk->gone = (struct qcow2_stretches){ 0 };
	for (size_t i = 0; ok && i < gone.n; i++)
		ok = lower_shared(q, gone.v[i], &empty, err);
	qcow2_stretches_clear(&gone);
	if (ok && empty.n) {
		pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
		punch(q, &empty);
		pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
		ok = free_empty(q, &empty, err);
	}
	qcow2_stretches_clear(&empty);
	return ok;
}

/* The end of the file moves down over free clusters. */
static bool shrink(struct qcow2 *q, struct img_err *err)
{
	struct qcow2_disk *disk = q->disk;
	uint64_t count = 0;

	while (disk->end > 1) {
		if (!qcow2_count_read(q, disk->end - 1, &count, err))
			return false;
		if (count)
			break;
		if (!qcow2_guard_check(q, (disk->end - 1) << q->geo.cluster_bits, 1, err))
			return false;
		disk->end--;
	}
	disk->hint = img_min_u64(disk->hint, disk->end);
	return true;
}

bool qcow2_give_back(struct qcow2 *q, struct img_err *err)
{
	struct qcow2_stretches ready = q->disk->ready;
	bool ok = true;

	if (!ready.n)
		return true;
	q->disk->ready = (struct qcow2_stretches){ 0 };
	for (size_t i = 0; ok && i < ready.n; i++)
		ok = qcow2_counts_lower(q, ready.v[i], err);
	qcow2_stretches_clear(&ready);
	return ok && shrink(q, err);
}
