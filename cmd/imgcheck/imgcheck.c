/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgcheck: what is wrong with disk images, and setting it right. */
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include "common/ceph.h"
#include "common/exit.h"
#include "common/memory.h"
#include "common/text.h"
#include "imgcheck/imgcheck.h"
#include "imgcheck/salvage.h"

#define AT(member) offsetof(struct options, member)

#define LEVELS "leaks|all"

static cli_set set_repair;

static const struct cli_option rows[] = {
	SOURCE_ROW_FORMAT(AT(source.format)),
	{ 0, "repair", "[=" LEVELS "]", set_repair, AT(repair),
	  N_("repair what can be repaired without losing anything (default all)") },
	{ 0, "dry-run", NULL, cli_set_flag, AT(plan),
	  N_("with --repair: only say what would be repaired") },
	{ 0, "undo-file", "FILE", cli_set_text, AT(undo_file),
	  N_("with --repair: keep there what the image was (default IMAGE.undo)") },
	{ 0, "no-undo-file", NULL, cli_set_flag, AT(no_undo),
	  N_("with --repair: keep nothing") },
	{ 0, "undo", "FILE", cli_set_text, AT(undo),
	  N_("bring an image back to what it was before its repair") },
	{ 0, "data", NULL, cli_set_flag, AT(data),
	  N_("also read all that the image holds, and decode it") },
	{ 0, "for", TARGET_NAMES "|help", targets_set, AT(targets),
	  N_("also tell why that target would refuse the images; \"help\" lists the rules") },
	{ 0, "findings", NULL, cli_set_flag, AT(kinds),
	  N_("list all that can be found, and what it means") },
	SOURCE_ROW_PARENT(AT(source.parent)),
	SOURCE_ROW_DISK(AT(source.disk)),
	SOURCE_ROW_MEMBER(AT(source.member)),
	SOURCE_ROW_MAX_SIZE(AT(source.max_size)),
	SOURCE_ROW_FORCE_SHARE(AT(source.force_share)),
	SOURCE_ROW_UNTRUSTED(AT(source.gate)),
	SOURCE_ROW_TRUSTED(AT(source.gate)),
	SOURCE_ROW_HEADER(AT(source.header)),
	SECRET_ROWS(AT(secrets)),
	{ 'm', "threads", "N", cli_set_count, AT(threads),
	  N_("work with so many threads (default: all cores)") },
	{ 0, "memory", "SIZE", cli_set_size, AT(memory),
	  N_("use at most so much memory for counting (256M)") },
	{ 0, "output", CLI_STYLES, cli_set_style, AT(style),
	  N_("how to print it (default human)") },
	{ 'p', "progress", PROGRESS_VALUE, progress_set, AT(progress),
	  N_("show how far it is, on standard error or as JSON") },
	{ 0, "salvage", NULL, cli_set_flag, AT(salvage.wanted),
	  N_("bring what a damaged image holds into a new one (-o)") },
	{ 'o', "target", "NEW", cli_set_text, AT(salvage.target),
	  N_("salvage: the new image") },
	{ 'O', "target-format", "FORMAT", cli_set_text, AT(salvage.target_format),
	  N_("salvage: its format (by its name, else as the damaged one)") },
	{ 0, "map", "NEW", cli_set_text, AT(salvage.map),
	  N_("salvage: write there what is certain, guessed and lost, as JSON") },
	{ 0, "size", "SIZE", cli_set_amount, AT(salvage.size),
	  N_("salvage: the size of the disk, if the image has lost it") },
	{ 'q', "quiet", NULL, cli_set_flag, AT(quiet),
	  N_("print nothing; the exit status tells") },
	CEPH_ROWS,
	{ .name = NULL },
};

const struct cli cli = {
	.name = "imgcheck", .operands = N_("FILE..."),
	.summary = N_("Finds what is wrong with disk images, and repairs it on demand; exit status 0: "
		      "nothing, 2: damage, 3: lost space only."),
	.options = rows, .failed = CMD_FAILED,
};

/* All images of one call. */
struct run {
	const struct options *opt;
	struct img_node *root, *list;	/* NULL: text */
	int status;			/* the worst so far */
	bool all;			/* none could not be checked */
};

static int status_of(const struct img_check_result *result)
{
	if (errors_of(result))
		return CMD_DAMAGED;
	return result->totals[IMG_LEAK] ? CMD_LEAKS : CMD_DONE;
}

/* From harmless to what must not be overlooked. */
static int rank(int status)
{
	static const int order[] = {
		CMD_DONE, CMD_LEAKS, CMD_REFUSED, CMD_UNSUPPORTED, CMD_NO_KEY, CMD_FAILED,
		CMD_DAMAGED,
	};
	int i = 0;

	while (order[i] != status)
		i++;
	return i;
}

static void note_status(struct run *run, int status)
{
	if (rank(status) > rank(run->status))
		run->status = status;
}

/* Where the report of the next image goes. */
static struct img_node *report_of_one(const struct run *run)
{
	return run->list ? img_node_map(run->list, "image") : run->root;
}

