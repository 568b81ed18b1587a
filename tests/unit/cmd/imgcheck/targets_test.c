/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What --for means, and when a target refuses. */
#include <criterion/criterion.h>
#include "imgcheck/targets.h"

static const struct {
	const char *text;
	unsigned wanted;
} good[] = {
	{ "esxi", 1 }, { "azure", 1 << 4 }, { "vsphere,ec2", 1 << 1 | 1 << 3 },
	{ "virtualbox,virtualbox", 1 << 2 },
};

Test(targets, are_named_one_by_one)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct target_choice choice = { 0 };
		struct img_err err = { 0 };

		cr_assert(targets_set(NULL, &choice, good[i].text, &err), "%s", err.text);
		cr_assert_eq(choice.wanted, good[i].wanted, "%s", good[i].text);
		cr_assert_not(choice.help);
	}
}

Test(targets, add_up_when_given_again)
{
	struct target_choice choice = { 0 };
	struct img_err err = { 0 };

	cr_assert(targets_set(NULL, &choice, "esxi", &err));
	cr_assert(targets_set(NULL, &choice, "help", &err));
	cr_assert(targets_set(NULL, &choice, "ec2", &err));
	cr_assert_eq(choice.wanted, 1 | 1 << 3);
	cr_assert(choice.help);
}

Test(targets, that_are_unknown_are_an_error)
{
	static const char *const bad[] = {
		"", "esx", "esxi,", ",esxi", "esxi,,ec2", "ESXI", "esxi,help",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct target_choice choice = { 0 };
		struct img_err err = { 0 };

		cr_assert_not(targets_set(NULL, &choice, bad[i], &err), "%s", bad[i]);
		cr_assert_eq(err.code, IMG_E_ARGUMENT);
	}
}

Test(targets, refuse_for_rules_that_do_and_only_when_asked)
{
	const struct facts qcow2 = { .format = "qcow2", .size = 1 << 30 };
	const struct target_choice virtualbox = { .wanted = 1 << 2 }, all = { .wanted = 31 };

	/* VirtualBox: there is something that is not judged. */
	cr_assert_not(targets_refuse(&virtualbox, &qcow2));
	cr_assert(targets_refuse(&all, &qcow2));
	cr_assert_not(targets_refuse(&(struct target_choice){ 0 }, &qcow2));
}
