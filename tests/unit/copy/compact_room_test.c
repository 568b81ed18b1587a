/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a round needs follows the blocks of the file, unless holes do not stay holes. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <unistd.h>
#include "copy/compact_room.h"
#include "unit/fake/files.h"

enum { MIB = 1 << 20, LONG = 512 * MIB };

TestSuite(compact_room, .init = files_enter, .fini = files_leave);

/* A file with MIB bytes of data, and some hundred times as many of holes. */
static struct img_store *make_file(const char *name)
{
	static uint8_t bytes[MIB] = { 1 };
	struct img_err err = { 0 };

	files_write(name, bytes, sizeof(bytes));
	cr_assert_eq(truncate(name, LONG), 0);
	return img_store_file(name, IMG_OPEN_NO_LOCK, IMG_CACHE_WRITEBACK, &err);
}

static uint64_t room(struct img_compact_room of, uint32_t unit, size_t n_data_files)
{
	struct img_store *store = make_file("image"), *more = make_file("more");
	const struct img_layer ly = {
		.store = store, .unit = unit, .data_files = &more, .n_data_files = n_data_files,
	};
	uint64_t bytes;

	cr_assert(store && more);
	of.ly = &ly;
	bytes = img_compact_room(&of);
	img_store_close(store);
	img_store_close(more);
	return bytes;
}

static void between(uint64_t bytes, uint64_t least, uint64_t most)
{
	cr_assert_geq(bytes, least, "%lu", (unsigned long)bytes);
	cr_assert_leq(bytes, most, "%lu", (unsigned long)bytes);
}

Test(compact_room, nothing_needs_nothing)
{
	cr_assert_eq(room((struct img_compact_room){ .most = 0 }, 65536, 0), 0);
}

Test(compact_room, holes_need_none)
{
	const struct img_compact_room all = { .most = LONG };
	const struct img_compact_room some = { .most = MIB / 4 };

	between(room(all, 65536, 0), 3 * MIB, 9 * MIB);
	between(room(all, 65536, 1), 6 * MIB, 15 * MIB);
	between(room(some, 65536, 0), 3 * MIB / 4, 2 * MIB);
}

Test(compact_room, holes_that_become_bytes_need_all)
{
	const struct img_compact_room of = { .most = LONG, .told = { .seals = true } };

	between(room(of, 65536, 0), UINT64_C(3) * LONG, UINT64_C(4) * LONG);
}

/* Each of them may be in a block of its own. */
Test(compact_room, small_units_are_counted_in_blocks)
{
	const struct img_compact_room of = { .most = MIB / 4 };

	between(room(of, 512, 0), 3 * 2 * MIB, 3 * 3 * MIB);
}

Test(compact_room, tables_are_those_that_change)
{
	const struct img_compact_room moves = {
		.tables = MIB, .told = { .follow = MIB, .tables = 9 * MIB },
	};
	struct img_compact_room packs = moves;

	packs.compress = true;
	between(room(moves, 65536, 0), 6 * MIB, 8 * MIB);
	between(room(packs, 65536, 0), 27 * MIB, 29 * MIB);
}
