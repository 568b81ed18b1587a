/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which clusters move where, by pictures: a letter for each cluster of the file. */
#include <criterion/criterion.h>
#include <string.h>
#include "format/moves.h"

/*
 * '.': free, '#': free, but no block counts it, a small letter: in use; a capital: in use, and tied to
 * the one behind it.
 */
static struct img_picture draw(const char *text)
{
	struct img_picture pic;

	cr_assert(img_picture_start(&pic, strlen(text), NULL));
	for (size_t i = 0; text[i]; i++) {
		img_picture_set(pic.open, i, text[i] == '.');
		img_picture_set(pic.used, i, text[i] != '.' && text[i] != '#');
		img_picture_set(pic.tied, i, text[i] >= 'A' && text[i] <= 'Z');
	}
	return pic;
}

/* What the moves make of it; each place is taken once, and nothing that is in use is written over. */
static char *apply(const char *text, const struct img_moves *moves)
{
	const size_t n = strlen(text);
	char *out = strdup(text);

	for (size_t i = 0; i < n; i++)
		if (img_moves_find(moves, i) != i)
			out[i] = text[i] == '#' ? '#' : '.';
	for (size_t i = 0; i < n; i++) {
		const uint64_t to = img_moves_find(moves, i);

		if (to == i)
			continue;
		cr_assert_lt(to, i);
		cr_assert_eq(out[to], '.', "%s: cluster %zu goes to %lu", text, i, (unsigned long)to);
		out[to] = text[i];
	}
	return out;
}

/* Up to the last cluster that is in use. */
static size_t length(const char *text)
{
	size_t len = strlen(text);

	while (len && strchr(".#", text[len - 1]))
		len--;
	return len;
}

static void expect(const char *text, const char *wanted)
{
	struct img_picture pic = draw(text);
	struct img_moves moves;

	cr_assert(img_moves_plan(&pic, &moves, NULL));
	char *found = apply(text, &moves);

	cr_assert_str_eq(found, wanted, "%s becomes %s", text, found);
	cr_assert_eq(img_moves_end(&moves, &pic), length(wanted), "%s ends elsewhere", text);
	for (size_t i = 1; i < moves.n; i++)
		cr_assert_leq(moves.v[i - 1].from + moves.v[i - 1].n, moves.v[i].from);
	free(found);
	img_moves_clear(&moves);
	img_picture_clear(&pic);
}

Test(moves, nothing_moves_that_need_not)
{
	expect("", "");
	expect("a", "a");
	expect("abcd", "abcd");
	expect("abcd....", "abcd....");
	expect("aBc.", "aBc.");
}

Test(moves, single_clusters_fill_what_is_free_in_their_order)
{
	expect("a.b", "ab.");
	expect("a...bcd", "abcd...");
	expect("a..b.c.d", "acdb....");
	expect("a................................b", "ab................................");
}

Test(moves, room_that_nothing_counts_is_none)
{
	expect("a##b", "a##b");
	expect("a##b.cd", "a##bdc.");
}

Test(moves, what_is_tied_stays_together)
{
	expect("a.b..Cd", "a.bCd..");
	expect("a.bc.De", "a.bcDe.");
	expect("a..BCd", "aBCd..");
	/* What a piece leaves is room for the next round. */
	expect("aBc...DEf.g", "aBcDEf...g.");
}

Test(moves, what_has_no_room_ends_the_file)
{
	expect("a.b.Cd", "a.bCd.");
	expect("a.b.cDe", "a.b.cDe");
	expect("a.bDeF#", "a.bDeF#");
}

Test(moves, a_long_piece_goes_where_there_is_room_for_it)
{
	char text[200], wanted[200];

	memset(text, '.', sizeof(text));
	memset(wanted, '.', sizeof(wanted));
	text[0] = text[50] = wanted[0] = wanted[50] = 'a';
	for (size_t i = 0; i < 70; i++) {
		text[125 + i] = i < 69 ? 'B' : 'b';
		wanted[51 + i] = text[125 + i];
	}
	text[199] = wanted[199] = '\0';
	expect(text, wanted);
}

/* Also in an order in which nothing is overwritten that has still to move. */
Test(moves, what_slides_leaves_no_gap)
{
	static const char text[] = "a.bDeF..gH", wanted[] = "abDeFgH...";
	struct img_picture pic = draw(text);
	struct img_moves moves;

	cr_assert(img_moves_slide(&pic, &moves, NULL));
	char *found = strdup(text);

	for (size_t i = 0; i < moves.n; i++) {
		const struct img_shift one = moves.v[i];

		cr_assert_lt(one.to, one.from);
		memmove(found + one.to, found + one.from, one.n);
	}
	memset(found + 7, '.', 3);
	cr_assert_str_eq(found, wanted);
	cr_assert_eq(moves.n, 2);
	free(found);
	img_moves_clear(&moves);
	img_picture_clear(&pic);
}

Test(moves, what_has_no_gaps_does_not_slide)
{
	struct img_picture pic = draw("abC..");
	struct img_moves moves;

	cr_assert(img_moves_slide(&pic, &moves, NULL));
	cr_assert_eq(moves.n, 0);
	img_picture_clear(&pic);
}

/* What of the plan is left when so few may move, and how many are told to be left. */
static void expect_some(const char *text, uint64_t most, const char *wanted, uint64_t left)
{
	struct img_picture pic = draw(text);
	struct img_moves moves;
	uint64_t told = UINT64_MAX;

	cr_assert(img_moves_plan(&pic, &moves, NULL));
	cr_assert(img_moves_limit(&moves, &pic, most, &told, NULL));
	char *found = apply(text, &moves);

	cr_assert_str_eq(found, wanted, "%s becomes %s", text, found);
	cr_assert_eq(told, left, "%s: %lu are left", text, (unsigned long)told);
	cr_assert_leq(img_moves_count(&moves), most);
	free(found);
	img_moves_clear(&moves);
	img_picture_clear(&pic);
}

Test(moves, a_round_of_few_moves_takes_what_lies_last)
{
	expect_some("a...bcd", 9, "abcd...", 0);
	expect_some("a...bcd", 2, "a.cdb..", 1);
	expect_some("a...bcd", 1, "a..dbc.", 2);
}

Test(moves, a_piece_moves_as_a_whole_or_not_at_all)
{
	expect_some("a....BcDe", 4, "aDeBc....", 0);
	expect_some("a....BcDe", 3, "aDe..Bc..", 2);
	/* That is never more than it takes in one round. */
	expect_some("a...BCd.", 2, "a...BCd.", 0);
}

static void expect_head(const char *text, uint64_t most, uint64_t count, uint64_t left)
{
	struct img_picture pic = draw(text);
	struct img_moves moves;
	uint64_t told = UINT64_MAX;

	cr_assert(img_moves_slide(&pic, &moves, NULL));
	img_moves_head(&moves, &pic, most, &told);
	cr_assert_eq(img_moves_count(&moves), count, "%s: %lu move", text,
		     (unsigned long)img_moves_count(&moves));
	cr_assert_eq(told, left, "%s: %lu are left", text, (unsigned long)told);
	img_moves_clear(&moves);
	img_picture_clear(&pic);
}

Test(moves, a_round_of_few_slides_takes_what_lies_first)
{
	expect_head("a.bDeF..gH", 9, 6, 0);
	expect_head("a.bDe.fg", 4, 4, 1);
	expect_head("a.bDe.fg", 2, 1, 4);
	expect_head("a.bc.de", 1, 1, 3);
	expect_head("a.BCDe", 3, 0, 0);
}
