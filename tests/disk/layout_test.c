/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The images that all other tests of this folder begin with are sound. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include "disk/judge.h"
#include "unit/fake/files.h"

TestSuite(layout, .init = files_enter, .fini = files_leave);

ParameterizedTestParameters(layout, is_sound)
{
	return cr_make_param_array(size_t, layout_numbers, n_layouts);
}

ParameterizedTest(size_t *number, layout, is_sound)
{
	const struct layout *layout = &layouts[*number];
	struct img_store *stores[LAYOUT_FILES] = { NULL };
	struct img_err err = { 0 };
	struct prepared prep;
	struct guest guest;
	struct img *im;
	char *complaint;

	if (!prepare(layout, &prep))
		cr_skip_test("%s: this needs qemu-img", layout->name);
	for (size_t i = 0; i < prep.n_files; i++)
		stores[i] = img_store_mem(prep.bytes[i], prep.len[i], &err);
	cr_assert(im = layout_open(&prep, stores, 0, &err), "%s: %s", layout->name, err.text);
	prepared_guest(&prep, &guest);
	complaint = judge_content(im, &guest, GUEST_NOW);
	cr_assert_null(complaint, "%s: %s", layout->name, complaint);
	complaint = judge_counts(im, JUDGE_NO_LEAKS);
	cr_assert_null(complaint, "%s: %s", layout->name, complaint);
	complaint = judge_by_qemu(&prep, prep.bytes, prep.len);
	cr_assert_null(complaint, "%s: %s", layout->name, complaint);
	img_close(im);
	guest_free(&guest);
	prepared_free(&prep);
}
