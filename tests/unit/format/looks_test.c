/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include "base/mem.h"
#include "format/looks.h"

enum { PIECES = 10 };

static void *read_number(const void *ctx, uint64_t index, struct img_err *err)
{
	uint64_t *piece = index < PIECES ? img_calloc(1, sizeof(*piece), err) : NULL;

	++*(unsigned *)(uintptr_t)ctx;
	if (piece)
		*piece = index;
	else
		img_fail(err, IMG_E_IO, "there is no piece %u", (unsigned)index);
	return piece;
}

/* How often pieces were read when each was looked at three times in a row, and then all again. */
static unsigned count_reads(struct img_looks *looks)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 6 * PIECES; i++) {
		const uint64_t index = i / 3 % PIECES;
		const uint64_t *piece = img_looks_at(looks, index, read_number, &n, NULL);

		cr_assert(piece && *piece == index);
	}
	return n;
}

Test(looks, keep_as_many_pieces_as_are_allowed_and_one_at_least)
{
	struct img_looks looks;

	cr_assert(img_looks_init_if_needed(&looks, PIECES, 8, 0, NULL));
	cr_assert_eq(looks.n, 1);
	cr_assert_eq(count_reads(&looks), 2 * PIECES);
	img_looks_clear(&looks);
	cr_assert(img_looks_init_if_needed(&looks, PIECES, 8, 8 * (PIECES - 1), NULL));
	cr_assert_eq(count_reads(&looks), PIECES + 2, "two pieces take turns in one place");
	img_looks_clear(&looks);
}

Test(looks, are_not_needed_where_all_pieces_have_room)
{
	struct img_looks looks;

	cr_assert(img_looks_init_if_needed(&looks, PIECES, 8, 8 * PIECES, NULL));
	cr_assert_null(looks.v);
	img_looks_clear(&looks);
}

Test(looks, what_cannot_be_read_leaves_the_others_alone)
{
	struct img_looks looks;
	struct img_err err = { 0 };
	unsigned n = 0;

	cr_assert(img_looks_init_if_needed(&looks, PIECES + 1, 8, 8, NULL));
	cr_assert(img_looks_at(&looks, 3, read_number, &n, &err));
	cr_assert_null(img_looks_at(&looks, PIECES, read_number, &n, &err));
	cr_assert_eq(err.code, IMG_E_IO);
	cr_assert_eq(*(const uint64_t *)img_looks_at(&looks, 3, read_number, &n, &err), 3);
	cr_assert_eq(n, 2);
	img_looks_clear(&looks);
}
