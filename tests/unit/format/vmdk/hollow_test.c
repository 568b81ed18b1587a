/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How far the tables of a file are holes in it. */
#include <stdlib.h>
#include <criterion/criterion.h>
#include "format/vmdk/vmdk.h"

enum {
	TABLES = 4096, TABLE = 512 * 4, FIRST = 1 << 20, SECOND = FIRST + TABLES * TABLE,
	FILE_SIZE = SECOND + TABLES * TABLE,
};

static struct vmdk_sparse sp;

static void begin(void)
{
	struct img_err err = { 0 };

	sp = (struct vmdk_sparse){
		.file = img_store_temporary(NULL, &err), .file_size = FILE_SIZE, .n_gd = TABLES,
		.hdr = {
			.kind = VMDK_KIND_HOSTED, .gt_entries = 512, .entry_len = 4, .grain = 65536,
			.n_gd = TABLES, .capacity = UINT64_C(512) * TABLES * 65536,
		},
		.gd = calloc(TABLES, sizeof(uint64_t)), .rgd = calloc(TABLES, sizeof(uint64_t)),
		.n_rgd = TABLES,
	};
	cr_assert(sp.file && sp.gd && sp.rgd && img_store_resize(sp.file, FILE_SIZE, &err));
	for (size_t i = 0; i < TABLES; i++) {
		sp.gd[i] = (FIRST + i * TABLE) / 512;
		sp.rgd[i] = (SECOND + i * TABLE) / 512;
	}
}

static void end(void)
{
	img_store_close(sp.file);
	free(sp.gd);
	free(sp.rgd);
}

TestSuite(vmdk_hollow, .init = begin, .fini = end);

static uint64_t end_from(uint64_t i)
{
	struct img_err err = { 0 };
	uint64_t out;

	cr_assert(vmdk_hollow_end(&sp, i, TABLES, &out, &err), "%s", err.text);
	return out;
}

Test(vmdk_hollow, ends_where_either_table_has_bytes)
{
	struct img_err err = { 0 };

	cr_assert_eq(end_from(0), TABLES);
	cr_assert(img_store_write(sp.file, SECOND + 3000 * TABLE, "x", 1, &err));
	/* A block of the file system around it is none of a hole. */
	cr_assert(end_from(0) <= 3000 && end_from(0) > 2900, "%lu", end_from(0));
	cr_assert(img_store_write(sp.file, FIRST + 1000 * TABLE, "x", 1, &err));
	cr_assert(end_from(0) <= 1000 && end_from(0) > 900, "%lu", end_from(0));
	cr_assert_eq(end_from(1000), 1000);
}

Test(vmdk_hollow, what_leads_nowhere_is_no_hole)
{
	sp.gd[500] = sp.rgd[500] = 0;		/* no table */
	sp.rgd[700] = FILE_SIZE;		/* a second one that cannot be: the first one counts */
	sp.gd[800] = FILE_SIZE;			/* the second one counts */
	sp.gd[900] = sp.rgd[900] = FILE_SIZE;	/* lost */
	cr_assert_eq(end_from(0), 900);
}
