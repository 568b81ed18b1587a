/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is left of an image whose header was overwritten: entries that lead to streams of zlib. */
#include "base/bytes.h"
#include "format/cloop/stream.h"

enum { IN_A_ROW = 3 };

/* Whether an offset leads behind `at`, where it was found, to what looks like a block. */
static bool leads_to_block(const uint8_t *head, size_t len, size_t at, uint64_t host)
{
	return host > at && host <= len - 2 && cloop_is_zlib(head + host);
}

static bool is_index(const uint8_t *head, size_t len, size_t at)
{
	uint64_t before = 0;

	for (size_t i = 0; i < IN_A_ROW; i++) {
		const size_t entry_at = at + i * CLOOP_ENTRY_LEN;
		const uint64_t host = img_get_be64(head + entry_at);

		if (host <= before || !leads_to_block(head, len, entry_at, host))
			return false;
		before = host;
	}
	return true;
}

bool cloop_remains(const uint8_t *head, size_t len)
{
	/* Entries lie on multiples of their length, as the header is one. */
	for (size_t at = CLOOP_HDR_LEN; at + IN_A_ROW * CLOOP_ENTRY_LEN <= len;
	     at += CLOOP_ENTRY_LEN)
		if (is_index(head, len, at))
			return true;
	return false;
}
