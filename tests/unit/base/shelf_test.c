/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is put back is given out again; codec/pool_test.c has the threads. */
#include <criterion/criterion.h>
#include "base/err.h"
#include "base/shelf.h"

struct maker {
	int made, dropped;
	bool fails;
	int cx[4];
};

static void *make(const void *owner, struct img_err *err)
{
	struct maker *m = (struct maker *)owner;

	if (m->fails) {
		img_fail(err, IMG_E_NOMEM, "none left");
		return NULL;
	}
	return &m->cx[m->made++];
}

static void drop(const void *owner, void *cx)
{
	(void)cx;
	((struct maker *)owner)->dropped++;
}

static const struct img_shelf_kind kind = { .make = make, .drop = drop };

Test(shelf, makes_no_more_than_are_out_at_once)
{
	struct img_err err = { 0 };
	struct maker m = { 0 };
	struct img_shelf *shelf = img_shelf_new(&kind, &m, &err);
	void *a = img_shelf_get(shelf, &err);
	void *b = img_shelf_get(shelf, &err);

	cr_assert(a && b && a != b);
	img_shelf_put(shelf, a);
	cr_assert_eq(img_shelf_get(shelf, &err), a);
	cr_assert_eq(m.made, 2);
	img_shelf_put(shelf, b);
	img_shelf_put(shelf, a);
	img_shelf_free(shelf);
	cr_assert_eq(m.dropped, 2);
	img_shelf_free(NULL);
}

Test(shelf, survives_what_cannot_be_made)
{
	struct img_err err = { 0 };
	struct maker m = { .fails = true };
	struct img_shelf *shelf = img_shelf_new(&kind, &m, &err);

	cr_assert_null(img_shelf_get(shelf, &err));
	cr_assert_eq(err.code, IMG_E_NOMEM);
	m.fails = false;
	void *a = img_shelf_get(shelf, &err);
	cr_assert(a);
	img_shelf_put(shelf, a);
	img_shelf_free(shelf);
	cr_assert_eq(m.dropped, 1);
}
