/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of imgcheck share. */
#ifndef CMD_IMGCHECK_H
#define CMD_IMGCHECK_H

#include "common/cli.h"
#include "common/progress.h"
#include "common/source.h"
#include "imgcheck/salvage.h"
#include "imgcheck/targets.h"

enum repair { REPAIR_NO, REPAIR_LEAKS, REPAIR_ALL };

struct options {
	struct source_options source;
	struct secrets secrets;
	bool data, kinds, quiet;
	struct target_choice targets;
	enum repair repair;
	bool plan, no_undo;
	const char *undo_file;		/* to be written; NULL: beside the image */
	const char *undo;		/* to be taken back */
	unsigned threads;
	uint64_t memory;
	struct salvage_options salvage;
	struct progress_options progress;
	enum img_style style;
};

extern const struct cli cli;		/* imgcheck.c */

/* imgcheck.c: the image and how it is checked, as the options say.  where: borrowed. */
struct img_check check_of(const struct options *opt, const struct source_place *where);

/* repair.c */
struct repaired {
	struct img_repair_result result;
	char *undo_path;		/* of the undo file that was written, or NULL; owned */
	char **more_undo_paths;		/* those of its extents; owned */
	size_t n_more;
};
/* repaired: to be cleared when it was successful. */
bool repair_image(const struct options *opt, const struct source_place *where, const struct img_job *job,
		  struct repaired *repaired, struct img_err *err) IMG_MUST_CHECK;
void repaired_clear(struct repaired *repaired);
/* Takes a repair back; path NULL: the image that the name of the undo file tells. */
bool undo_repair(const char *undo_path, const char *path, struct img_err *err) IMG_MUST_CHECK;
/* How many of a kind there are less after a repair than before. */
uint64_t repaired_count(const struct img_repair_result *result,
			const struct img_finding_kind *kind);
/* The same for all kinds of these severities. */
uint64_t repaired_total(const struct img_repair_result *result, enum img_severity from,
			enum img_severity to);

/* sentences.c: what was found in the image, as text on standard output. */
void print_findings(const char *path, const struct img_check_result *result);
void print_repair(const char *path, const struct repaired *repaired, bool plan);
/* All that can be found, of all formats. */
void print_kinds(void);

/* report.c: the same for programs. */
void report_findings(const char *path, const struct img_check_result *result,
		     struct img_node *to);
void report_repair(const char *path, const struct repaired *repaired, bool plan,
		   struct img_node *to);
void report_kinds(struct img_node *root);

/* Entries and clusters of these severities, listed or not. */
static inline uint64_t errors_of(const struct img_check_result *result)
{
	return result->totals[IMG_CORRUPT] + result->totals[IMG_FATAL];
}

#endif
