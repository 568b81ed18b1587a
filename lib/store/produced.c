/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A stream that a thread makes while another one reads it: unpacking overlaps with whatever is done
 * with the bytes.  Between the two is a ring of pieces, which are handed over whole, so that neither
 * copies or looks at anything under the lock.
 */
#include "store/produced.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "base/deadline.h"
#include "base/err.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"

enum { PIECES = 4, PIECE_BYTES = 1 << 20, WAIT_MS = 100 };

struct piece {
	uint8_t *bytes;
	size_t len;
};

struct produced {
	struct img_store st;
	struct img_producer *producer;	/* the thread's, once that runs */
	uint64_t most;
	uint64_t next;			/* the offset that the reader wants next */
	size_t used;			/* bytes of the first whole piece that it has taken */
	pthread_t thread;
	bool started;
	_Atomic bool stop;
	struct piece pieces[PIECES];	/* each is the thread's, or whole and the reader's */
	pthread_mutex_t lock;		/* guards all below */
	pthread_cond_t changed;
	unsigned first, n_whole;
	uint64_t made;			/* bytes of all pieces so far */
	bool ended;			/* no more come */
	struct img_err failed;		/* code not IMG_OK: why */
};

bool img_pull(struct img_pull *pull, void *buf, size_t len, size_t *got, struct img_err *err)
{
	size_t ready = 0;

	*got = 0;
	if (pull->ended)
		return true;
	while (!ready) {
		if (pull->stop && atomic_load(pull->stop))
			return img_fail(err, IMG_E_CANCELLED, _("nobody wants it any more"));
		ready = img_store_ready(pull->st, WAIT_MS);
	}
	if (!img_store_read_some(pull->st, pull->at, buf, img_min_u64(len, ready), got, err))
		return false;
	pull->at += *got;
	pull->ended = *got == 0;
	return true;
}

/* Fills a piece; *ended: there are no bytes behind it. */
static bool make_piece(struct produced *p, struct piece *piece, bool *ended, struct img_err *err)
{
	size_t got = 1;

	if (!piece->bytes)
		piece->bytes = img_alloc_aligned(PIECE_BYTES, err);
	if (!piece->bytes)
		return false;
	for (piece->len = 0; piece->len < PIECE_BYTES && got; piece->len += got)
		if (!p->producer->ops->make(p->producer, piece->bytes + piece->len,
					    PIECE_BYTES - piece->len, &got, err))
			return false;
	*ended = !got;
	return true;
}

/* The piece that is to be filled next, once there is one; NULL: none will be wanted. */
static struct piece *wait_for_room(struct produced *p)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&p->lock);

	while (p->n_whole == PIECES && !atomic_load(&p->stop))
		pthread_cond_wait(&p->changed, &p->lock);
	return atomic_load(&p->stop) ? NULL : &p->pieces[(p->first + p->n_whole) % PIECES];
}

/* What came before a failure is handed over, too: a salvage may want it. */
static void hand_over(struct produced *p, const struct piece *piece, bool ended,
		      const struct img_err *failed)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&p->lock);

	p->n_whole += piece->len > 0;
	p->made += piece->len;
	p->ended = ended;
	p->failed = *failed;
	if (p->failed.code == IMG_OK && p->made > p->most) {
		p->ended = true;
		img_fail(&p->failed, IMG_E_RANGE,
			 _("%s: unpacks to more than the %" PRIu64 " bytes that are allowed"),
			 p->st.name, p->most);
	}
	pthread_cond_broadcast(&p->changed);
}

static void *thread_main(void *arg)
{
	struct produced *p = arg;
	bool ended = false;

	while (!ended && !p->ended) {
		struct piece *piece = wait_for_room(p);
		struct img_err err = { 0 };

		if (!piece)
			break;
		if (!make_piece(p, piece, &ended, &err))
			ended = true;
		hand_over(p, piece, ended, &err);
	}
	return NULL;
}

static bool start(struct produced *p, struct img_err *err)
{
	if (p->started)
		return true;
	errno = pthread_create(&p->thread, NULL, thread_main, p);
	if (errno)
		return img_fail_os(err, _("%s: cannot start a thread"), p->st.name);
	p->started = true;
	return true;
}

