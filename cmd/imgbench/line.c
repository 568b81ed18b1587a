/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See line.h.  Places are few: a look at all of them costs less than a tree would. */
#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "imgbench/line.h"

bool line_init(struct line *line, unsigned threads, struct img_err *err)
{
	*line = (struct line){ .n_places = threads };
	line->under_way = calloc(threads, sizeof(*line->under_way));
	line->taken = calloc(threads, sizeof(*line->taken));
	if (!line->under_way || !line->taken) {
		free(line->under_way);
		free(line->taken);
		*line = (struct line){ .n_places = 0 };
		return out_of_memory(err);
	}
	pthread_mutex_init(&line->turn, NULL);
	pthread_mutex_init(&line->lock, NULL);
	pthread_cond_init(&line->moved, NULL);
	return true;
}

void line_free(struct line *line)
{
	if (!line->n_places)
		return;
	pthread_cond_destroy(&line->moved);
	pthread_mutex_destroy(&line->lock);
	pthread_mutex_destroy(&line->turn);
	free(line->under_way);
	free(line->taken);
}

bool line_may_pass(const struct request *a, const struct request *b)
{
	if (a->kind == REQUEST_FLUSH || b->kind == REQUEST_FLUSH)
		return false;
	if (!request_changes(a) && !request_changes(b))
		return true;
	return a->at >= b->at + b->len || b->at >= a->at + a->len;
}

static bool may_start(const struct line *line, const struct request *r)
{
	for (unsigned i = 0; line->n_taken && i < line->n_places; i++)
		if (line->taken[i] && !line_may_pass(r, &line->under_way[i]))
			return false;
	return true;
}

void line_take_turn(struct line *line)
{
	pthread_mutex_lock(&line->turn);
}

void line_pass(struct line *line)
{
	pthread_mutex_unlock(&line->turn);
}

void line_start(struct line *line, unsigned place, const struct request *r)
{
	pthread_mutex_lock(&line->lock);
	while (!may_start(line, r))
		pthread_cond_wait(&line->moved, &line->lock);
	line->under_way[place] = *r;
	line->taken[place] = true;
	line->n_taken++;
	pthread_mutex_unlock(&line->lock);
	pthread_mutex_unlock(&line->turn);
}

void line_end(struct line *line, unsigned place)
{
	pthread_mutex_lock(&line->lock);
	line->taken[place] = false;
	line->n_taken--;
	/* Only the one that has the turn can be waiting. */
	pthread_cond_signal(&line->moved);
	pthread_mutex_unlock(&line->lock);
}
