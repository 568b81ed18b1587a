/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A qcow2 image in use as a disk: starting and ending that, and what happens when the image turns
 * out to contradict itself.
 */
#include "format/qcow2/disk.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/refs.h"

/* ---- Contradictions -------------------------------------------------------------------------- */

bool qcow2_contradiction(struct qcow2_disk *disk, struct img_err *err, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	disk->contradiction = true;
	return img_fail(err, IMG_E_CORRUPT, "%s", text);
}

/* Lock held.  Nobody else changes the header meanwhile: that is part of a preparation. */
static void mark_corrupt(struct qcow2 *q)
{
	struct qcow2_disk *disk = q->disk;

	while (disk->preparing)
		pthread_cond_wait(&disk->progress, qcow2_cache_lock(q->map.cache));
	disk->preparing = true;
	q->header.incompatible |= QCOW2_INCOMPATIBLE_CORRUPT;
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	/* The request fails in any case, and for a better reason than this may. */
	if (qcow2_header_patch(q, NULL))
		(void)!img_store_sync(q->map.file, NULL);
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	disk->preparing = false;
	pthread_cond_broadcast(&disk->progress);
}

/*
 * The end of each request.  After the first that met a contradiction the header says that the image
 * is corrupt, so that nobody writes to it before it was repaired; version 2 has no words for it.
 */
static bool end_request(struct qcow2 *q, bool ok)
{
	struct qcow2_disk *disk = q->disk;

	if (ok)
		return true;
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	if (disk->contradiction && !disk->marked && q->header.version >= 3) {
		disk->marked = true;
		mark_corrupt(q);
	}
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	return false;
}

/* A request begins only while the image can be believed. */
static bool begin_request(struct qcow2 *q, struct img_err *err)
{
	return !q->disk->contradiction ||
	       img_fail(err, IMG_E_CORRUPT,
			_("the image contradicts itself; nothing more is written to it"));
}

/* ---- Lists ----------------------------------------------------------------------------------- */

bool qcow2_stretches_add(struct qcow2_stretches *list, uint64_t first, uint64_t n,
			 struct img_err *err)
{
	struct qcow2_stretch *last = list->n ? &list->v[list->n - 1] : NULL, *v;

	if (last && last->first + last->n == first) {
		last->n += n;
		return true;
	}
	v = img_grow_by_one(list->v, list->n, &list->cap, sizeof(*v), err);
	if (!v)
		return false;
	list->v = v;
	v[list->n++] = (struct qcow2_stretch){ first, n };
	return true;
}

void qcow2_stretches_clear(struct qcow2_stretches *list)
{
	free(list->v);
	*list = (struct qcow2_stretches){ 0 };
}

/* ---- Starting -------------------------------------------------------------------------------- */

static bool check_startable(const struct qcow2_header *hdr, struct img_err *err)
{
	if (hdr->incompatible & QCOW2_INCOMPATIBLE_CORRUPT)
		return img_fail(err, IMG_E_CORRUPT, _("the image is marked as corrupt; it must be "
				"repaired before it can be written"));
	return true;
}

/* What others said in the header of content that is going to change under it. */
static bool clear_autoclear(struct qcow2 *q, struct img_err *err)
{
	if (!(q->header.autoclear & ~QCOW2_AUTOCLEAR_KNOWN))
		return true;
	q->header.autoclear &= QCOW2_AUTOCLEAR_KNOWN;
	return qcow2_header_patch(q, err) && img_store_sync(q->map.file, err);
}

/*
 * Behind the last cluster that is counted, and behind the file's end: after a loss of power clusters
 * may be counted that the file did not get.
 */
static bool find_end(struct qcow2 *q, struct img_err *err)
{
	struct qcow2_disk *disk = q->disk;

	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	const bool ok = qcow2_counts_find_end(q, &disk->end, err);
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	if (!ok)
		return false;
	if (disk->end > QCOW2_HOST_END >> q->geo.cluster_bits)
		return img_fail(err, IMG_E_CORRUPT, _("cluster %" PRIu64 " is counted as used, which "
				"no file can have"), disk->end - 1);
	if (q->map.file->caps & IMG_STORE_RESIZE)
		disk->end = img_max_u64(disk->end, img_div_up(q->map.file_size,
							      qcow2_cluster_size(&q->geo)));
	return true;
}

/*
 * Counts that reach behind the file are what a loss of power leaves.  Where tables do so, too, the
 * file has lost its end: if it grew, what it gets there would pass for the content of the disk.
 */
static bool look_for_lost(struct qcow2 *q, struct img_err *err)
{
	struct img_findings damage = { .most = 0 };
	const struct qcow2_refs_how how = {
		.hdr = &q->header, .file = q->map.file, .with_refcounts = true, .damage = &damage,
	};
	struct qcow2_refs *refs;

	if (q->disk->end <= img_div_up(q->map.file_size, qcow2_cluster_size(&q->geo)))
		return true;
	refs = qcow2_refs_collect(&how, err);
	q->disk->lost = qcow2_refs_outside(&damage);
	img_findings_clear(&damage);
	qcow2_refs_free(refs);
	return refs;
}

static bool start(struct qcow2 *q, struct img_err *err)
{
	struct qcow2_disk *disk = q->disk;

	qcow2_alloc_start(q);
	disk->l1_changed = img_calloc(q->map.n_l1 + 1, sizeof(bool), err);
	return disk->l1_changed && clear_autoclear(q, err) && qcow2_counts_load(q, err) &&
	       find_end(q, err) && look_for_lost(q, err) && qcow2_guard_start(q, err) &&
	       qcow2_bitmaps_start(q, err);
}

