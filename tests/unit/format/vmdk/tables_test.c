/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Grain tables in memory: read once while there is room, right when there is not. */
#include <criterion/criterion.h>
#include "format/vmdk/tables.h"

static uint8_t content[4 * 2048];

static uint64_t reads(struct img_store *st)
{
	return atomic_load(&st->counts.reads);
}

static void look(struct vmdk_tables *tables, struct img_store *st, unsigned number)
{
	const struct vmdk_table table = { .file = st, .host = number * 2048, .len = 2048 };
	uint8_t got[4];

	cr_assert(vmdk_tables_copy(tables, &table, 100, got, sizeof(got), NULL));
	cr_assert_arr_eq(got, content + number * 2048 + 100, sizeof(got));
}

static struct img_store *store(void)
{
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)(i / 2048 * 50 + i % 41);
	return img_store_mem(content, sizeof(content), NULL);
}

Test(tables, are_read_once)
{
	struct img_store *st = store();
	struct vmdk_tables *tables = vmdk_tables_new(1 << 20, NULL);

	for (unsigned i = 0; i < 12; i++)
		look(tables, st, i % 4);
	cr_assert_eq(reads(st), 4);
	vmdk_tables_free(tables);
	img_store_close(st);
}

Test(tables, take_turns_where_there_is_room_for_one)
{
	struct img_store *st = store(), *other = store();
	struct vmdk_tables *tables = vmdk_tables_new(0, NULL);

	for (unsigned i = 0; i < 4; i++)
		look(tables, st, i % 2);
	cr_assert_eq(reads(st), 4);
	look(tables, other, 1);
	look(tables, other, 1);
	cr_assert_eq(reads(other), 1);
	vmdk_tables_free(tables);
	img_store_close(st);
	img_store_close(other);
}
