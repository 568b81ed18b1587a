/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include "imgbench/line.h"

Test(line, what_may_pass_what)
{
	static const struct {
		enum request_kind a;
		uint64_t a_at;
		enum request_kind b;
		uint64_t b_at;
		bool may;
	} cases[] = {
		{ REQUEST_READ, 0, REQUEST_READ, 0, true },
		{ REQUEST_READ, 0, REQUEST_WRITE, 0, false },
		{ REQUEST_WRITE, 0, REQUEST_READ, 0, false },
		{ REQUEST_WRITE, 0, REQUEST_WRITE, 1024, true },
		{ REQUEST_WRITE, 0, REQUEST_WRITE, 512, false },
		{ REQUEST_ZERO, 512, REQUEST_WRITE, 0, false },
		{ REQUEST_ZERO, 1024, REQUEST_DISCARD, 0, true },
		{ REQUEST_DISCARD, 0, REQUEST_WRITE, 0, false },
		{ REQUEST_FLUSH, 0, REQUEST_READ, 4096, false },
		{ REQUEST_READ, 4096, REQUEST_FLUSH, 0, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct request a = {
			.at = cases[i].a_at, .kind = (uint8_t)cases[i].a,
			.len = cases[i].a == REQUEST_FLUSH ? 0 : 1024,
		};
		const struct request b = {
			.at = cases[i].b_at, .kind = (uint8_t)cases[i].b,
			.len = cases[i].b == REQUEST_FLUSH ? 0 : 1024,
		};

		cr_expect_eq(line_may_pass(&a, &b), cases[i].may, "%zu", i);
	}
}

/* Every thread writes the same place: if two were there at once, one of them would see it. */
struct crowd {
	struct line line;
	unsigned next;			/* guarded by the turn */
	unsigned inside, order[2000];	/* guarded by nothing but the line */
	bool crowded;
};

struct member {
	struct crowd *crowd;
	unsigned place;
	pthread_t thread;
};

static void *join_crowd(void *arg)
{
	static const struct request r = { .at = 4096, .len = 4096, .kind = REQUEST_WRITE };
	struct member *me = arg;
	struct crowd *crowd = me->crowd;

	for (;;) {
		unsigned number;

		line_take_turn(&crowd->line);
		number = crowd->next++;
		if (number >= 2000) {
			line_pass(&crowd->line);
			return NULL;
		}
		line_start(&crowd->line, me->place, &r);
		crowd->crowded |= crowd->inside != number;
		crowd->order[crowd->inside++] = number;
		line_end(&crowd->line, me->place);
	}
}

Test(line, requests_to_one_place_go_one_by_one_and_in_order)
{
	static struct crowd crowd;
	struct member members[8];
	struct img_err err;

	cr_assert(line_init(&crowd.line, 8, &err));
	for (unsigned i = 0; i < 8; i++) {
		members[i] = (struct member){ .crowd = &crowd, .place = i };
		cr_assert_not(pthread_create(&members[i].thread, NULL, join_crowd, &members[i]));
	}
	for (unsigned i = 0; i < 8; i++)
		pthread_join(members[i].thread, NULL);
	line_free(&crowd.line);
	cr_expect_not(crowd.crowded);
	for (unsigned i = 0; i < 2000; i++)
		cr_expect_eq(crowd.order[i], i);
}
