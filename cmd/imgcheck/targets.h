/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where an image is to go, and why it would be refused there. */
#ifndef CMD_IMGCHECK_TARGETS_H
#define CMD_IMGCHECK_TARGETS_H

#include <string.h>
#include "common/cli.h"
#include "imgcheck/facts.h"

/* One reason, and who says so.  A table of them ends with a NULL id. */
struct rule {
	const char *id;				/* stable: "for.esxi.format" */
	bool refuses;				/* false: what is documented does not settle it */
	bool (*applies)(const struct facts *facts);	/* pure */
	const char *text;			/* an English phrase, to be translated */
	const char *source;			/* the title of a document, and where it is */
	/* The command that makes one without it, of what the library reads; or NULL. */
	const char *remedy;
};

struct target {
	const char *name;
	const struct rule *rules;
};

enum { N_TARGETS = 5 };
extern const struct target targets[N_TARGETS];	/* in the order of TARGET_NAMES */
#define TARGET_NAMES "esxi|vsphere|virtualbox|ec2|azure"

extern const struct rule rules_esxi[], rules_vsphere[];		/* rules_vmware.c */
extern const struct rule rules_virtualbox[];			/* rules_virtualbox.c */
extern const struct rule rules_ec2[], rules_azure[];		/* rules_cloud.c */

/* What --for was given. */
struct target_choice {
	unsigned wanted;			/* bit n: targets[n] */
	bool help;				/* the rules are to be listed */
};

/* Into a struct target_choice: names with commas between them, or "help". */
cli_set targets_set;

/* Whether one of the targets wanted would refuse the image. */
bool targets_refuse(const struct target_choice *choice, const struct facts *facts);
/* The reasons, on standard output or to a list of the report. */
void print_reasons(const char *path, const struct target_choice *choice,
		   const struct facts *facts);
void report_reasons(const struct target_choice *choice, const struct facts *facts,
		    struct img_node *to);
/* All rules there are. */
void print_rules(void);
void report_rules(struct img_node *to);

/* ---- For the rules --------------------------------------------------------------------------- */

static inline bool facts_is(const struct facts *facts, const char *format)
{
	return !strcmp(facts->format, format);
}

static inline bool facts_larger(const struct facts *facts, uint64_t bytes)
{
	return facts->size != IMG_SIZE_UNKNOWN && facts->size > bytes;
}

/* A single stream of compressed grains: the type streamOptimized, whatever the descriptor says. */
static inline bool facts_is_stream(const struct facts *facts)
{
	return facts->vmdk.n_extents == 1 && facts->vmdk.compressed;
}

static inline bool facts_is_other_vmdk(const struct facts *facts)
{
	return facts->vmdk.n_extents && !facts_is_stream(facts);
}

#endif