struct img_check check_of(const struct options *opt, const struct source_place *where)
{
	return (struct img_check){
		.path = where->path, .format = opt->source.format,
		.flags = opt->source.force_share ? IMG_OPEN_FORCE_SHARE : 0,
		.gate = source_gate(opt->source.gate),
		.parent = opt->source.parent, .header = opt->source.header,
		.member = where->member, .max_size = opt->source.max_size,
		.spooled = source_spooled(&opt->source),
		.data = opt->data, .keys = secret_keys(opt->source.secrets),
		.threads = opt->threads, .memory = opt->memory,
	};
}

/* What was found (facts->found may be NULL), and what targets say to it. */
static void tell(struct run *run, const char *path, const struct img_check_result *result,
		 const struct facts *facts)
{
	const struct target_choice *choice = &run->opt->targets;
	struct img_node *one = run->root && !run->opt->quiet ? report_of_one(run) : NULL;

	if (one)
		report_findings(path, result, one);
	else if (!run->opt->quiet && (!choice->wanted || facts->found))
		print_findings(path, result);
	note_status(run, status_of(result));
	if (!choice->wanted)
		return;
	if (one)
		report_reasons(choice, facts, one);
	else if (!run->opt->quiet)
		print_reasons(path, choice, facts);
	note_status(run, targets_refuse(choice, facts) ? CMD_REFUSED : CMD_DONE);
}

/* As img_check_run(), with one key more as long as somebody types one in. */
static bool check_with_keys(const struct run *run, const struct img_check *what,
			    const struct img_job *job, struct img_check_result *result,
			    struct img_err *err)
{
	bool ok;

	do
		ok = img_check_run(what, job, result, err);
	while (!ok && secret_try_again(run->opt->source.secrets, what->path, err));
	return ok;
}

/* Targets have an opinion about images with nothing that could be checked, too. */
static bool check_at(struct run *run, const char *path, const struct img_check *what,
		     const struct img_job *job, struct img_err *err)
{
	const bool asked = run->opt->targets.wanted;
	struct facts facts = { 0 };
	struct img_check_result result;
	const bool checked = check_with_keys(run, what, job, &result, err);
	bool ok = checked || (asked && err->code == IMG_E_UNSUPPORTED);

	if (ok && asked)
		ok = facts_collect(what, checked ? &result : NULL, &facts, err);
	if (ok)
		tell(run, path, &result, &facts);
	facts_clear(&facts);
	if (checked)
		img_check_clear(&result);
	return ok;
}

static bool check(struct run *run, const char *path, const struct img_job *job, struct img_err *err)
{
	struct img_unpacked unpacked = { .store = NULL };
	struct source_place where;
	struct img_check what;
	bool ok;

	if (!source_find(&run->opt->source, path, &where, err))
		return false;
	what = check_of(run->opt, &where);
	what.unpacked = &unpacked;
	ok = check_at(run, path, &what, job, err);
	img_unpacked_clear(&unpacked);
	source_place_clear(&where);
	return ok;
}

static bool repair(struct run *run, const char *path, const struct img_job *job,
		   struct img_err *err)
{
	const bool plan = run->opt->plan;
	struct source_place where;
	struct repaired repaired;
	bool ok;

	if (!source_find(&run->opt->source, path, &where, err))
		return false;
	ok = repair_image(run->opt, &where, job, &repaired, err);
	source_place_clear(&where);
	if (!ok)
		return false;
	if (!run->opt->quiet && !run->root)
		print_repair(path, &repaired, plan);
	else if (!run->opt->quiet)
		report_repair(path, &repaired, plan, report_of_one(run));
	note_status(run, status_of(plan ? &repaired.result.before : &repaired.result.after));
	repaired_clear(&repaired);
	return true;
}

/* Damage that ends a check is none that it has found. */
static int status_of_failure(const struct img_err *err)
{
	return err->code == IMG_E_INCOMPLETE ? CMD_FAILED : exit_status(err, CMD_FAILED);
}

/* A failure ends the work on that image, and cancelling that on all. */
static bool do_one(struct run *run, const char *path)
{
	const struct options *opt = run->opt;
	struct img_err err = { 0 };
	struct progress progress;
	const struct img_job *job = progress_start(&progress, &cli,
						   progress_unless(opt->quiet, &opt->progress),
						   "check");
	const bool ok = opt->repair ? repair(run, path, job, &err) : check(run, path, job, &err);

	progress_end(&progress, ok);
	if (ok)
		return true;
	run->all = false;
	cli_complain(&cli, &err);
	note_status(run, status_of_failure(&err));
	return err.code != IMG_E_CANCELLED;
}

static void do_all(struct run *run, char *const *names, int n)
{
	if (run->root && n > 1)
		run->list = img_node_list(run->root, "images");
	for (int i = 0; i < n; i++)
		if (!do_one(run, names[i]))
			return;
}

static void list_kinds(const struct run *run)
{
	if (run->root)
		report_kinds(run->root);
	else
		print_kinds();
}

static void list_rules(const struct run *run)
{
	if (run->root)
		report_rules(run->root);
	else
		print_rules();
}

