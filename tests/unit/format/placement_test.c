/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where units lie in a file: what is free and what is astray, and what layers say of themselves. */
#include <criterion/criterion.h>
#include "format/placement.h"

enum { UNIT = 4096, UNITS = 10 };

static struct img_placement p;
static struct img_rangeset blank;
static struct img_err err;

static void start(void)
{
	cr_assert(img_placement_init(&p, UNITS * UNIT - 5, UNIT, 14 * UNIT, &err), "%s", err.text);
}

static void end(void)
{
	img_placement_clear(&p);
	img_rangeset_clear(&blank);
}

TestSuite(placement, .init = start, .fini = end);

Test(placement, one_unit_at_one_place)
{
	uint64_t guest;

	cr_assert_eq(p.units, UNITS);
	cr_assert_eq(p.hosts, 14);
	cr_assert_not(img_placement_put(&p, 3, 0), "where the header is");
	cr_assert_not(img_placement_put(&p, 3, 14), "behind the file");
	cr_assert(img_placement_put(&p, 3, 5));
	cr_assert_not(img_placement_put(&p, 5, 5), "it is in use");
	cr_assert(img_placement_put(&p, 0, UNITS));
	cr_assert_eq(p.placed, 2);
	cr_assert_eq(p.astray, 1);
	cr_assert(img_placement_guest(&p, 5, &guest));
	cr_assert_eq(guest, 3);
	cr_assert_not(img_placement_guest(&p, 3, &guest));
	cr_assert_not(img_placement_guest(&p, 99, &guest));
	img_placement_take(&p, 3);
	cr_assert(img_placement_put(&p, 3, 3));
	cr_assert_eq(p.astray, 0);
}

Test(placement, no_more_of_the_file_than_is_needed)
{
	cr_assert(img_placement_put(&p, 1, 12));
	img_placement_trim(&p);
	cr_assert_eq(p.hosts, 13);
	img_placement_take(&p, 1);
	img_placement_trim(&p);
	cr_assert_eq(p.hosts, UNITS + 1);
}

Test(placement, too_many)
{
	struct img_placement huge;

	cr_assert_not(img_placement_init(&huge, UINT64_C(1) << 45, 512, 0, &err));
	cr_assert_eq(err.code, IMG_E_RANGE);
	img_placement_clear(&huge);
}

/* ---- What a layer says --------------------------------------------------------------------------- */

static const struct img_extent *told;

static bool tell(struct img_layer *ly, uint64_t at, uint64_t limit, struct img_extent *out,
		 struct img_err *e)
{
	const struct img_extent *ex = told;

	(void)limit;
	(void)e;
	while (ex->start + ex->len <= at)
		ex++;
	*out = *ex;
	out->store = ly->store;
	return true;
}

static bool read_from(const struct img_extent *extents)
{
	const struct img_format format = { .name = "fake", .extent = tell };
	struct img_layer ly = { .format = &format, .size = UNITS * UNIT };

	told = extents;
	return img_placement_read(&p, &ly, &blank, &err);
}

Test(placement, data_and_parts_that_are_blank)
{
	const struct img_extent extents[] = {
		{ .start = 0, .len = 512, .kind = IMG_EXTENT_ZERO },
		{ .start = 512, .len = 512, .kind = IMG_EXTENT_DATA, .host = 4 * UNIT + 512 },
		{ .start = 1024, .len = 5 * UNIT, .kind = IMG_EXTENT_HOLE },
		{ .start = 5 * UNIT + 1024, .len = 5 * UNIT - 1024, .kind = IMG_EXTENT_DATA,
		  .host = 6 * UNIT + 1024 },
	};

	cr_assert(read_from(extents), "%s", err.text);
	cr_assert_eq(p.placed, 6);
	cr_assert_eq(p.host_of[0], 4);
	cr_assert_eq(p.host_of[5], 6);
	cr_assert_eq(p.host_of[9], 10);
	cr_assert_eq(blank.n, 3);
	cr_assert_eq(blank.v[0].start, 4 * UNIT);
	cr_assert_eq(blank.v[0].end, 4 * UNIT + 512);
	cr_assert_eq(blank.v[1].start, 4 * UNIT + 1024);
	cr_assert_eq(blank.v[1].end, 5 * UNIT);
	cr_assert_eq(blank.v[2].start, 6 * UNIT);
	cr_assert_eq(blank.v[2].end, 6 * UNIT + 1024);
}

Test(placement, what_is_refused)
{
	const struct {
		struct img_extent ex[2];
		enum img_code code;
	} rows[] = {
		{ { { .len = UNIT, .host = UNIT }, { .start = UNIT, .len = UNIT, .host = UNIT } },
		  IMG_E_CORRUPT },
		{ { { .len = UNIT, .host = UNIT + 512 } }, IMG_E_CORRUPT },
		{ { { .len = UNIT, .host = 0 } }, IMG_E_CORRUPT },
		{ { { .len = UNIT, .host = 14 * UNIT } }, IMG_E_CORRUPT },
		{ { { .len = UNIT, .kind = IMG_EXTENT_ENCODED } }, IMG_E_UNSUPPORTED },
		{ { { .len = UNIT, .kind = IMG_EXTENT_LOST, .loss = IMG_E_INCOMPLETE, .why = "x" } },
		  IMG_E_INCOMPLETE },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		end();
		start();
		cr_assert_not(read_from(rows[i].ex), "row %zu", i);
		cr_assert_eq(err.code, rows[i].code, "row %zu: %s", i, err.text);
	}
}
