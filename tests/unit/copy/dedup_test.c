/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which slots are shared, with whom, and what is found when the file does not hold what it should. */
#include <criterion/criterion.h>
#include <string.h>
#include "copy/copy.h"
#include "unit/fake/fake.h"

enum { UNIT = 512, SLOTS = 6 };

static unsigned n_reserved, n_shared, share_most;

/* Places one behind the other, in the order in which they are asked for. */
static bool reserve(struct img_layer *ly, struct img_slot *slots, size_t n, struct img_err *err)
{
	(void)err;
	for (size_t i = 0; i < n; i++) {
		slots[i].store = ly->store;
		slots[i].host = n_reserved++ * UNIT;
	}
	return true;
}

static bool share(struct img_layer *ly, struct img_slot *slot, struct img_err *err)
{
	(void)err;
	if (n_shared >= share_most)
		return true;
	n_shared++;
	slot->store = ly->store;
	slot->flags |= IMG_SLOT_SHARED;
	return true;
}

static const struct img_write_ops ops = { .reserve = reserve, .share = share };
static const struct img_format format = { .name = "fake", .write = &ops };

struct scene {
	struct fake_store *store;
	struct img_layer dst;
	struct img_work work;
	struct img_dedup *dedup;
	struct img_parcel p;
};

/* A slot for each letter, filled with it. */
static void scene_init(struct scene *s, const char *letters, uint64_t disk)
{
	n_reserved = n_shared = 0;
	share_most = SLOTS;
	*s = (struct scene){ .store = fake_store_new(SLOTS * UNIT, SLOTS * UNIT, IMG_STORE_SEEK) };
	s->dst = (struct img_layer){ .format = &format, .store = &s->store->head };
	s->work = (struct img_work){ .unit = UNIT, .window = SLOTS * UNIT, .dedup = true };
	s->dedup = img_dedup_new(UNIT, disk, NULL);
	cr_assert(s->dedup && img_parcel_init(&s->p, &s->work, NULL));
	for (size_t i = 0; letters[i]; i++) {
		const struct img_slot slot = { .at = i * UNIT, .len = UNIT, .stored_len = UNIT };

		memset(s->p.buf + i * UNIT, letters[i], UNIT);
		cr_assert(img_parcel_add(&s->p, &slot, s->p.buf + i * UNIT, NULL));
	}
}

static void run(struct scene *s)
{
	cr_assert(img_dedup_hash(&s->work, &s->p, NULL));
	cr_assert(img_dedup_reserve(s->dedup, &s->dst, &s->p, NULL));
}

static void scene_end(struct scene *s)
{
	img_dedup_free(s->dedup);
	img_parcel_free(&s->p);
	img_store_close(&s->store->head);
}

Test(dedup, equal_slots_lie_where_the_first_one_does)
{
	struct scene s;

	scene_init(&s, "abacab", SLOTS * UNIT);
	run(&s);
	cr_assert(n_reserved == 3 && n_shared == 3);
	cr_assert(s.p.slots[2].host == 0 && s.p.slots[4].host == 0 && s.p.slots[5].host == UNIT);
	cr_assert(s.p.slots[5].twin == UNIT && (s.p.slots[5].flags & IMG_SLOT_SHARED));
	cr_assert_not(s.p.slots[0].flags & IMG_SLOT_SHARED);
	scene_end(&s);
}

Test(dedup, what_cannot_be_shared_any_more_is_stored_again)
{
	struct scene s;

	scene_init(&s, "aaaaaa", SLOTS * UNIT);
	share_most = 2;
	run(&s);
	cr_assert_eq(n_reserved, 4);
	cr_assert_eq(s.p.slots[3].host, UNIT);
	scene_end(&s);
}

Test(dedup, only_whole_units_are_looked_at)
{
	struct scene s;

	scene_init(&s, "aaa", SLOTS * UNIT);
	s.p.slots[1].len = s.p.slots[1].stored_len = UNIT / 2;
	run(&s);
	cr_assert(n_reserved == 2 && n_shared == 1);
	scene_end(&s);
}

Test(dedup, a_small_table_forgets)
{
	struct scene s;

	scene_init(&s, "abcdea", UNIT);
	run(&s);
	cr_assert_eq(n_shared, 0);
	scene_end(&s);
}

Test(dedup, bytes_are_compared_before_they_are_shared)
{
	struct scene s;
	struct img_err err = { 0 };
	uint64_t shared = 0;

	scene_init(&s, "aba", SLOTS * UNIT);
	run(&s);
	memset(s.store->bytes, 'a', UNIT);
	cr_assert(img_dedup_check(s.dedup, &s.p, &shared, &err));
	cr_assert_eq(shared, UNIT);
	s.store->bytes[UNIT - 1] = 'x';
	cr_assert_not(img_dedup_check(s.dedup, &s.p, &shared, &err));
	cr_assert_eq(err.code, IMG_E_IO);
	scene_end(&s);
}
