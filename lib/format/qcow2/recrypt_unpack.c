/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compressed clusters, which are never enciphered, become plain ones behind the end of the file: those that
 * lie in a part of it.  Of their bytes nothing is kept beside the image.  As with snapshots each refcount
 * changes by what the references did; what is given up stays where it is.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/parallel.h"
#include "format/qcow2/disk.h"
#include "format/qcow2/pack.h"
#include "format/qcow2/recrypt.h"
#include "format/qcow2/resize.h"

enum {
	MOST_THREADS = 64,
	STORED_MAX = 2,			/* clusters that a compressed one takes at most */
};

struct unpacking {
	struct qcow2_window w;
	uint64_t n;			/* units that become plain, those that are `recoded` */
	struct qcow2_stretch places;	/* one for each of them */
	struct img_store *behind;	/* where they are written; borrowed */
	struct qcow2_refs *before;	/* each place is counted, and nothing refers to it; owned */
};

static size_t size_of(const struct unpacking *u)
{
	return qcow2_cluster_size(&u->w.q->geo);
}

/* ---- Places -------------------------------------------------------------------------------------- */

/* Which ones become plain; the byte of the file from which on others are left. */
static uint64_t choose(struct unpacking *u, uint64_t most)
{
	const struct img_pack_units *units = &u->w.units;
	const unsigned bits = u->w.q->geo.cluster_bits;

	for (size_t i = 0; i < units->n; i++) {
		struct img_pack_unit *one = &units->v[i];

		if (one->kind != IMG_PACK_PACKED)
			continue;
		if (u->n && u->n << bits >= most)
			return one->host >> bits << bits;
		one->recoded = true;
		u->n++;
	}
	return u->w.to << bits;
}

/* Without u->behind: the file had another length than is in use, which has to be settled first. */
static bool take_places(struct unpacking *u, const struct img_opener *opener, struct img_err *err)
{
	struct qcow2 *q = u->w.q;
	uint64_t end;

	if (!qcow2_grow_end(q, u->n, &end, err) ||
	    !opener->lengthen(opener, end << q->geo.cluster_bits, &u->behind, err))
		return false;
	if (!u->behind)
		return true;
	pthread_mutex_lock(qcow2_cache_lock(q->map.cache));
	const bool ok = qcow2_grow(q, u->n, &u->places, err);

	pthread_mutex_unlock(qcow2_cache_lock(q->map.cache));
	return ok;
}

static void settle(struct unpacking *u)
{
	const struct img_pack_units *units = &u->w.units;
	uint64_t next = u->places.first << u->w.q->geo.cluster_bits;

	for (size_t i = 0; i < units->n; i++) {
		if (!units->v[i].recoded)
			continue;
		units->v[i].now = next;
		next += size_of(u);
	}
}

/* ---- Bytes, any number of threads ---------------------------------------------------------------- */

struct thread {
	size_t unit;			/* that failed; SIZE_MAX: none */
	struct img_err err;
};

struct crew {
	const struct unpacking *u;
	_Atomic size_t next;		/* unit that a thread takes */
	struct thread threads[MOST_THREADS];
};

/* buf: room for a compressed one, and for what it becomes. */
static bool unpack(const struct unpacking *u, void *cx, const struct img_pack_unit *one, uint8_t *buf,
		   struct img_err *err)
{
	const struct qcow2 *q = u->w.q;
	uint8_t *plain = buf + STORED_MAX * size_of(u);

	assert(one->len <= STORED_MAX * size_of(u));
	return img_store_read_padded(q->map.file, one->host, buf, one->len, err) &&
	       q->codec->decode(cx, buf, one->len, plain, size_of(u), err) &&
	       img_store_write(u->behind, one->now, plain, size_of(u), err);
}

static void work(void *ctx, unsigned i)
{
	struct crew *crew = ctx;
	struct thread *t = &crew->threads[i];
	const struct img_pack_units *units = &crew->u->w.units;
	struct img_codec_pool *pool = crew->u->w.q->decoders;
	IMG_AUTO_FREE uint8_t *buf = img_alloc_aligned((STORED_MAX + 1) * size_of(crew->u), &t->err);
	void *cx = buf ? img_codec_pool_get(pool, &t->err) : NULL;
	size_t at;

	t->unit = cx ? SIZE_MAX : 0;
	while (t->unit == SIZE_MAX && (at = atomic_fetch_add(&crew->next, 1)) < units->n)
		if (units->v[at].recoded && !unpack(crew->u, cx, &units->v[at], buf, &t->err))
			t->unit = at;
	if (cx)
		img_codec_pool_put(pool, cx);
}

