/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The new part of a disk that got larger.  It reads as zeros: whatever the tables said of it, the
 * file had there, or a backing file that is longer than the disk was, is hidden.
 */
#include "base/num.h"
#include "extent/extent.h"
#include "format/qcow2/resize.h"

/* ---- Zeros ---------------------------------------------------------------------------------------- */

/* What shows at guest byte at: this layer's own, or what lies below. */
static bool look(struct img_layer *ly, uint64_t at, uint64_t end, struct img_extent *out,
		 struct img_err *err)
{
	if (!qcow2_map_extent(ly->priv, at, end, out, err))
		return false;
	if (out->kind != IMG_EXTENT_HOLE || !ly->below)
		return true;
	return ly->below->extent(ly->below, at, at + out->len, out, err);
}

/* Whole clusters become zeros by their entries alone: so more is hidden than shows, if need be. */
static bool hide(struct img_layer *ly, uint64_t from, struct img_err *err)
{
	const struct qcow2 *q = ly->priv;
	const uint64_t cluster = qcow2_cluster_size(&q->geo);
	struct img_extent ex;
	uint64_t end;

	for (uint64_t at = from; at < ly->size; at = end) {
		if (!look(ly, at, ly->size, &ex, err))
			return false;
		end = at + ex.len;
		if (img_extent_reads_as_zero(&ex))
			continue;
		at = img_max_u64(from, img_round_down(at, cluster));
		end = img_min_u64(ly->size, img_round_up(end, cluster));
		if (!qcow2_zero(ly, at, end - at, true, err))
			return false;
	}
	return true;
}

/* ---- Space ---------------------------------------------------------------------------------------- */

/* The clusters of one L2 table that get their space together. */
struct filling {
	struct qcow2 *q;
	struct qcow2_table *table;
	uint64_t at, end;		/* guest; whole clusters */
	enum img_preallocation how;
};

/* Lock held.  The n clusters at the end of the file that are there from now on. */
static bool grow(struct qcow2 *q, uint64_t n, struct qcow2_stretch *out, struct img_err *err)
{
	q->disk->preparing = true;
	const bool ok = qcow2_grow(q, n, out, err);

	q->disk->preparing = false;
	return ok;
}

/* Lock held.  How many of the clusters have no space yet. */
static bool count_missing(const struct filling *f, uint64_t *n, struct img_err *err)
{
	struct qcow2_cluster c;

	*n = 0;
	for (uint64_t at = f->at; at < f->end; at += qcow2_cluster_size(&f->q->geo)) {
		if (!qcow2_l2_get(f->q, f->table, false, at, &c, err))
			return false;
		*n += !c.allocated;
	}
	return true;
}

/* Lock held.  Those that have none get the clusters from host on; in a data file, their places. */
static bool enter(const struct filling *f, uint64_t host, struct img_err *err)
{
	const uint64_t cluster = qcow2_cluster_size(&f->q->geo);
	struct qcow2_cluster c;

	for (uint64_t at = f->at; at < f->end; at += cluster) {
		if (!qcow2_l2_get(f->q, f->table, false, at, &c, err))
			return false;
		if (c.allocated)
			continue;
		c = (struct qcow2_cluster){
			.kind = qcow2_is_encrypted(f->q) ? QCOW2_CLUSTER_ZERO : QCOW2_CLUSTER_DATA,
			.allocated = true, .copied = true,
			.host = f->q->geo.data_file ? at : host,
		};
		qcow2_l2_put(f->q, f->table, at, &c, false);
		host += cluster;
	}
	return true;
}

/* Lock held.  *fresh: what the file got for it. */
static bool fill_table(const struct filling *f, struct qcow2_stretch *fresh, struct img_err *err)
{
	uint64_t n;

	*fresh = (struct qcow2_stretch){ 0 };
	if (!count_missing(f, &n, err))
		return false;
	if (!n)
		return true;
	return (f->q->geo.data_file || grow(f->q, n, fresh, err)) &&
	       enter(f, fresh->first << f->q->geo.cluster_bits, err);
}

static bool set_aside(const struct filling *f, struct qcow2_stretch fresh, struct img_err *err)
{
	const unsigned bits = f->q->geo.cluster_bits;

	return !fresh.n || f->how == IMG_PREALLOC_METADATA ||
	       img_store_preallocate(f->q->map.file, fresh.first << bits, fresh.n << bits, f->how,
				     err);
}

static bool fill(struct filling *f, struct img_err *err)
{
	struct qcow2 *q = f->q;
	struct qcow2_stretch fresh;

	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	bool ok = qcow2_l2_for_change(q, f->at, &f->table, err);

	if (ok) {
		ok = fill_table(f, &fresh, err);
		qcow2_cache_put(q->map.cache, f->table);
	}
	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	return ok && set_aside(f, fresh, err);
}

/* A cluster that was there before, in part, stays as it is. */
static bool preallocate(struct img_layer *ly, uint64_t from, enum img_preallocation how,
			struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	const uint64_t span = UINT64_C(1) << qcow2_l1_bits(&q->geo);
	struct filling f = { .q = q, .how = how };

	for (uint64_t at = img_round_up(from, qcow2_cluster_size(&q->geo)); at < ly->size;
	     at = f.end) {
		f.at = at;
		f.end = img_min_u64(ly->size, img_round_down(at, span) + span);
		if (!fill(&f, err))
			return false;
	}
	return true;
}

/* ---- The data file -------------------------------------------------------------------------------- */

/* A device has its length, and may hold anything. */
static bool fit_device(struct qcow2 *q, uint64_t from, uint64_t size, struct img_err *err)
{
	if (q->map.data_size < size)
		return img_fail(err, IMG_E_NOSPACE, _("the data file is a device that is shorter "
				"than the disk would be"));
	return img_store_zero(q->data_file, from, size - from, false, err);
}

/* What it has behind the old end goes; a raw one is as long as the disk, others at least. */
static bool fit_data_file(struct qcow2 *q, uint64_t from, uint64_t size,
			  enum img_preallocation how, struct img_err *err)
{
	if (!(q->data_file->caps & IMG_STORE_RESIZE))
		return fit_device(q, from, size, err);
	if ((q->map.data_size > from && !img_store_resize(q->data_file, from, err)) ||
	    !img_store_resize(q->data_file, size, err))
		return false;
	q->map.data_size = size;
	return how <= IMG_PREALLOC_METADATA ||
	       img_store_preallocate(q->data_file, from, size - from, how, err);
}

bool qcow2_enlarge(struct img_layer *ly, uint64_t from, enum img_preallocation how,
		   struct img_err *err)
{
	struct qcow2 *q = ly->priv;

	if (q->data_file && !fit_data_file(q, from, ly->size, how, err))
		return img_within(err, _("data file"));
	return hide(ly, from, err) &&
	       (how == IMG_PREALLOC_OFF || preallocate(ly, from, how, err));
}
