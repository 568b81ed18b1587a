/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What changed from one disk to another: listed as it is found, or as a patch. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/memory.h"
#include "common/place.h"
#include "common/print.h"
#include "common/text.h"
#include "imgsnap/imgsnap.h"

/* ---- A list ------------------------------------------------------------------------------------- */

/* Around the changes, in front of the first and of the others, and one of them. */
struct syntax {
	const char *start, *end, *first, *next, *change;
	const char *zero, *data;	/* what is there now */
};

static const struct syntax json = {
	"{ \"size-a\": %" PRIu64 ", \"size-b\": %" PRIu64 ", \"changes\": [\n", "] }\n", "{ ",
	",\n{ ", "\"start\": %" PRIu64 ", \"length\": %" PRIu64 ", \"zero\": %s }", "true", "false",
};

static const struct syntax xml = {
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<imgsnap-diff>\n<size-a>%" PRIu64
	"</size-a><size-b>%" PRIu64 "</size-b>\n", "</imgsnap-diff>\n", " ", " ",
	"<change><start>%" PRIu64 "</start><length>%" PRIu64 "</length><zero>%s</zero></change>\n",
	"true", "false",
};

static const struct syntax human = {
	NULL, "", "", "", "%-#15" PRIx64 " %-#15" PRIx64 " %s\n", N_("zeros"), N_("data"),
};

struct listing {
	const struct syntax *sx;
	bool first;
};

static bool print_change(void *ctx, const struct img_change *change, struct img_err *err)
{
	struct listing *list = ctx;
	const struct syntax *sx = list->sx;
	const char *content = change->zero ? sx->zero : sx->data;

	(void)err;
	fputs(list->first ? sx->first : sx->next, stdout);
	printf(sx->change, change->at, change->len, sx == &human ? _(content) : content);
	list->first = false;
	return true;
}

static void print_start(const struct syntax *sx, const struct img_diff *what)
{
	const uint64_t size_a = img_size(what->a), size_b = img_size(what->b);

	if (sx != &human) {
		printf(sx->start, size_a, size_b);
		return;
	}
	if (size_a != size_b)
		printf(_("The disk had %" PRIu64 " bytes and has %" PRIu64 ".\n"), size_a, size_b);
	print_padded(stdout, _("Offset"), 16);
	print_padded(stdout, _("Length"), 16);
	puts(_("Content"));
}

static bool list_changes(const struct options *opt, struct img_diff what, const struct img_job *job,
			 struct img_err *err)
{
	static const struct syntax *const syntaxes[] = {
		[IMG_STYLE_HUMAN] = &human, [IMG_STYLE_JSON] = &json, [IMG_STYLE_XML] = &xml,
	};
	struct listing list = { .sx = syntaxes[opt->output.style], .first = true };

	what.changed = print_change;
	what.ctx = &list;
	print_start(list.sx, &what);
	if (!img_diff_run(&what, job, err))
		return false;
	fputs(list.sx->end, stdout);
	return true;
}

/* ---- A patch ------------------------------------------------------------------------------------ */

/*
 * The name of the snapshot that a disk was opened as, for free(): an id may have been given.  NULL, also
 * without an error: it is of none.
 */
static bool name_of(struct img *im, const char *which, char **name, struct img_err *err)
{
	struct img_snapshot *list;
	size_t n;

	*name = NULL;
	if (!strcmp(which, "."))
		return true;
	if (!img_snapshot_list(im, false, &list, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].id, which))
			which = list[i].name;
	*name = strdup(which);
	img_snapshot_list_free(list, n);
	return *name || out_of_memory(err);
}

static bool write_patch(const struct options *opt, const struct img_diff *what, char *const *names,
			const struct img_job *job, struct img_err *err)
{
	struct img_patch_new how = { .path = opt->data, .format = opt->data_format };
	char *from = NULL, *to = NULL;
	struct img_patch_stats stats;

	if (!strcmp(opt->data, "-") && isatty(STDOUT_FILENO))
		return img_fail(err, IMG_E_ARGUMENT, _("a patch is not written to a terminal"));
	bool ok = opt->data_format != IMG_PATCH_RBD ||
		  (name_of(what->a, names[1], &from, err) && name_of(what->b, names[2], &to, err));

	how.from = from;
	how.to = to;
	ok = ok && img_patch_write(what, &how, job, &stats, err);
	free(from);
	free(to);
	return ok;
}

static bool run(const struct options *opt, const struct img_diff *what, char *const *names,
		struct img_err *err)
{
	struct progress progress;
	const struct img_job *job = snap_progress(&progress, opt, "diff");
	const bool ok = opt->data ? write_patch(opt, what, names, job, err)
				  : list_changes(opt, *what, job, err);

	progress_end(&progress, ok);
	return ok;
}

/*
 * From one snapshot to another into a pipe goes what "rbd import-diff" reads there, unless somebody said
 * what is wanted.
 */
static struct options settle_output(const struct options *given, char *const *names)
{
	struct options opt = *given;
	struct stat st;

	if (!opt.data && !opt.output.said && !opt.from && strcmp(names[1], ".") &&
	    strcmp(names[2], ".") && !fstat(STDOUT_FILENO, &st) && S_ISFIFO(st.st_mode)) {
		opt.data = "-";
		opt.data_format = IMG_PATCH_RBD;
	}
	return opt;
}

/* ---- Both ---------------------------------------------------------------------------------------- */

/* The disk that a name stands for: "." is the one that is in use. */
static struct img *open_disk(const struct source_options *how, const char *path, const char *name,
			     struct img_err *err)
{
	struct source_options one = *how;

	one.snapshot = strcmp(name, ".") ? name : NULL;
	return source_open(&imgsnap_cli, &one, path, 0, err);
}

/* Whether the patch goes to no file that is read. */
static bool check_patch(const struct options *opt, const struct img_diff *what, const char *path,
			struct img_err *err)
{
	const struct aside patch = {
		.option = "data", .path = opt->data && strcmp(opt->data, "-") ? opt->data : NULL,
	};

	return aside_check_operand(&patch, path, err) && aside_check_keys(&patch, &opt->secrets, err) &&
	       aside_check_image(&patch, what->a, err) && aside_check_image(&patch, what->b, err);
}

bool snap_diff(const struct options *given, char *const *names, struct img_err *err)
{
	const struct options settled = settle_output(given, names), *opt = &settled;
	const char *older = opt->from ? opt->from : names[0];
	struct source_options from = opt->source;
	struct img_diff what = {
		.threads = opt->threads, .compare = opt->compare || opt->from,
	};

	if (opt->from)
		from.format = opt->from_format;
	what.a = open_disk(&from, older, names[1], err);
	what.b = what.a ? open_disk(&opt->source, names[0], names[2], err) : NULL;
	/* Only tables can tell without the bytes, and a snapshot beside its disk has none. */
	if (what.b && !(img_format_caps(img_layer_format(what.b, 0)) & IMG_FMT_SNAPSHOT))
		what.compare = true;
	const bool ok = what.b && check_patch(opt, &what, names[0], err) && run(opt, &what, names, err);

	img_close(what.b);
	img_close(what.a);
	return ok;
}
