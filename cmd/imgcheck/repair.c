/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Repairing an image and taking that back: what the undo file is called, and which comes first. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "common/memory.h"
#include "common/text.h"
#include "imgcheck/imgcheck.h"

#define SUFFIX ".undo"

enum { UNDO_FILES_MAX = 1000 };

/* ---- Names --------------------------------------------------------------------------------------- */

/* "vm.qcow2.undo", "vm.qcow2.undo.1", ...; NULL: memory is out. */
static char *undo_name(const char *path, unsigned number)
{
	char *name;

	if ((number ? asprintf(&name, "%s" SUFFIX ".%u", path, number)
		    : asprintf(&name, "%s" SUFFIX, path)) < 0)
		return NULL;
	return name;
}

static bool exists(const char *path)
{
	struct stat sb;

	return !lstat(path, &sb) || errno != ENOENT;
}

/* The first name that is free; those before it tell what came before. */
static bool choose_undo_name(const char *path, char **name, struct img_err *err)
{
	struct stat sb;

	if (img_path_is_uri(path) || (!stat(path, &sb) && !S_ISREG(sb.st_mode)))
		return img_fail(err, IMG_E_ARGUMENT, _("%s: is no regular file; say with --undo-file "
				"where what it was is to be kept"), path);
	for (unsigned i = 0; i < UNDO_FILES_MAX; i++) {
		*name = undo_name(path, i);
		if (!*name)
			return out_of_memory(err);
		if (!exists(*name))
			return true;
		free(*name);
	}
	*name = NULL;
	return img_fail(err, IMG_E_ARGUMENT, _("%s: has too many undo files"), path);
}

/* The image and the number that the name of an undo file tells of. */
static bool parse_undo_name(const char *undo_path, char **path, unsigned *number)
{
	const char *base = strrchr(undo_path, '/');
	const char *end = NULL;
	int used = 0;

	for (const char *at = base ? base : undo_path; (at = strstr(at, SUFFIX)); at++)
		end = at;
	if (!end || end == undo_path || end[-1] == '/')
		return false;
	*number = 0;
	if (end[sizeof(SUFFIX) - 1] &&
	    (sscanf(end + sizeof(SUFFIX) - 1, ".%u%n", number, &used) != 1 ||
	     end[sizeof(SUFFIX) - 1 + (size_t)used] || *number >= UNDO_FILES_MAX))
		return false;
	*path = strndup(undo_path, (size_t)(end - undo_path));
	return *path;
}

/* ---- Repairing ----------------------------------------------------------------------------------- */

static bool name_undo_file(const struct options *opt, const char *path, char **name,
			   struct img_err *err)
{
	*name = NULL;
	if (opt->no_undo || opt->plan)
		return true;
	if (!opt->undo_file)
		return choose_undo_name(path, name, err);
	if (exists(opt->undo_file))
		return img_fail(err, IMG_E_ARGUMENT, _("%s: exists already, and must be a new file"),
				opt->undo_file);
	*name = strdup(opt->undo_file);
	return *name || out_of_memory(err);
}

/* Where nothing was repaired, or only extents, the image itself has no undo file. */
static void forget_undo_file(struct repaired *repaired)
{
	if (!repaired->undo_path || exists(repaired->undo_path))
		return;
	free(repaired->undo_path);
	repaired->undo_path = NULL;
}

/* Of an extent that is repaired: beside it, and kept to be told of. */
static bool name_extent_undo(void *ctx, const char *path, char **undo_path, struct img_err *err)
{
	struct repaired *repaired = ctx;
	char **more = realloc(repaired->more_undo_paths, (repaired->n_more + 1) * sizeof(*more));

	if (!more)
		return out_of_memory(err);
	repaired->more_undo_paths = more;
	if (!choose_undo_name(path, undo_path, err))
		return false;
	more[repaired->n_more] = strdup(*undo_path);
	return more[repaired->n_more++] || out_of_memory(err);
}

bool repair_image(const struct options *opt, const struct source_place *where, const struct img_job *job,
		  struct repaired *repaired, struct img_err *err)
{
	struct img_repair what = {
		.check = check_of(opt, where), .plan = opt->plan,
		.level = opt->repair == REPAIR_LEAKS ? IMG_REPAIR_LEAKS : IMG_REPAIR_ALL,
		.name_undo = opt->no_undo ? NULL : name_extent_undo, .name_undo_ctx = repaired,
	};

	*repaired = (struct repaired){ .n_more = 0 };
	if (name_undo_file(opt, where->path, &repaired->undo_path, err)) {
		what.undo_path = repaired->undo_path;
		if (img_repair_run(&what, job, &repaired->result, err)) {
			forget_undo_file(repaired);
			return true;
		}
	}
	repaired_clear(repaired);
	return false;
}

void repaired_clear(struct repaired *repaired)
{
	img_repair_clear(&repaired->result);
	free(repaired->undo_path);
	for (size_t i = 0; i < repaired->n_more; i++)
		free(repaired->more_undo_paths[i]);
	free(repaired->more_undo_paths);
}

static uint64_t count_of(const struct img_check_result *result, const struct img_finding_kind *kind)
{
	for (size_t i = 0; i < result->n_counts; i++)
		if (result->counts[i].kind == kind)
			return result->counts[i].n;
	return 0;
}

/* A plan knows nothing of what is not in the format's structures. */
static bool is_structural(const struct img_finding_kind *kind)
{
	for (const struct img_finding_kind *const *other = img_format_findings(NULL); *other; other++)
		if (*other == kind)
			return false;
	return true;
}

uint64_t repaired_count(const struct img_repair_result *result, const struct img_finding_kind *kind)
{
	const uint64_t before = count_of(&result->before, kind), after = count_of(&result->after, kind);

	return before > after && is_structural(kind) ? before - after : 0;
}

uint64_t repaired_total(const struct img_repair_result *result, enum img_severity from,
			enum img_severity to)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < result->before.n_counts; i++) {
		const struct img_finding_kind *kind = result->before.counts[i].kind;

		if (kind->severity >= from && kind->severity <= to)
			sum += repaired_count(result, kind);
	}
	return sum;
}

/* ---- Taking it back ------------------------------------------------------------------------------ */

/* Repairs are taken back in reverse order: each undo file knows the image that it found. */
static bool check_later(const char *path, unsigned number, struct img_err *err)
{
	char *later = undo_name(path, number + 1);
	bool ok;

	if (!later)
		return out_of_memory(err);
	ok = !exists(later) ||
	     img_fail(err, IMG_E_ARGUMENT, _("%s: must be undone first"), later);
	free(later);
	return ok;
}

bool undo_repair(const char *undo_path, const char *path, struct img_err *err)
{
	unsigned number = 0;
	char *named = NULL;
	const bool parsed = parse_undo_name(undo_path, &named, &number);
	bool ok = true;

	if (!parsed && !path)
		ok = img_fail(err, IMG_E_ARGUMENT, _("%s: does not tell which image it is of; name "
			      "that, too"), undo_path);
	else if (parsed)
		ok = check_later(named, number, err);
	ok = ok && img_undo_run(undo_path, path ? path : named, err);
	free(named);
	return ok;
}
