/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"
#include "store/paged.h"

enum { LEN = 100000, PAGE = 4096, ALL = 25 * PAGE };

/* The same table as an array. */
struct model {
	uint8_t bytes[LEN];
};

static void change_some(struct img_paged *table, struct model *model, int n)
{
	for (int i = 0; i < n; i++) {
		const size_t at = (size_t)random() % LEN;

		cr_assert_eq(*img_paged_at(table, at, false), model->bytes[at]);
		*img_paged_at(table, at, true) = model->bytes[at] = (uint8_t)random();
	}
}

static void check_all(struct img_paged *table, const struct model *model)
{
	for (size_t at = 0; at < LEN; at++)
		cr_assert_eq(*img_paged_at(table, at, false), model->bytes[at]);
	ok(img_paged_worked(table, &err));
}

Test(paged, holds_what_an_array_does_in_whatever_memory)
{
	static const uint64_t memory[] = { 0, 5 * PAGE, ALL, UINT64_MAX };

	srandom(1);
	for (size_t i = 0; i < sizeof(memory) / sizeof(*memory); i++) {
		struct model model = { { 0 } };
		struct img_paged table;

		ok(img_paged_init(&table, NULL, 0, LEN, memory[i], &err));
		change_some(&table, &model, 20000);
		check_all(&table, &model);
		cr_assert_eq(!table.file, memory[i] >= ALL, "a file is for what has no room");
		cr_assert(table.n_here <= 4 || table.n_here <= memory[i] / PAGE);
		img_paged_clear(&table);
	}
}

Test(paged, lies_in_a_file_and_leaves_the_rest_of_it_alone)
{
	static uint8_t before[LEN + 200], after[LEN + 200];
	struct model model;
	struct img_paged table;

	srandom(2);
	for (size_t i = 0; i < sizeof(before); i++)
		before[i] = (uint8_t)random();
	memcpy(model.bytes, before + 100, LEN);
	struct img_store *st = img_store_mem(before, sizeof(before), NULL);

	ok(img_paged_init(&table, st, 100, LEN, 0, &err));
	check_all(&table, &model);
	change_some(&table, &model, 1000);
	ok(img_paged_flush(&table, &err));
	img_paged_clear(&table);
	ok(img_store_read(st, 0, after, sizeof(after), &err));
	memcpy(before + 100, model.bytes, LEN);
	cr_assert_arr_eq(after, before, sizeof(before));
	img_store_close(st);
}

Test(paged, tells_of_what_did_not_get_into_the_file)
{
	struct img_store *st = img_store_fault(img_store_mem(NULL, 0, NULL), "write:1", NULL);
	struct img_paged table;

	cr_assert(st);
	ok(img_paged_init(&table, st, 0, LEN, 0, &err));
	for (size_t at = 0; at < LEN; at += PAGE)
		*img_paged_at(&table, at, true) = 1;
	fails(img_paged_worked(&table, &err), IMG_E_IO);
	fails(img_paged_flush(&table, &err), IMG_E_IO);
	img_paged_clear(&table);
	img_store_close(st);
}

Test(paged, bits_are_set_and_cleared_one_by_one)
{
	struct img_paged bits;

	ok(img_bits_init(&bits, UINT64_C(1) << 40, 0, &err));
	cr_assert(!img_bits_get(&bits, 1));
	cr_assert(!img_bits_set(&bits, (UINT64_C(1) << 40) - 1));
	cr_assert(img_bits_set(&bits, (UINT64_C(1) << 40) - 1));
	cr_assert(!img_bits_get(&bits, (UINT64_C(1) << 40) - 2));
	img_bits_clear(&bits, (UINT64_C(1) << 40) - 1);
	cr_assert(!img_bits_get(&bits, (UINT64_C(1) << 40) - 1));
	img_paged_clear(&bits);
}

Test(paged, the_next_bit_is_found_across_pages)
{
	static const uint64_t set[] = { 0, 7, 32767, 32768, 100000, 131072, 299999 };
	struct img_paged bits;
	uint64_t from = 0;

	ok(img_bits_init(&bits, 300000, 0, &err));
	for (size_t i = 0; i < sizeof(set) / sizeof(*set); i++)
		cr_assert(!img_bits_set(&bits, set[i]));
	for (size_t i = 0; i < sizeof(set) / sizeof(*set); i++, from++) {
		from = img_bits_next(&bits, from, 300000);
		cr_assert_eq(from, set[i]);
	}
	cr_assert_eq(img_bits_next(&bits, from, 300000), 300000);
	cr_assert_eq(img_bits_next(&bits, 1, 7), 7, "the end is not looked at");
	for (uint64_t i = 1000; i < 200000; i++)
		img_bits_set(&bits, i);
	cr_assert_eq(img_bits_next_clear(&bits, 999, 300000), 999);
	cr_assert_eq(img_bits_next_clear(&bits, 1003, 300000), 200000);
	cr_assert_eq(img_bits_next_clear(&bits, 1003, 150001), 150001);
	img_paged_clear(&bits);
}
