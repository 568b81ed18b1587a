/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The same function in several threads. */
#ifndef IMG_BASE_PARALLEL_H
#define IMG_BASE_PARALLEL_H

/*
 * Calls work(ctx, i) for each i below n, each in a thread of its own, number 0 in the caller's, and
 * returns when all have returned.  Where no thread can be had the caller does its work as well.
 */
void img_parallel(unsigned n, void (*work)(void *ctx, unsigned i), void *ctx);
/* How many threads to use: wanted, or one for each core when that is 0; from 1 to most. */
unsigned img_thread_count(unsigned wanted, unsigned most);

#endif
