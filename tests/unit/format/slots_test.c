/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which slots empty themselves, by pictures: a letter for each slot of the file. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <string.h>
#include "format/slots.h"

/* '.': free; '#': pinned; a small letter: a unit; a capital: one that is hollow. */
static struct img_slots draw(const char *text)
{
	struct img_slots slots;

	cr_assert(img_slots_start(&slots, strlen(text), NULL));
	for (size_t i = 0; text[i]; i++) {
		if (text[i] == '#')
			img_slots_put(&slots, i, IMG_SLOT_PINNED, false);
		else if (text[i] != '.')
			img_slots_put(&slots, i, (uint64_t)text[i], isupper((unsigned char)text[i]));
	}
	return slots;
}

struct file {
	char text[80];
	unsigned changed;
};

static bool drop(void *ctx, uint64_t unit, struct img_err *err)
{
	char *at = strchr(((struct file *)ctx)->text, (char)unit);

	(void)err;
	cr_assert(isupper((int)unit), "'%c' is needed", (char)unit);
	cr_assert_not_null(at);
	*at = '.';
	((struct file *)ctx)->changed++;
	return true;
}

static bool move(void *ctx, uint64_t unit, uint64_t from, uint64_t to, struct img_err *err)
{
	struct file *file = ctx;

	(void)err;
	cr_assert_eq(file->text[from], (char)unit);
	cr_assert_eq(file->text[to], '.', "slot %lu is taken", (unsigned long)to);
	file->text[to] = file->text[from];
	file->text[from] = '.';
	file->changed++;
	return true;
}

/* wanted: the file up to its end. */
static void expect(const char *text, uint64_t most, const char *wanted)
{
	struct img_slots slots = draw(text);
	const struct img_slots_plan plan = img_slots_plan(&slots, most);
	struct file file = { .changed = 0 };
	const struct img_slots_ops ops = { .drop = drop, .move = move, .ctx = &file };

	strcpy(file.text, text);
	cr_assert_leq(plan.moves, most);
	cr_assert(img_slots_carry_out(&slots, &plan, &ops, NULL));
	cr_assert_leq(file.changed, img_slots_changed(&slots, &plan));
	cr_assert_eq(strspn(file.text + plan.end, "."), strlen(text) - plan.end,
		     "%s: something is left behind the end: %s", text, file.text);
	file.text[plan.end] = '\0';
	cr_assert_str_eq(file.text, wanted, "%s becomes %s", text, file.text);
	img_slots_clear(&slots);
}

Test(slots, a_file_without_gaps_stays)
{
	expect("", 9, "");
	expect("a", 9, "a");
	expect("abcd", 9, "abcd");
	expect("#abc", 9, "#abc");
}

Test(slots, gaps_and_hollow_units_are_filled_from_behind)
{
	expect("ab..", 9, "ab");
	expect("abCD", 9, "ab");
	expect("a.b", 9, "ab");
	expect("aBcde", 9, "aecd");
	expect("A.b.C.d", 9, "bd");
	expect("ABC", 9, "");
}

Test(slots, what_is_pinned_ends_the_file)
{
	expect("a.b#", 9, "a.b#");
	expect("A.b#cD", 9, "c.b#");
	expect("#.a#..", 9, "#.a#");
}

/* No gap comes where there was none: others add units behind as many as there are. */
Test(slots, a_round_of_few_moves_leaves_no_new_gap)
{
	expect("ABcdef", 0, "ABcdef");
	expect("ABcdef", 1, "fBcde");
	expect("ABcdef", 2, "efcd");
	expect("ABcdEF", 0, "ABcd");
	expect("ABcdEF", 1, "dBc");
	expect("a..bc", 1, "ac.b");
}

Test(slots, a_unit_is_hollow_when_all_of_it_is)
{
	struct img_rangeset set = { 0 };

	cr_assert(img_rangeset_include(&set, 4096, 4096, NULL));
	cr_assert(img_slots_hollow(&set, 4096, 4096));
	cr_assert(img_slots_hollow(&set, 5000, 100));
	cr_assert_not(img_slots_hollow(&set, 4095, 4096));
	cr_assert_not(img_slots_hollow(&set, 4097, 4096));
	img_rangeset_clear(&set);
}
