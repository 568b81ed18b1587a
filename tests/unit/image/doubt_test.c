/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which zeros of a salvage hide something, and so are a guess. */
#include <criterion/criterion.h>
#include <string.h>
#include "unit/fake/fake.h"

enum { BLOCK = 4096 };

static const struct img_finding_kind hides = { "fake.salvage.zeros", IMG_NOTE, "zeros" };

/* The layers as drawn, the upper one salvaged. */
static struct img *salvaged(const char *above, const char *below, bool one_bit)
{
	const char *const layers[] = { above, below };
	struct img *im = fake_stack(layers, below ? 2 : 1, BLOCK);
	struct img_err err = { 0 };

	im->layers[0].unit = 512;
	im->layers[0].salvaged.notes.most = 10;
	im->layers[0].salvaged.zeros = one_bit ? &hides : NULL;
	cr_assert(img_doubt_zeros(im, &err), "%s", err.text);
	return im;
}

/* '?' for each block that is a guess, '.' for others; closes im. */
static void check_guesses(struct img *im, const char *want)
{
	char seen[16] = "";
	struct img_extent ex;
	size_t n_noted = 0;

	for (uint64_t at = 0; at < img_size(im); at += ex.len) {
		cr_assert(img_extent(im, at, img_size(im), &ex, NULL));
		cr_assert(ex.start == at && ex.len % BLOCK == 0);
		memset(seen + at / BLOCK, ex.guessed ? '?' : '.', ex.len / BLOCK);
	}
	cr_assert_str_eq(seen, want);
	n_noted = img_findings_count(&im->layers[0].salvaged.notes, &hides);
	cr_assert_eq(n_noted > 0, strchr(want, '?') != NULL);
	img_findings_clear(&im->layers[0].salvaged.notes);
	img_close(im);
}

Test(doubt, is_for_zeros_over_data)
{
	check_guesses(salvaged("a-b--", "aaaaa", true), ".?.??");
}

Test(doubt, is_not_for_zeros_over_zeros)
{
	check_guesses(salvaged("a----c", "bb.-zz", true), ".?....");
}

Test(doubt, is_for_zeros_over_what_cannot_be_read)
{
	check_guesses(salvaged("a--", "a!a", true), ".??");
}

Test(doubt, is_not_for_what_the_layer_tells_otherwise)
{
	check_guesses(salvaged("0.zE", "abcd", true), "....");
	check_guesses(salvaged("-----", "aaaaa", false), ".....");
}

Test(doubt, is_not_for_a_layer_alone)
{
	check_guesses(salvaged("a--b", NULL, true), "....");
}