/* The first whole piece, once there is one; NULL in *piece: the end. */
static bool wait_for_piece(struct produced *p, struct piece **piece, struct img_err *err)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&p->lock);

	while (!p->n_whole && !p->ended)
		pthread_cond_wait(&p->changed, &p->lock);
	*piece = p->n_whole ? &p->pieces[p->first] : NULL;
	if (*piece || p->failed.code == IMG_OK)
		return true;
	if (err)
		*err = p->failed;
	return false;
}

static void give_back(struct produced *p)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&p->lock);

	p->used = 0;
	p->first = (p->first + 1) % PIECES;
	p->n_whole--;
	pthread_cond_broadcast(&p->changed);
}

/* Only the next offset is accepted, as of a pipe. */
static bool check_next(const struct produced *p, uint64_t at, struct img_err *err)
{
	return img_store_check_next(p->next, at, err) || img_within(err, "%s", p->st.name);
}

static bool produced_read(struct img_store *st, uint64_t at, void *buf, size_t len, size_t *got,
			  struct img_err *err)
{
	struct produced *p = (struct produced *)st;
	size_t done = 0;

	if (!check_next(p, at, err) || !start(p, err))
		return false;
	while (done < len) {
		struct piece *piece;
		size_t n;

		if (!wait_for_piece(p, &piece, err))
			return false;
		if (!piece)
			break;
		n = img_min_u64(len - done, piece->len - p->used);
		memcpy((uint8_t *)buf + done, piece->bytes + p->used, n);
		p->used += n;
		p->next += n;
		done += n;
		if (p->used == piece->len)
			give_back(p);
	}
	*got = done;
	return true;
}

static bool produced_peek(struct img_store *st, void *buf, size_t len, size_t *got,
			  struct img_err *err)
{
	struct produced *p = (struct produced *)st;
	struct piece *piece;

	if (!check_next(p, 0, err) || !start(p, err) || !wait_for_piece(p, &piece, err))
		return false;
	*got = piece ? img_min_u64(len, piece->len) : 0;
	if (*got)
		memcpy(buf, piece->bytes, *got);
	return true;
}

static bool produced_size(struct img_store *st, uint64_t *bytes, struct img_err *err)
{
	struct produced *p = (struct produced *)st;
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&p->lock);

	(void)err;
	*bytes = p->ended && p->failed.code == IMG_OK ? p->made : IMG_SIZE_UNKNOWN;
	return true;
}

static size_t produced_ready(struct img_store *st, int wait_ms)
{
	struct produced *p = (struct produced *)st;
	const struct timespec until = img_deadline_in_ms((unsigned)wait_ms);

	if (!start(p, NULL))
		return 1;	/* the read says why */
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&p->lock);

	while (!p->n_whole && !p->ended && wait_ms > 0)
		if (pthread_cond_timedwait(&p->changed, &p->lock, &until))
			break;
	if (p->n_whole)
		return p->pieces[p->first].len - p->used;
	return p->ended;
}

static bool produced_confirm(struct img_store *st, struct img_err *err)
{
	return img_store_confirm(((struct produced *)st)->producer->in.st, err);
}

static void produced_close(struct img_store *st)
{
	struct produced *p = (struct produced *)st;

	if (p->started) {
		pthread_mutex_lock(&p->lock);
		atomic_store(&p->stop, true);
		pthread_cond_broadcast(&p->changed);
		pthread_mutex_unlock(&p->lock);
		pthread_join(p->thread, NULL);
	}
	if (p->producer)
		p->producer->ops->close(p->producer);
	for (size_t i = 0; i < PIECES; i++)
		free(p->pieces[i].bytes);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static const struct img_store_ops produced_ops = {
	.kind = "produced",
	.passes_on = true,
	.size = produced_size,
	.read = produced_read,
	.peek = produced_peek,
	.ready = produced_ready,
	.confirm = produced_confirm,
	.close = produced_close,
};

struct img_store *img_store_produced(struct img_producer *producer, const char *shown_as, uint64_t most,
				     struct img_err *err)
{
	struct produced *p = img_calloc(1, sizeof(*p), err);

	if (!p)
		return NULL;
	p->st = (struct img_store){ .ops = &produced_ops, .align = 1 };
	p->most = most;
	pthread_mutex_init(&p->lock, NULL);
	img_deadline_init_cond(&p->changed);
	p->st.name = img_strdup(shown_as, err);
	if (!p->st.name) {
		img_store_close(&p->st);
		return NULL;
	}
	p->producer = producer;
	producer->in.stop = &p->stop;
	return &p->st;
}