static bool run_all(struct run *run, char *const *names, int n, struct img_err *err)
{
	const struct options *opt = run->opt;
	bool ok = true;

	if (opt->style != IMG_STYLE_HUMAN && !(run->root = img_node_root("imgcheck")))
		return out_of_memory(err);
	if (opt->kinds)
		list_kinds(run);
	else if (opt->targets.help)
		list_rules(run);
	else
		do_all(run, names, n);
	/* Of several images the others are told of where one could not be checked. */
	if (run->root && !opt->quiet && (run->all || n > 1))
		ok = img_report_write(run->root, opt->style, stdout, err);
	img_node_free(run->root);
	return ok;
}

static bool set_repair(const struct cli_option *row, void *field, const char *text,
		       struct img_err *err)
{
	(void)row;
	if (text && strcmp(text, "leaks") && strcmp(text, "all"))
		return img_fail(err, IMG_E_ARGUMENT, _("\"%s\" is none of %s"), text, LEVELS);
	*(enum repair *)field = text && !strcmp(text, "leaks") ? REPAIR_LEAKS : REPAIR_ALL;
	return true;
}

/* Refuses what cannot be meant together. */
static bool check_repair(const struct options *opt, int n, struct img_err *err)
{
	if (!opt->repair && (opt->plan || opt->undo_file || opt->no_undo))
		return img_fail(err, IMG_E_ARGUMENT,
				_("--dry-run, --undo-file and --no-undo-file go with --repair"));
	if (opt->undo && opt->repair)
		return img_fail(err, IMG_E_ARGUMENT,
				_("--undo takes a repair back, --repair makes one"));
	if (opt->source.header && (opt->repair || opt->undo))
		return img_fail(err, IMG_E_ARGUMENT, _("the file of a header is repaired by its own "
				"name, without --header"));
	if (opt->source.header && n != 1)
		return img_fail(err, IMG_E_ARGUMENT, _("--header is for one image"));
	return !opt->undo_file || (!opt->no_undo && n == 1) ||
	       img_fail(err, IMG_E_ARGUMENT, _("--undo-file is for the repair of one image"));
}

static bool check_salvage(const struct salvage_options *how, struct img_err *err)
{
	if (how->wanted && !how->target)
		return img_fail(err, IMG_E_ARGUMENT, _("--salvage needs a new image: -o"));
	return how->wanted || !(how->target || how->target_format || how->map || how->size) ||
	       img_fail(err, IMG_E_ARGUMENT, _("-o, -O, --map and --size are for --salvage alone"));
}

/* Whether the command line asks for a list, and for nothing to be done to images. */
static bool only_lists(const struct options *opt)
{
	return opt->kinds || opt->targets.help;
}

static bool check_targets(const struct options *opt, char *const *names, int n, struct img_err *err)
{
	const bool more = opt->repair || opt->undo || opt->salvage.wanted || opt->kinds;

	if (!opt->targets.wanted)
		return true;
	if (more)
		return img_fail(err, IMG_E_ARGUMENT, _("--for goes with a check alone"));
	for (int i = 0; i < n; i++)
		if (!strcmp(names[i], "-"))
			return img_fail(err, IMG_E_ARGUMENT,
					_("--for needs a file, not standard input"));
	return true;
}

static bool salvage_one(const struct options *opt, const char *path, int *status,
			struct img_err *err)
{
	const struct salvage_job job = {
		.cli = &cli, .how = &opt->salvage, .source = opt->source,
		.progress = opt->progress, .threads = opt->threads, .memory = opt->memory,
		.quiet = opt->quiet,
		.style = opt->style,
	};

	return salvage(&job, path, status, err);
}

static bool run_action(struct run *run, char *const *names, int n, struct img_err *err)
{
	const struct options *opt = run->opt;

	if (opt->undo)
		return undo_repair(opt->undo, n ? names[0] : NULL, err);
	if (opt->salvage.wanted && !only_lists(opt))
		return salvage_one(opt, names[0], &run->status, err);
	return run_all(run, names, n, err);
}

int main(int argc, char **argv)
{
	struct options opt = {
		.source.secrets = &opt.secrets, .source.quiet = &opt.quiet, .style = IMG_STYLE_HUMAN,
	};
	struct run run = { .opt = &opt, .status = CMD_DONE, .all = true };
	struct img_err err = { 0 };
	char **names;
	const int n = cli_parse(&cli, argc, argv, &opt, &names);

	if (!check_repair(&opt, n, &err) || !check_salvage(&opt.salvage, &err) ||
	    !check_targets(&opt, names, n, &err))
		cli_misused(&cli, &err);
	cli_need_operands(&cli, n, only_lists(&opt) || opt.undo ? 0 : 1,
			  only_lists(&opt) ? 0 : opt.undo || opt.salvage.wanted ? 1 : INT_MAX);
	const bool ok = run_action(&run, names, n, &err);

	secret_clear(&opt.secrets);
	return cli_end(&cli, ok ? NULL : &err, ok ? run.status : CMD_FAILED);
}
