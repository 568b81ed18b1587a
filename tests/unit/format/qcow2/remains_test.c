/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables that are left behind a lost header, and what only looks like them. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include "base/bytes.h"
#include "format/qcow2/qcow2.h"

#define LEN (256 * 1024)
#define COPIED QCOW2_ENTRY_COPIED

static const struct {
	const char *what;
	size_t at;
	uint64_t first, second;
	size_t counts_at;		/* here stands 1, 1, 1 in 16 bits each; 0: nowhere */
	bool remains;
} cases[] = {
	{ "nothing", 0, 0, 0, 0, false },
	{ "clusters of 64 KiB in a row", 65536, COPIED | 131072, COPIED | 196608, 0, true },
	{ "clusters of 512 bytes in a row", 1536, COPIED | 4096, COPIED | 4608, 0, true },
	{ "one cluster alone", 65536, COPIED | 131072, 0, 0, false },
	{ "entries without the flag", 65536, 131072, 196608, 0, false },
	{ "a step that is no cluster", 65536, COPIED | 131072, COPIED | 131328, 0, false },
	{ "a step that is too large", 65536, COPIED | 4 << 20, COPIED | 8 << 20, 0, false },
	{ "a table in the middle of a cluster", 512, COPIED | 131072, COPIED | 196608, 0, false },
	{ "entries that are misaligned", 65536, COPIED | 512, COPIED | 66048, 0, false },
	{ "all bits set", 65536, UINT64_MAX, UINT64_MAX, 0, false },
	{ "a refcount table and its block", 65536, 131072, 0, 131072, true },
	{ "a refcount table and no block", 65536, 131072, 0, 0, false },
	{ "a refcount table and a block elsewhere", 65536, 131072, 0, 196608, false },
	{ "a block at the end", 65536, LEN - 512, 0, LEN - 512, true },
	{ "a block behind the end", 65536, LEN, 0, 0, false },
};

Test(remains, are_tables_that_fit_together)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t *head = calloc(1, LEN);

		img_put_be64(head + cases[i].at, cases[i].first);
		img_put_be64(head + cases[i].at + 8, cases[i].second);
		for (size_t n = 0; cases[i].counts_at && n < 3; n++)
			img_put_be16(head + cases[i].counts_at + 2 * n, 1);
		cr_assert_eq(qcow2_remains(head, LEN), cases[i].remains, "%s", cases[i].what);
		free(head);
	}
}

Test(remains, of_a_short_file_are_none)
{
	static const uint8_t head[1023];

	for (size_t len = 0; len <= sizeof(head); len++)
		cr_assert_not(qcow2_remains(head, len));
}
