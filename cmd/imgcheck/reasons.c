/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What speaks against an image at its targets, for people and for programs. */
#include <stdio.h>
#include "common/print.h"
#include "common/text.h"
#include "imgcheck/targets.h"

/* ---- For people ------------------------------------------------------------------------------ */

static void start_line(const char *path, const struct target *target)
{
	print_plain_text(stdout, path);
	printf(": %s: ", target->name);
}

static const char *verdict_label(const struct rule *rule)
{
	return rule->refuses ? _("refused") : _("not judged");
}

static void print_reason(const char *path, const struct target *target, const struct rule *rule,
			 bool helps)
{
	start_line(path, target);
	printf("%s: %s [%s]\n", verdict_label(rule), _(rule->text), rule->id);
	printf(_("    according to %s\n"), rule->source);
	if (rule->remedy && helps)
		printf(_("    helps: %s\n"), rule->remedy);
}

static void print_target(const char *path, const struct target *target, const struct facts *facts)
{
	size_t n_rules = 0, n_reasons = 0;

	for (const struct rule *rule = target->rules; rule->id; rule++, n_rules++) {
		if (!rule->applies(facts))
			continue;
		print_reason(path, target, rule, !facts->foreign);
		n_reasons++;
	}
	if (facts->unread.code) {
		start_line(path, target);
		printf(_("not judged any further: %s\n"), facts->unread.text);
	} else if (!n_reasons) {
		start_line(path, target);
		printf(_("none of %zu rules speaks against it\n"), n_rules);
	}
}

void print_reasons(const char *path, const struct target_choice *choice,
		   const struct facts *facts)
{
	for (unsigned i = 0; i < N_TARGETS; i++)
		if (choice->wanted >> i & 1)
			print_target(path, &targets[i], facts);
}

void print_rules(void)
{
	for (unsigned i = 0; i < N_TARGETS; i++) {
		for (const struct rule *rule = targets[i].rules; rule->id; rule++) {
			printf("%s: %s: %s\n", rule->id, verdict_label(rule), _(rule->text));
			printf(_("    according to %s\n"), rule->source);
		}
	}
}

/* ---- For programs ---------------------------------------------------------------------------- */

static void add_rule(const struct rule *rule, bool helps, struct img_node *to)
{
	img_node_text(to, "id", rule->id);
	img_node_text(to, "verdict", rule->refuses ? "refused" : "not-judged");
	img_node_text(to, "text", _(rule->text));
	img_node_text(to, "source", rule->source);
	if (rule->remedy && helps)
		img_node_text(to, "remedy", rule->remedy);
}

static void add_target(const struct target_choice *one, const struct target *target,
		       const struct facts *facts, struct img_node *to)
{
	struct img_node *list;

	img_node_text(to, "target", target->name);
	img_node_flag(to, "refused", targets_refuse(one, facts));
	if (facts->unread.code)
		img_node_text(to, "unread", facts->unread.text);
	list = img_node_list(to, "reasons");
	for (const struct rule *rule = target->rules; rule->id; rule++)
		if (rule->applies(facts))
			add_rule(rule, !facts->foreign, img_node_map(list, "reason"));
}

void report_reasons(const struct target_choice *choice, const struct facts *facts,
		    struct img_node *to)
{
	struct img_node *list = img_node_list(to, "targets");

	for (unsigned i = 0; i < N_TARGETS; i++) {
		const struct target_choice one = { .wanted = choice->wanted & 1u << i };

		if (one.wanted)
			add_target(&one, &targets[i], facts, img_node_map(list, "target"));
	}
}

void report_rules(struct img_node *to)
{
	struct img_node *list = img_node_list(to, "rules");

	for (unsigned i = 0; i < N_TARGETS; i++)
		for (const struct rule *rule = targets[i].rules; rule->id; rule++)
			add_rule(rule, true, img_node_map(list, "rule"));
}
