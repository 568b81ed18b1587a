/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In the place of libnbd: a server in memory that answers the newest command first.  One thread.
 */
#ifndef TEST_STORE_NBD_FAKE_H
#define TEST_STORE_NBD_FAKE_H

#include "store/nbd.h"

enum { FAKE_BYTES = 1 << 20, FAKE_COMMANDS = 64 };

struct fake_command {
	enum img_nbd_command kind;
	uint64_t at, len;
};

/* What the server is and does, and what was asked of it. */
struct fake_server {
	uint8_t bytes[FAKE_BYTES];
	int64_t size;
	int64_t block;			/* least bytes of a request; 0: it does not say */
	bool read_only, can_zero, can_flush, has_status, refuses;
	int fail_at, fail_errno;	/* the command of that number, from 1 on */
	int reject_at;			/* libnbd does not take that one */
	uint32_t entries[8];		/* what it says of zeros, whatever it is asked about */
	size_t n_entries;

	int connections;		/* open ones */
	unsigned waiting, most_waiting;	/* commands without an answer */
	struct fake_command asked[FAKE_COMMANDS];
	unsigned n_asked;
};

extern struct fake_server fake;

/* An empty server of FAKE_BYTES that can do all. */
void fake_start(void);
struct img_nbd_library fake_library(void);

#endif
