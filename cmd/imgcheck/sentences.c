/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was found, as text. */
#include <inttypes.h>
#include "common/print.h"
#include "common/text.h"
#include "imgcheck/imgcheck.h"

static const char *severity_label(enum img_severity severity)
{
	static const char *const labels[] = {
		[IMG_NOTE] = N_("note"), [IMG_LEAK] = N_("leak"), [IMG_CORRUPT] = N_("error"),
		[IMG_FATAL] = N_("fatal"),
	};

	return _(labels[severity]);
}

/* Counts as people write them, table entries and offsets as they know them. */
static void print_number(uint64_t value)
{
	printf(value < 4096 ? "%" PRIu64 : "0x%" PRIx64, value);
}

/* ", " in front of all but the first of the things in brackets. */
static void start_part(bool *first)
{
	fputs(*first ? " (" : ", ", stdout);
	*first = false;
}

static void print_place(const struct img_finding *f)
{
	bool first = true;

	if (f->host != IMG_NOWHERE) {
		start_part(&first);
		printf(_("at 0x%" PRIx64 " in the file"), f->host);
	}
	if (f->guest != IMG_NOWHERE) {
		start_part(&first);
		printf(_("at 0x%" PRIx64 " on the disk"), f->guest);
	}
	if (f->n > 1) {
		start_part(&first);
		printf(_("%" PRIu64 " in a row"), f->n);
	}
	if (f->expected != IMG_NOWHERE) {
		start_part(&first);
		fputs(_("expected"), stdout);
		putchar(' ');
		print_number(f->expected);
	}
	if (f->found != IMG_NOWHERE) {
		start_part(&first);
		fputs(_("found"), stdout);
		putchar(' ');
		print_number(f->found);
	}
	if (!first)
		putchar(')');
}

static void print_finding(const char *path, const struct img_finding *f)
{
	print_plain_text(stdout, path);
	printf(": %s: %s", severity_label(f->kind->severity), _(f->kind->text));
	print_place(f);
	if (f->detail) {
		fputs(": ", stdout);
		print_plain_text(stdout, f->detail);
	}
	printf(" [%s]\n", f->kind->id);
}

static uint64_t listed(const struct img_check_result *result)
{
	uint64_t n = 0;

	for (size_t i = 0; i < result->n_findings; i++)
		n += result->findings[i].n;
	return n;
}

static double percent(uint64_t part, uint64_t all)
{
	return all ? 100.0 * (double)part / (double)all : 0;
}

static void print_numbers(const struct img_check_result *result)
{
	if (result->total != IMG_NOWHERE)
		printf(_("%" PRIu64 " of %" PRIu64 " clusters are allocated (%.2f%%), of these "
			 "%.2f%% are fragmented, %.2f%% compressed.\n"),
		       result->allocated, result->total,
		       percent(result->allocated, result->total),
		       percent(result->fragmented, result->allocated),
		       percent(result->compressed, result->allocated));
	if (result->image_end != IMG_NOWHERE)
		printf(_("What is in use ends at %" PRIu64 " in the file.\n"), result->image_end);
}

static void print_verdict(const char *path, const struct img_check_result *result)
{
	const uint64_t errors = errors_of(result), leaks = result->totals[IMG_LEAK];
	const uint64_t all = errors + leaks + result->totals[IMG_NOTE];

	if (all > listed(result))
		printf(_("%" PRIu64 " further findings are not listed.\n"), all - listed(result));
	print_plain_text(stdout, path);
	fputs(": ", stdout);
	if (errors)
		printf(_("The image is damaged. Errors: %" PRIu64 ", leaked clusters: %" PRIu64
			 ".\n"), errors, leaks);
	else if (leaks)
		printf(_("Space is lost, nothing else. Leaked clusters: %" PRIu64 ".\n"), leaks);
	else
		puts(_("No errors were found."));
}

static void print_part(const char *path, const char *part)
{
	print_plain_text(stdout, path);
	fputs(": ", stdout);
	printf(_("The file is a part of an image that another file describes: %s.\n"), _(part));
}

void print_findings(const char *path, const struct img_check_result *result)
{
	for (size_t i = 0; i < result->n_findings; i++)
		print_finding(path, &result->findings[i]);
	if (result->part)
		print_part(path, result->part);
	print_verdict(path, result);
	print_numbers(result);
}

/* One line for each kind of which something was repaired. */
static uint64_t print_repairs(const char *path, const struct img_repair_result *result, bool plan)
{
	uint64_t all = 0;

	for (size_t i = 0; i < result->before.n_counts; i++) {
		const struct img_finding_kind *kind = result->before.counts[i].kind;
		const uint64_t n = repaired_count(result, kind);

		if (!n)
			continue;
		print_plain_text(stdout, path);
		printf(": %s: %" PRIu64 " x %s [%s]\n", plan ? _("would be repaired") : _("repaired"),
		       n, _(kind->text), kind->id);
		all += n;
	}
	return all;
}

static void print_hint(const char *path, const struct img_repair_result *result)
{
	if (errors_of(&result->after)) {
		print_plain_text(stdout, path);
		fputs(": ", stdout);
		puts(_("What is left cannot be repaired without a guess; --salvage rescues what can be "
		       "read into a new image."));
	} else if (result->after.totals[IMG_LEAK]) {
		print_plain_text(stdout, path);
		fputs(": ", stdout);
		puts(_("Nothing was given back: what nothing refers to may be data that has lost its "
		       "tables."));
	}
}

static void print_undo(const char *path, const char *undo_path)
{
	print_plain_text(stdout, path);
	printf(_(": what it was is kept in %s (imgcheck --undo)\n"), undo_path);
}

void print_repair(const char *path, const struct repaired *repaired, bool plan)
{
	const struct img_repair_result *result = &repaired->result;
	const struct img_check_result *shown = plan ? &result->before : &result->after;

	for (size_t i = 0; i < shown->n_findings; i++)
		print_finding(path, &shown->findings[i]);
	if (!print_repairs(path, result, plan)) {
		print_plain_text(stdout, path);
		printf(": %s\n", _("Nothing was repaired."));
	}
	print_hint(path, result);
	if (repaired->undo_path)
		print_undo(path, repaired->undo_path);
	for (size_t i = 0; i < repaired->n_more; i++)
		print_undo(path, repaired->more_undo_paths[i]);
	print_verdict(path, shown);
	print_numbers(shown);
}

static void print_kinds_of(const struct img_finding_kind *const *kinds)
{
	for (; kinds && *kinds; kinds++) {
		printf("%-30s ", (*kinds)->id);
		print_padded(stdout, severity_label((*kinds)->severity), 6);
		printf(" %s\n", _((*kinds)->text));
	}
}

void print_kinds(void)
{
	print_kinds_of(img_format_findings(NULL));
	for (size_t i = 0; i < img_format_count(); i++)
		print_kinds_of(img_format_findings(img_format_at(i)));
}
