/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bytes of units, down to their places.  A batch of units is read and compressed by as many
 * threads as there are, before anything of it is written; then each gets its place, in order.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/job.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/parallel.h"
#include "format/packing.h"

enum { BATCH_BYTES = 16 << 20, MOST_THREADS = 64 };

/* Adjacent bytes that go down by the same way, until something else is written. */
struct pending {
	uint64_t from, to, len;
};

struct packer {
	struct img_packing *what;
	struct img_pack_unit *v;	/* the units; borrowed */
	struct img_codec_pool *pool;	/* owned */
	unsigned n_threads;
	size_t size;			/* of a cluster */
	size_t n_slots;
	uint8_t *in, *out;		/* a cluster for each slot; owned */
	size_t *units;			/* the unit in each slot; owned */
	size_t *used;			/* bytes that became of it; 0: it stays as it is; owned */
	size_t n;			/* slots of the batch */
	_Atomic size_t next;		/* slot that a thread takes */
	struct pending pending;
};

/* ---- Compressing, any number of threads ------------------------------------------------------------ */

struct thread {
	size_t slot;			/* that failed; SIZE_MAX: none */
	struct img_err err;
};

struct crew {
	struct packer *p;
	struct thread threads[MOST_THREADS];
};

static bool load(struct packer *p, void *cx, size_t slot, struct img_err *err)
{
	const struct img_pack_unit *one = &p->v[p->units[slot]];
	uint8_t *in = p->in + slot * p->size, *out = p->out + slot * p->size;
	struct img_store *file = p->what->file;

	if (one->kind == IMG_PACK_PLAIN)
		return img_store_read_padded(file, one->host, in, p->size, err);
	return img_store_read_padded(file, one->host, out, one->len, err) &&
	       p->what->codec->decode(cx, out, one->len, in, p->size, err);
}

/* One that gets no smaller keeps what it is. */
static bool encode(struct packer *p, void *cx, size_t slot, struct img_err *err)
{
	const struct img_pack_unit *one = &p->v[p->units[slot]];
	const size_t most = one->len - 1;

	p->used[slot] = 0;
	return load(p, cx, slot, err) &&
	       (!most || p->what->codec->encode(cx, p->in + slot * p->size, p->size,
					  p->out + slot * p->size, most, &p->used[slot], err));
}

static void work(void *ctx, unsigned i)
{
	struct crew *crew = ctx;
	struct packer *p = crew->p;
	struct thread *t = &crew->threads[i];
	void *cx = img_codec_pool_get(p->pool, &t->err);
	size_t slot = 0;

	for (bool ok = cx; ok && (slot = atomic_fetch_add(&p->next, 1)) < p->n;)
		if (!(ok = encode(p, cx, slot, &t->err)))
			t->slot = slot;
	if (cx)
		img_codec_pool_put(p->pool, cx);
	else
		t->slot = 0;
}

/* The first failure in the order of the file is told. */
static bool encode_batch(struct packer *p, struct img_err *err)
{
	struct crew crew = { .p = p };
	const struct thread *first = &crew.threads[0];

	atomic_store(&p->next, 0);
	for (unsigned i = 0; i < p->n_threads; i++)
		crew.threads[i].slot = SIZE_MAX;
	if (p->n)
		img_parallel((unsigned)img_min_u64(p->n_threads, p->n), work, &crew);
	for (unsigned i = 1; i < p->n_threads; i++)
		if (crew.threads[i].slot < first->slot)
			first = &crew.threads[i];
	if (first->slot == SIZE_MAX)
		return true;
	if (err)
		*err = first->err;
	return img_within(err, _("cluster at offset 0x%" PRIx64 " of the file"),
			  p->v[p->units[first->slot]].host);
}

/* ---- Writing, in order ----------------------------------------------------------------------------- */

static bool write_pending(struct packer *p, struct img_err *err)
{
	const struct pending *one = &p->pending;
	const bool ok = img_move(p->what->file, one->to, one->from, one->len, p->what->job, err);

	p->pending.len = 0;
	return ok;
}

/* len bytes at `from` have their place at `to`. */
static bool move(struct packer *p, uint64_t from, uint64_t to, uint64_t len, struct img_err *err)
{
	struct pending *pending = &p->pending;

	if (from == to)
		return true;
	if (pending->len && pending->from + pending->len == from &&
	    pending->to + pending->len == to) {
		pending->len += len;
		return true;
	}
	if (!write_pending(p, err))
		return false;
	*pending = (struct pending){ from, to, len };
	return true;
}

