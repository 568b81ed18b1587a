/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests to a disk in use, in runs of clusters that are all treated alike.  Clusters that have no
 * place of their own in the file get one at its end, however they were stored before.
 */
#include <string.h>
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/qcow1/disk.h"

enum action {
	LEAVE,			/* it reads as zeros already */
	IN_PLACE,		/* the clusters have their places, one behind the other */
	HIDE,			/* whole clusters of zeros */
	MAKE,			/* new places */
};

/* What is left of a request; it ends where the L2 table does. */
struct part {
	struct img_layer *ly;
	struct qcow1 *q;
	struct qcow1_table *table;	/* of all of it; NULL: there is none */
	uint64_t at, len;
	const uint8_t *bytes;		/* NULL: zeros */
	bool unmap;			/* zeros need no space */
};

static uint64_t cluster_at(const struct part *p, uint64_t guest)
{
	return guest >> p->q->header.cluster_bits;
}

static uint64_t start_of(const struct part *p, uint64_t cluster)
{
	return cluster << p->q->header.cluster_bits;
}

/* Guest bytes of the cluster, which is short at the end of the disk. */
static uint64_t cluster_len(const struct part *p, uint64_t cluster)
{
	return img_min_u64(qcow1_cluster_size(&p->q->header), p->ly->size - start_of(p, cluster));
}

static struct qcow1_cluster entry_of(const struct part *p, uint64_t cluster)
{
	const uint32_t i = qcow1_l2_index(&p->q->header, start_of(p, cluster));

	return qcow1_entry_decode(&p->q->header, p->table->entries[i]);
}

/* ---- New places ------------------------------------------------------------------------------ */

/* What the cluster held before, and zeros behind the end of the disk. */
static bool read_old(const struct part *p, uint64_t cluster, uint8_t *buf, struct img_err *err)
{
	const struct img_below *below = p->ly->below;
	const uint64_t at = start_of(p, cluster), len = cluster_len(p, cluster);

	memset(buf, 0, qcow1_cluster_size(&p->q->header));
	if (entry_of(p, cluster).kind == QCOW1_PACKED)
		return qcow1_read_packed(p->q, at, buf, len, err);
	return !below || below->read(below, at, buf, len, err);
}

/* A cluster of which the request changes a part. */
static bool merge(const struct part *p, uint64_t cluster, uint64_t host, struct img_err *err)
{
	const uint64_t size = qcow1_cluster_size(&p->q->header), start = start_of(p, cluster);
	const uint64_t from = img_max_u64(start, p->at);
	const uint64_t to = img_min_u64(start + size, p->at + p->len);
	IMG_AUTO_FREE uint8_t *buf = img_alloc_aligned(size, err);

	if (!buf || (to - from < cluster_len(p, cluster) && !read_old(p, cluster, buf, err)))
		return false;
	if (to - from >= cluster_len(p, cluster))
		memset(buf, 0, size);
	if (p->bytes)
		memcpy(buf + (from - start), p->bytes + (from - p->at), to - from);
	else
		memset(buf + (from - start), 0, to - from);
	return qcow1_write_data(p->ly, start, host, buf, size, err);
}

/* Makes clusters [first, end) whole at host: the tables may refer to them from then on. */
static bool fill(const struct part *p, uint64_t first, uint64_t end, uint64_t host,
		 struct img_err *err)
{
	const uint64_t size = qcow1_cluster_size(&p->q->header);
	uint64_t from = first, to = end;

	if (start_of(p, first) < p->at || start_of(p, first) + size > p->at + p->len) {
		if (!merge(p, first, host, err))
			return false;
		from++;
	}
	if (from < end && start_of(p, end) > p->at + p->len) {
		to--;
		if (!merge(p, to, host + (to - first) * size, err))
			return false;
	}
	return from == to || qcow1_write_data(p->ly, start_of(p, from), host + (from - first) * size,
					      p->bytes + (start_of(p, from) - p->at),
					      (to - from) * size, err);
}

/* The lock is held, and is let go meanwhile. */
static bool make(const struct part *p, uint64_t n, struct img_err *err)
{
	struct qcow1 *q = p->q;
	struct qcow1_disk *disk = q->disk;
	const uint64_t first = cluster_at(p, p->at), size = qcow1_cluster_size(&q->header);
	struct img_claim claim = { .first = first, .end = first + n };
	const uint64_t host = qcow1_disk_take(q, n * size);
	bool ok;

	img_claim(&disk->claims, &claim);
	pthread_mutex_unlock(&q->tables.lock);
	ok = fill(p, first, first + n, host, err);
	pthread_mutex_lock(&q->tables.lock);
	ok = ok && qcow1_disk_list(disk, p->table, err);
	if (ok) {
		const uint32_t i = qcow1_l2_index(&q->header, start_of(p, first));

		q->tables.file_size = img_max_u64(q->tables.file_size, host + n * size);
		for (uint64_t k = 0; k < n; k++)
			p->table->entries[i + k] = host + k * size;
		p->table->changed = true;
	}
	img_unclaim(&disk->claims, &claim);
	return ok;
}