bool qcow2_disk_start(struct img_layer *ly, struct img_err *err)
{
	struct qcow2 *q = ly->priv;

	if (!check_startable(&q->header, err))
		return false;
	q->disk = img_calloc(1, sizeof(*q->disk), err);
	if (!q->disk)
		return false;
	img_claims_init(&q->disk->claims, qcow2_cache_lock(q->map.cache));
	pthread_cond_init(&q->disk->progress, NULL);
	if (start(q, err))
		return true;
	qcow2_disk_free(q);
	return false;
}

void qcow2_disk_free(struct qcow2 *q)
{
	struct qcow2_disk *disk = q->disk;

	if (!disk)
		return;
	q->disk = NULL;
	img_claims_clear(&disk->claims);
	pthread_cond_destroy(&disk->progress);
	free(disk->reftable);
	free(disk->l1_changed);
	qcow2_stretches_clear(&disk->ready);
	qcow2_stretches_clear(&disk->dropped);
	qcow2_stretches_clear(&disk->gone);
	qcow2_clusterset_clear(&disk->tables);
	free(disk);
}

/* ---- Ending ---------------------------------------------------------------------------------- */

bool qcow2_cut_file(struct qcow2 *q, struct img_err *err)
{
	const uint64_t end = q->disk->end << q->geo.cluster_bits;

	if (end >= q->map.file_size || !(q->map.file->caps & IMG_STORE_RESIZE))
		return true;
	if (!img_store_resize(q->map.file, end, err))
		return false;
	q->map.file_size = end;
	if (!q->data_file)
		q->map.data_size = end;
	return true;
}

static bool reclaim(struct qcow2 *q, struct img_err *err)
{
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	const bool ok = qcow2_reclaim(q, err);

	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	return ok;
}

bool qcow2_settle(struct qcow2 *q, struct img_err *err)
{
	return qcow2_flush(q, err) && reclaim(q, err);
}

static bool give_back(struct qcow2 *q, struct img_err *err)
{
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	const bool ok = qcow2_give_back(q, err);

	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	return ok;
}

/* Bitmaps that have changed got new clusters; a flush lets the old ones go. */
static bool finish_bitmaps(struct qcow2 *q, struct img_err *err)
{
	return qcow2_bitmaps_finish(q, err) && (!q->disk->dropped.n || qcow2_flush(q, err));
}

bool qcow2_disk_finish(struct img_layer *ly, struct img_err *err)
{
	struct qcow2 *q = ly->priv;

	return qcow2_flush(q, err) && finish_bitmaps(q, err) && reclaim(q, err) &&
	       give_back(q, err) && qcow2_cut_file(q, err) && qcow2_flush(q, err);
}

/* ---- For tables of others -------------------------------------------------------------------- */

bool qcow2_disk_take(struct qcow2 *q, size_t n, uint64_t *host, struct img_err *err)
{
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	const bool ok = qcow2_take_tables(q, n, host, err);

	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	return ok;
}

void qcow2_disk_release(struct qcow2 *q, uint64_t host, uint64_t n)
{
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	qcow2_drop(q, host, n << q->geo.cluster_bits);
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
}

void qcow2_disk_unguard(struct qcow2 *q, uint64_t host, uint64_t n)
{
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	qcow2_guard_remove(q, host >> q->geo.cluster_bits, n);
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
}

bool qcow2_disk_has_table(struct qcow2 *q, uint64_t host, uint64_t n)
{
	const uint64_t first = host >> q->geo.cluster_bits;
	bool has = false;

	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	for (uint64_t i = 0; !has && i < n; i++)
		has = qcow2_clusterset_has(&q->disk->tables, first + i);
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	return has;
}

/* ---- The table ------------------------------------------------------------------------------- */

/* A request that changes guest bytes; what it may have changed is marked even if it fails. */
static bool begin_change(struct qcow2 *q, uint64_t at, uint64_t len, struct img_err *err)
{
	return begin_request(q, err) && qcow2_bitmaps_mark(q, at, len, err);
}

static bool disk_write(struct img_layer *ly, uint64_t at, const void *buf, size_t len,
		       struct img_err *err)
{
	return begin_change(ly->priv, at, len, err) &&
	       end_request(ly->priv, qcow2_write(ly, at, buf, len, err));
}

static bool disk_zero(struct img_layer *ly, uint64_t at, uint64_t len, bool unmap,
		      struct img_err *err)
{
	return begin_change(ly->priv, at, len, err) &&
	       end_request(ly->priv, qcow2_zero(ly, at, len, unmap, err));
}

static bool disk_discard(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err)
{
	return begin_change(ly->priv, at, len, err) &&
	       end_request(ly->priv, qcow2_discard(ly, at, len, err));
}

static bool disk_flush(struct img_layer *ly, bool *freed, struct img_err *err)
{
	struct qcow2 *q = ly->priv;

	if (!begin_request(q, err) || !end_request(q, qcow2_flush(q, err)))
		return false;
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	*freed = q->disk->gone.n > 0;
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	return true;
}

static bool disk_reclaim(struct img_layer *ly, struct img_err *err)
{
	return end_request(ly->priv, reclaim(ly->priv, err));
}

static bool disk_finish(struct img_layer *ly, struct img_err *err)
{
	return begin_request(ly->priv, err) && end_request(ly->priv, qcow2_disk_finish(ly, err));
}

const struct img_disk_ops qcow2_disk_ops = {
	.write = disk_write,
	.zero = disk_zero,
	.discard = disk_discard,
	.flush = disk_flush,
	.reclaim = disk_reclaim,
	.finish = disk_finish,
};
