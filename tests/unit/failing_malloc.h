/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory that runs out when a test wants it.  A program that uses this links with
 * $(failing_malloc_ldflags) and compiles $(failing_malloc_sources); only the calls of our own code
 * are counted, not those inside other libraries.
 *
 *	for (unsigned n = 1; ; n++) {
 *		fail_allocation(n);
 *		ok = what_is_tested();
 *		if (!allocation_has_failed())
 *			break;
 *		... ok must be false, and IMG_E_NOMEM the reason ...
 *	}
 */
#ifndef TESTS_UNIT_FAILING_MALLOC_H
#define TESTS_UNIT_FAILING_MALLOC_H

#include <stdbool.h>

/* The n-th allocation from now (1: the next) fails, those after it succeed; 0: none fails. */
void fail_allocation(unsigned n);
/* Whether the one asked for has come; nothing fails any more after this call. */
bool allocation_has_failed(void);

#endif