/* ---- Whole clusters of zeros ----------------------------------------------------------------- */

/*
 * Over other layers zeros must be said: by packed ones, which many entries may share.  Once for all of
 * them, so that the lock is held all the while.
 */
static bool place_zeros(struct img_layer *ly, struct img_err *err)
{
	struct qcow1 *q = ly->priv;
	IMG_AUTO_FREE uint8_t *packed = NULL;
	uint64_t host;
	size_t len;

	if (!qcow1_pack_zeros(&q->header, &packed, &len, err))
		return false;
	host = qcow1_disk_take(q, len);
	if (!img_store_write(ly->store, host, packed, len, err))
		return false;
	q->tables.file_size = img_max_u64(q->tables.file_size, host + len);
	q->disk->zero_entry = qcow1_entry_packed(&q->header, host, (uint32_t)len);
	return true;
}

/* The lock is held. */
static bool hide(const struct part *p, uint64_t n, struct img_err *err)
{
	const struct qcow1_disk *disk = p->q->disk;
	const uint32_t i = qcow1_l2_index(&p->q->header, p->at);

	if (!qcow1_disk_list(p->q->disk, p->table, err) ||
	    (p->ly->below && !disk->zero_entry && !place_zeros(p->ly, err)))
		return false;
	for (uint64_t k = 0; k < n; k++)
		p->table->entries[i + k] = p->ly->below ? disk->zero_entry : 0;
	p->table->changed = true;
	return true;
}

/* ---- Runs ------------------------------------------------------------------------------------ */

/* What is to be done with one cluster. */
static enum action action_for(const struct part *p, uint64_t cluster,
			      const struct qcow1_cluster *entry)
{
	const uint64_t start = start_of(p, cluster), end = start + cluster_len(p, cluster);

	if (entry->kind == QCOW1_PLAIN)
		return IN_PLACE;
	if (p->bytes)
		return MAKE;
	if (entry->kind == QCOW1_HOLE && !p->ly->below)
		return LEAVE;
	return p->at <= start && p->at + p->len >= end ? HIDE : MAKE;
}

/* How many clusters of the part are treated as the first one is; the lock is held. */
static uint64_t run_from(const struct part *p, enum action *action, uint64_t *host)
{
	const uint64_t first = cluster_at(p, p->at), last = cluster_at(p, p->at + p->len - 1);
	const struct qcow1_cluster head = entry_of(p, first);
	uint64_t n = 1;

	*action = action_for(p, first, &head);
	*host = head.host;
	/* Zeros that are made are parts of clusters. */
	if (*action == MAKE && !p->bytes)
		return n;
	for (; first + n <= last; n++) {
		const struct qcow1_cluster next = entry_of(p, first + n);

		if (img_claims_has(&p->q->disk->claims, first + n, first + n + 1) ||
		    action_for(p, first + n, &next) != *action ||
		    (*action == IN_PLACE &&
		     next.host != head.host + n * qcow1_cluster_size(&p->q->header)))
			break;
	}
	return n;
}

static bool change_in_place(const struct part *p, uint64_t host, uint64_t len, struct img_err *err)
{
	if (p->bytes)
		return qcow1_write_data(p->ly, p->at, host, p->bytes, len, err);
	if (qcow1_is_encrypted(p->q))
		return qcow1_write_zeros(p->ly, p->at, host, len, err);
	return img_store_zero(p->ly->store, host, len, !p->unmap, err);
}

/*
 * The lock is held, and is let go meanwhile.  What is enciphered is written by whole sectors, of which
 * another request may want a part.
 */
static bool change_claimed(const struct part *p, uint64_t n, uint64_t host, struct img_err *err)
{
	const uint64_t first = cluster_at(p, p->at);
	struct img_claim claim = { .first = first, .end = first + n };

	img_claim(&p->q->disk->claims, &claim);
	pthread_mutex_unlock(&p->q->tables.lock);
	const bool ok = change_in_place(p, host, p->len, err);

	pthread_mutex_lock(&p->q->tables.lock);
	img_unclaim(&p->q->disk->claims, &claim);
	return ok;
}

