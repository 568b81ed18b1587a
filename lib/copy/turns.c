/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See turns.h. */
#include "copy/turns.h"

#include <pthread.h>
#include "base/lock.h"
#include "base/parallel.h"

struct turns {
	const struct img_turns *what;
	void *const *windows;
	pthread_mutex_t lock;		/* guards the others but err */
	pthread_cond_t changed;
	bool taking;			/* a thread is taking the next window */
	bool over;			/* no more windows are taken */
	bool silent;			/* nor is anything told any more */
	uint64_t next_seq;
	uint64_t turn;			/* the window that is told next */
	struct img_err *err;		/* of the thread whose turn it is; may be NULL */
	bool failed;
};

/* A window on its way. */
struct passage {
	uint64_t seq;
	void *window;
	bool ok;
	struct img_err err;
};

/* False: there is no more to do.  The lock is held, but not while the window is looked for. */
static bool take(struct turns *t, struct passage *p)
{
	bool more = false;

	while (t->taking)
		pthread_cond_wait(&t->changed, &t->lock);
	if (t->over)
		return false;
	t->taking = true;
	pthread_mutex_unlock(&t->lock);
	p->err = (struct img_err){ 0 };
	p->ok = t->what->take(t->what->ctx, p->window, &more, &p->err);
	pthread_mutex_lock(&t->lock);
	t->taking = false;
	t->over |= !p->ok || !more;
	/* A failure has its turn, too. */
	if (!p->ok || more)
		p->seq = t->next_seq++;
	pthread_cond_broadcast(&t->changed);
	return !p->ok || more;
}

/* Only where it is the turn of p.  Whether this was the last one that is wanted. */
static bool tell(struct turns *t, struct passage *p)
{
	bool over = false;

	p->ok = p->ok && t->what->tell(t->what->ctx, p->window, &over, &p->err);
	if (!p->ok) {
		t->failed = true;
		if (t->err)
			*t->err = p->err;
	}
	return over || !p->ok;
}

static void tell_in_turn(struct turns *t, struct passage *p)
{
	while (t->turn != p->seq)
		pthread_cond_wait(&t->changed, &t->lock);
	if (!t->silent) {
		pthread_mutex_unlock(&t->lock);
		const bool last = tell(t, p);

		pthread_mutex_lock(&t->lock);
		t->silent = last;
		t->over |= last;
	}
	t->turn++;
	pthread_cond_broadcast(&t->changed);
}

static void work(void *ctx, unsigned i)
{
	struct turns *t = ctx;
	struct passage p = { .window = t->windows[i] };
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&t->lock);

	while (take(t, &p)) {
		pthread_mutex_unlock(&t->lock);
		p.ok = p.ok && t->what->work(t->what->ctx, p.window, &p.err);
		pthread_mutex_lock(&t->lock);
		tell_in_turn(t, &p);
	}
}

bool img_turns_run(const struct img_turns *what, void *const *windows, unsigned n,
		   struct img_err *err)
{
	struct turns t = {
		.what = what, .windows = windows, .err = err,
		.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER,
	};

	img_parallel(n, work, &t);
	pthread_cond_destroy(&t.changed);
	return !t.failed;
}
