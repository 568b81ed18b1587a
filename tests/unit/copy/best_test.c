/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of several codecs a unit is left with. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "copy/copy.h"

enum { UNIT = 64, FAILS = 0 };

/* A codec that makes as many bytes as its level says, each of them that number. */
static void *open_codec(int level, size_t unit, struct img_err *err)
{
	int *cx = malloc(sizeof(*cx));

	(void)unit, (void)err;
	*cx = level;
	return cx;
}

static bool encode(void *context, const void *in, size_t n, void *out, size_t cap, size_t *used,
		   struct img_err *err)
{
	const int level = *(int *)context;

	(void)in;
	cr_assert_eq(n, UNIT);
	if (level == FAILS)
		return img_fail(err, IMG_E_NOMEM, "as the test wants it");
	*used = (size_t)level <= cap ? (size_t)level : 0;
	memset(out, level, *used);
	return true;
}

static const struct img_codec codec = {
	.name = "fake", .level_min = 0, .level_max = 2 * UNIT, .open = open_codec, .encode = encode,
	.close = free,
};

struct expected {
	size_t first;			/* bytes that the codec of the layer has made */
	int others[3];			/* bytes of the others; -1: there is no more */
	size_t used;
	unsigned codec;
};

static const struct expected table[] = {
	{ 30, { -1 }, 30, 0 },
	{ 30, { 20, -1 }, 20, 1 },
	{ 30, { 40, -1 }, 30, 0 },
	/* Of those that are equal the first counts. */
	{ 30, { 30, -1 }, 30, 0 },
	{ 30, { 20, 20, -1 }, 20, 1 },
	{ 30, { 20, 10, -1 }, 10, 2 },
	{ 30, { 10, 20, -1 }, 10, 1 },
	/* What one of them makes no smaller another may. */
	{ 0, { 2 * UNIT, 50, -1 }, 50, 2 },
	{ 0, { UNIT, 2 * UNIT, -1 }, 0, 0 },
	{ 1, { 1, -1 }, 1, 0 },
};

static void work_start(struct img_work *work, struct img_other_codec *list, const int *others)
{
	struct img_err err = { 0 };

	for (size_t i = 0; others[i] >= 0; i++)
		list[i] = (struct img_other_codec){ .codec = &codec, .level = others[i] };
	*work = (struct img_work){ .unit = UNIT, .others = list };
	cr_assert(img_best_init(work, &err), "%s", err.text);
}

Test(best, takes_what_is_smallest)
{
	static const uint8_t in[UNIT];
	const uint8_t first = 0xff;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct expected *e = &table[i];
		struct img_other_codec list[IMG_CODECS_MAX] = { { .codec = NULL } };
		uint8_t spare[UNIT], out[UNIT];
		struct img_err err = { 0 };
		struct img_work work;
		size_t used = e->first;
		unsigned number = 9;

		memset(out, first, sizeof(out));
		work_start(&work, list, e->others);
		cr_assert(img_best_encode(&work, spare, in, out, &used, &number, &err));
		cr_assert_eq(used, e->used, "row %zu: %zu bytes", i, used);
		cr_assert_eq(number, e->codec, "row %zu: codec %u", i, number);
		for (size_t k = 0; k < used; k++)
			cr_assert_eq(out[k], number ? used : first, "row %zu", i);
		img_best_fini(&work);
	}
}

Test(best, hands_on_a_failure)
{
	static const uint8_t in[UNIT];
	const int others[] = { 20, FAILS, -1 };
	struct img_other_codec list[IMG_CODECS_MAX] = { { .codec = NULL } };
	uint8_t spare[UNIT], out[UNIT];
	struct img_err err = { 0 };
	struct img_work work;
	size_t used = 30;
	unsigned number;

	work_start(&work, list, others);
	cr_assert_not(img_best_encode(&work, spare, in, out, &used, &number, &err));
	cr_assert_eq(err.code, IMG_E_NOMEM);
	img_best_fini(&work);
}