/* The first run of the part, of which p->table is there; *done: its bytes. */
static bool change_run(const struct part *p, uint64_t *done, struct img_err *err)
{
	struct qcow1 *q = p->q;
	const uint64_t first = cluster_at(p, p->at);
	struct part run = *p;
	enum action action;
	uint64_t n, host;

	{
		IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&q->tables.lock);

		img_claims_wait(&q->disk->claims, first, first + 1);
		n = run_from(p, &action, &host);
		run.len = *done = img_min_u64(p->len, start_of(p, first + n) - p->at);
		if (action == LEAVE)
			return true;
		if (action == HIDE)
			return hide(&run, n, err);
		if (action == MAKE)
			return make(&run, n, err);
		host += p->at - start_of(p, first);
		if (qcow1_is_encrypted(q))
			return change_claimed(&run, n, host, err);
	}
	return change_in_place(&run, host, run.len, err);
}

/* ---- Parts of requests ----------------------------------------------------------------------- */

/* Makes the L2 table that another thread may have made meanwhile. */
static struct qcow1_table *make_table(struct qcow1 *q, uint32_t index, _Atomic uint64_t *entry,
				      struct img_err *err)
{
	struct qcow1_table *table;

	{
		IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&q->tables.lock);

		if (!*entry) {
			const uint64_t host = qcow1_disk_take(q, qcow1_l2_bytes(&q->header));

			table = qcow1_table_new(&q->tables, index, host, err);
			if (!table || !qcow1_disk_list(q->disk, table, err))
				return NULL;
			table->changed = true;
			q->tables.file_size = img_max_u64(q->tables.file_size,
							  host + qcow1_l2_bytes(&q->header));
			*entry = host;
			return table;
		}
	}
	return qcow1_table_get(&q->tables, index, *entry, err);
}

/* *table may be NULL: there is none, and it is not needed. */
static bool table_for(const struct part *p, struct qcow1_table **table, struct img_err *err)
{
	struct qcow1 *q = p->q;
	const uint32_t index = qcow1_l1_index(&q->header, p->at);
	_Atomic uint64_t *entry = qcow1_l1_entry(&q->tables, index, err);

	*table = NULL;
	if (!entry)
		return false;
	if (*entry)
		*table = qcow1_table_get(&q->tables, index, *entry, err);
	else if (p->bytes || p->ly->below)
		*table = make_table(q, index, entry, err);
	else
		return true;
	return *table;
}

static bool change_part(struct part *p, struct img_err *err)
{
	uint64_t done;
	bool ok = true;

	if (!table_for(p, &p->table, err))
		return false;
	for (; ok && p->table && p->len; p->len -= done) {
		done = 0;
		ok = change_run(p, &done, err);
		p->at += done;
		p->bytes = p->bytes ? p->bytes + done : NULL;
	}
	if (p->table)
		qcow1_table_put(&p->q->tables, p->table);
	return ok;
}

/* Dirty tables stay in memory, so that there must not be too many of them. */
static bool bound_dirty(struct img_layer *ly, struct img_err *err)
{
	struct qcow1 *q = ly->priv;
	bool freed, full;

	{
		IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&q->tables.lock);

		full = q->disk->n_dirty > q->tables.most / 2;
	}
	return !full || qcow1_disk_flush(ly, &freed, err);
}

static bool change(struct img_layer *ly, uint64_t at, uint64_t len, const uint8_t *bytes,
		   bool unmap, struct img_err *err)
{
	struct qcow1 *q = ly->priv;
	const unsigned bits = qcow1_l1_bits(&q->header);

	while (len) {
		const uint64_t table_end = ((at >> bits) + 1) << bits;
		const uint64_t some = img_min_u64(len, table_end - at);
		struct part part = {
			.ly = ly, .q = q, .at = at, .len = some, .bytes = bytes, .unmap = unmap,
		};

		if (!change_part(&part, err) || !bound_dirty(ly, err))
			return false;
		at += some;
		len -= some;
		bytes = bytes ? bytes + some : NULL;
	}
	return true;
}

bool qcow1_disk_write(struct img_layer *ly, uint64_t at, const void *buf, size_t len,
		      struct img_err *err)
{
	return change(ly, at, len, buf, false, err);
}

bool qcow1_disk_zero(struct img_layer *ly, uint64_t at, uint64_t len, bool unmap,
		     struct img_err *err)
{
	return change(ly, at, len, NULL, unmap, err);
}

/* A cluster keeps its place and gives its space back; where nothing is gained the bytes stay. */
bool qcow1_disk_discard(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err)
{
	struct qcow1 *q = ly->priv;
	struct img_extent ex;

	for (uint64_t end = at + len; at < end && (ly->store->caps & IMG_STORE_ZERO);
	     at += ex.len) {
		if (!qcow1_map_extent(&q->tables, at, end, &ex, err))
			return false;
		if (ex.kind == IMG_EXTENT_DATA &&
		    !img_store_zero(ly->store, ex.host, ex.len, false, err))
			return false;
	}
	return true;
}
