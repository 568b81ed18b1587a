/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The waiting line of a load that several threads work on.  Requests start in the order of their
 * numbers; one that touches bytes which another changes waits until that one has ended, and a
 * flush waits for all before it and holds up all behind it.  So what a disk holds in the end never
 * depends on how many threads there are.
 */
#ifndef CMD_IMGBENCH_LINE_H
#define CMD_IMGBENCH_LINE_H

#include <pthread.h>
#include "libimg.h"
#include "imgbench/request.h"

struct line {
	pthread_mutex_t turn;		/* held by the thread whose request is the next to start */
	pthread_mutex_t lock;		/* guards what follows */
	pthread_cond_t moved;		/* one has ended */
	struct request *under_way;	/* a place for each thread */
	bool *taken;			/* the place is in use */
	unsigned n_places, n_taken;
};

/* IMG_E_NOMEM.  Free with line_free(), which accepts one that is all zero. */
bool line_init(struct line *line, unsigned threads, struct img_err *err) IMG_MUST_CHECK;
void line_free(struct line *line);
/* The caller is the next to start a request; nobody else is, until line_start(). */
void line_take_turn(struct line *line);
/* The caller has its turn, and nothing to start. */
void line_pass(struct line *line);
/* Waits until r may start, then gives the turn away.  place: the thread's number, from 0 on. */
void line_start(struct line *line, unsigned place, const struct request *r);
/* The request of that thread has ended. */
void line_end(struct line *line, unsigned place);

/* Whether a may start while b is under way. */
bool line_may_pass(const struct request *a, const struct request *b);

#endif