/* The first failure in the order of the file is told. */
static bool unpack_all(const struct unpacking *u, unsigned threads, struct img_err *err)
{
	const unsigned n = img_thread_count(threads, MOST_THREADS);
	struct crew crew = { .u = u };
	const struct thread *first = &crew.threads[0];

	img_parallel(n, work, &crew);
	for (unsigned i = 1; i < n; i++)
		if (crew.threads[i].unit < first->unit)
			first = &crew.threads[i];
	if (first->unit == SIZE_MAX)
		return true;
	if (err)
		*err = first->err;
	return img_within(err, _("cluster at offset 0x%" PRIx64 " of the file"),
			  u->w.units.v[first->unit].host);
}

/* ---- Tables -------------------------------------------------------------------------------------- */

static uint64_t stay(void *ctx, uint64_t host, uint64_t len, bool data)
{
	(void)ctx, (void)len, (void)data;
	return host;
}

static bool recast(void *ctx, struct qcow2_cluster *c)
{
	const struct unpacking *u = ctx;
	const struct img_pack_unit *one = c->kind == QCOW2_CLUSTER_COMPRESSED
		? img_pack_units_find(&u->w.units, c->host) : NULL;

	if (!one || !one->recoded)
		return false;
	*c = (struct qcow2_cluster){ .kind = QCOW2_CLUSTER_DATA, .allocated = true, .host = one->now };
	return true;
}

/* The places are counted in the image already. */
static bool end_disk(struct unpacking *u, struct img_layer *ly, struct img_err *err)
{
	struct qcow2 *q = u->w.q;

	if (!qcow2_disk_finish(ly, err))
		return false;
	qcow2_bitmaps_free(q);
	qcow2_disk_free(q);
	u->before = qcow2_refs_collect_certain(&q->header, q->map.file, err);
	return u->before && qcow2_refs_claim(u->before, u->places.first, u->places.n, err);
}

static bool follow(struct unpacking *u, struct img_err *err)
{
	const struct qcow2_referring how = { .refer = stay, .recast = recast, .ctx = u };
	struct qcow2_header *hdr = &u->w.q->header;
	struct img_store *file = u->w.q->map.file;
	struct qcow2_stretches freed = { 0 };
	struct qcow2_refs *now = NULL;
	uint64_t used;
	const bool ok = qcow2_references_visit(hdr, file, u->before, &how, err) &&
			(now = qcow2_refs_collect_certain(hdr, file, err)) &&
			qcow2_refs_shift(u->before, now, hdr, file, &freed, &used, err) &&
			qcow2_copied_check(now, hdr, file, true, NULL, err);

	qcow2_refs_free(now);
	qcow2_stretches_clear(&freed);
	return ok;
}

/* ---- A round ------------------------------------------------------------------------------------- */

static bool run(struct unpacking *u, struct img_layer *ly, struct img_recrypt_unpack *how,
		struct img_err *err)
{
	const uint64_t next = choose(u, how->most);

	if (u->n && !take_places(u, how->opener, err))
		return false;
	if (!u->behind) {
		how->from = u->n ? how->from : next;
		return qcow2_disk_finish(ly, err);
	}
	settle(u);
	how->from = next;
	return end_disk(u, ly, err) && unpack_all(u, how->threads, err) && follow(u, err);
}

bool qcow2_recrypt_unpack(struct img_layer *ly, struct img_recrypt_unpack *how, struct img_err *err)
{
	struct qcow2 *q = ly->priv;
	struct unpacking u = { .w = { .q = q, .from = how->from >> q->geo.cluster_bits } };
	bool ok;

	if (!q->decoders)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("its clusters are compressed with zstd, which was not built in"));
	ok = qcow2_consistent(q, err) &&
	     (u.w.refs = qcow2_refs_collect_certain(&q->header, q->map.file, err)) &&
	     qcow2_window_open(&u.w, how->most, err) && run(&u, ly, how, err);
	qcow2_refs_free(u.before);
	qcow2_window_clear(&u.w);
	return ok;
}