static bool put(struct packer *p, uint64_t host, const uint8_t *bytes, size_t len,
		struct img_err *err)
{
	return write_pending(p, err) && img_store_write(p->what->file, host, bytes, len, err);
}

static uint64_t room(const struct img_packing *what, uint64_t len, uint32_t align)
{
	return what->room ? what->room(what->ctx, what->at, len, align)
			  : img_round_up(what->at, align);
}

/* What was compressed, at a place that an entry can say; false: it stays as it is. */
static bool take_recoded(const struct packer *p, struct img_pack_unit *one, size_t used)
{
	const uint64_t now = room(p->what, used, 1);

	if (!used || now + used > p->what->reach)
		return false;
	assert(now + used <= one->host + one->len);
	one->now = now;
	one->now_len = (uint32_t)used;
	one->recoded = true;
	return true;
}

static bool settle_recoded(struct packer *p, struct img_pack_unit *one, size_t slot,
			   struct img_err *err)
{
	p->what->at = one->now + one->now_len;
	return put(p, one->now, p->out + slot * p->size, one->now_len, err);
}

static bool settle_as_it_is(struct packer *p, struct img_pack_unit *one, struct img_err *err)
{
	one->now = one->kind == IMG_PACK_FIXED ? one->host
						   : room(p->what, one->len, one->align);
	one->now_len = one->len;
	assert(one->now <= one->host);
	p->what->at = one->now + one->now_len;
	return move(p, one->host, one->now, one->len, err);
}

/* ---- Batches --------------------------------------------------------------------------------------- */

static bool is_for_codec(const struct packer *p, const struct img_pack_unit *one)
{
	return one->kind == IMG_PACK_PLAIN ||
	       (one->kind == IMG_PACK_PACKED && p->what->recode && one->len <= p->size);
}

/* The units from i on that fit; the first behind them. */
static size_t fill(struct packer *p, size_t i)
{
	for (p->n = 0; i < p->what->units->n && p->n < p->n_slots; i++)
		if (is_for_codec(p, &p->v[i]))
			p->units[p->n++] = i;
	return i;
}

static bool settle(struct packer *p, size_t i, size_t end, struct img_err *err)
{
	for (size_t slot = 0; i < end; i++) {
		struct img_pack_unit *one = &p->v[i];
		const bool mine = slot < p->n && p->units[slot] == i;

		if (mine && take_recoded(p, one, p->used[slot])
			    ? !settle_recoded(p, one, slot, err) : !settle_as_it_is(p, one, err))
			return false;
		slot += mine;
	}
	return write_pending(p, err);
}

static bool run(struct packer *p, struct img_err *err)
{
	size_t end;

	for (size_t i = 0; i < p->what->units->n; i = end) {
		end = fill(p, i);
		if (!img_job_goes_on(p->what->job, err) || !encode_batch(p, err) || !settle(p, i, end, err))
			return false;
	}
	return true;
}

static bool begin(struct packer *p, struct img_err *err)
{
	p->n_slots = img_min_u64(img_max_u64(BATCH_BYTES / p->size, p->n_threads),
				 img_max_u64(p->what->units->n, 1));
	p->pool = img_codec_pool_new(p->what->codec, p->what->level, p->size, err);
	p->in = img_alloc_aligned(p->n_slots * p->size, err);
	p->out = img_alloc_aligned(p->n_slots * p->size, err);
	p->units = img_calloc(p->n_slots, sizeof(*p->units), err);
	p->used = img_calloc(p->n_slots, sizeof(*p->used), err);
	return p->pool && p->in && p->out && p->units && p->used;
}

bool img_pack(struct img_packing *what, struct img_err *err)
{
	struct packer p = {
		.what = what, .v = what->units->v, .size = what->size,
		.n_threads = img_thread_count(what->threads, MOST_THREADS),
	};
	const bool ok = begin(&p, err) && run(&p, err);

	img_codec_pool_free(p.pool);
	free(p.in);
	free(p.out);
	free(p.units);
	free(p.used);
	return ok;
}

void img_pack_count(const struct img_packing *p, struct img_layer_packed *out)
{
	for (size_t i = 0; i < p->units->n; i++) {
		const struct img_pack_unit *one = &p->units->v[i];

		if (one->kind == IMG_PACK_PLAIN)
			*(one->recoded ? &out->compressed : &out->plain) += one->len;
	}
}
