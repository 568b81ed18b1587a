/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The targets, and which of them the user means. */
#include "common/text.h"
#include "imgcheck/targets.h"

const struct target targets[N_TARGETS] = {
	{ "esxi", rules_esxi }, { "vsphere", rules_vsphere }, { "virtualbox", rules_virtualbox },
	{ "ec2", rules_ec2 }, { "azure", rules_azure },
};

/* The target with the name [name, name + len), or N_TARGETS. */
static unsigned find(const char *name, size_t len)
{
	unsigned i = 0;

	while (i < N_TARGETS &&
	       (strlen(targets[i].name) != len || strncmp(targets[i].name, name, len) != 0))
		i++;
	return i;
}

bool targets_set(const struct cli_option *row, void *field, const char *text, struct img_err *err)
{
	struct target_choice *choice = field;

	(void)row;
	if (!strcmp(text, "help")) {
		choice->help = true;
		return true;
	}
	for (const char *at = text;; at++) {
		const size_t len = strcspn(at, ",");
		const unsigned i = find(at, len);

		if (i == N_TARGETS)
			return img_fail(err, IMG_E_ARGUMENT, _("\"%.*s\" is none of %s"),
					(int)len, at, TARGET_NAMES "|help");
		choice->wanted |= 1u << i;
		at += len;
		if (!*at)
			return true;
	}
}

static bool refuses(const struct target *target, const struct facts *facts)
{
	for (const struct rule *rule = target->rules; rule->id; rule++)
		if (rule->refuses && rule->applies(facts))
			return true;
	return false;
}

bool targets_refuse(const struct target_choice *choice, const struct facts *facts)
{
	for (unsigned i = 0; i < N_TARGETS; i++)
		if (choice->wanted >> i & 1 && refuses(&targets[i], facts))
			return true;
	return false;
}
