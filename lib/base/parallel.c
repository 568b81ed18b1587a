/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The same function in several threads. */
#include "base/parallel.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

struct part {
	pthread_t thread;
	bool started;
	void (*work)(void *ctx, unsigned i);
	void *ctx;
	unsigned i;
};

static void *run(void *arg)
{
	const struct part *part = arg;

	part->work(part->ctx, part->i);
	return NULL;
}

void img_parallel(unsigned n, void (*work)(void *ctx, unsigned i), void *ctx)
{
	struct part *parts = n > 1 ? calloc(n, sizeof(*parts)) : NULL;

	for (unsigned i = 1; parts && i < n; i++) {
		parts[i] = (struct part){ .work = work, .ctx = ctx, .i = i };
		parts[i].started = !pthread_create(&parts[i].thread, NULL, run, &parts[i]);
	}
	for (unsigned i = 0; i < n; i++)
		if (!parts || !parts[i].started)
			work(ctx, i);
	for (unsigned i = 1; parts && i < n; i++)
		if (parts[i].started)
			pthread_join(parts[i].thread, NULL);
	free(parts);
}

unsigned img_thread_count(unsigned wanted, unsigned most)
{
	const long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (!wanted)
		wanted = cores > 0 ? (unsigned)cores : 1;
	return wanted < most ? wanted : most;
}
