/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images that go through a pipe. */
#include <criterion/criterion.h>
#include <string.h>

#include "unit/format/qcow2/writer.h"

Test(qcow2_sequence, goes_through_a_pipe, .timeout = 120)
{
	if (!have_qemu_img())
		cr_skip_test("no qemu-img");
	EACH(plain_options, options) {
		struct trial *t = trial_new(options);

		t->pipe = true;
		if (!create_on(t, open_store(t))) {
			/* the one combination that needs zeros nobody announced */
			cr_assert(strstr(options, "compat=0.10" BACKING), "%s", t->err.text);
			trial_free(t);
			continue;
		}
		close_layer(t);
		round_trip(t);
	}
}

Test(qcow2_sequence, a_pipe_takes_only_what_was_announced)
{
	struct trial *t = trial_new("");
	struct img_slot slot = { .at = 65536, .len = 65536, .stored_len = 65536 };

	t->pipe = true;
	cr_assert(create_on(t, open_store(t)));
	cr_assert(qcow2_write_ops.announce(&t->ly, 0, 65536, IMG_EXTENT_DATA, &t->err));
	cr_assert(qcow2_write_ops.begin(&t->ly, &t->err));
	cr_assert_not(qcow2_write_ops.reserve(&t->ly, &slot, 1, &t->err));
	cr_assert_not(qcow2_write_ops.finish(&t->ly, &t->err));
	trial_free(t);
}
