/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Command lines: one table row for each option, which gives parsing, --help and, through --help,
 * completion and the check of the manual page.
 */
#ifndef CMD_CLI_H
#define CMD_CLI_H

#include "libimg.h"

struct cli_option;

/*
 * Stores the text that was given (NULL: the option takes none, or it was left out) into the field
 * of the command's options that the row names.  IMG_E_ARGUMENT for a text that makes no sense.
 */
typedef bool cli_set(const struct cli_option *row, void *field, const char *text,
		     struct img_err *err);

struct cli_option {
	char letter;		/* 'f', or 0 */
	const char *name;	/* "format"; NULL ends the table */
	const char *value;	/* as --help calls it: "FILE", "a|b|c"; "[=...]": may be left out */
	cli_set *set;
	size_t field;		/* offsetof() in the command's options */
	const char *help;	/* translatable */
};

struct cli {
	const char *name;	/* "imgconv" */
	const char *operands;	/* translatable, e.g. "SOURCE TARGET" */
	const char *summary;	/* translatable: what the command does, in one sentence */
	const struct cli_option *options;
	int failed;		/* exit status of a failure that has no status of its own */
};

/*
 * Reads the command line into *options and returns the number of operands, which *operands then
 * shows.  Sets up standard streams that are closed, the user's language and the signals first.  Ends
 * the program itself for --help, --version and for wrong usage.
 */
int cli_parse(const struct cli *cli, int argc, char **argv, void *options, char ***operands);
/* Ends the program when n operands are not what the command needs. */
void cli_need_operands(const struct cli *cli, int n, int min, int max);
/* Says what was wrong with the command line, and ends the program. */
void cli_misused(const struct cli *cli, const struct img_err *err) __attribute__((noreturn));
/* "imgconv: warning: TEXT" on standard error. */
void cli_warn(const struct cli *cli, const char *text);
/* "imgconv: TEXT" on standard error, for a failure that does not end the work. */
void cli_complain(const struct cli *cli, const struct img_err *err);
/*
 * The last thing that main does: says why it failed (err; NULL: it did not, and status is the exit
 * status), closes standard output and returns the exit status.  Does not return when a signal
 * asked the program to stop, or a reader went away: then it dies of that signal.
 */
int cli_end(const struct cli *cli, const struct img_err *err, int status);

/* What counts things, which "1.5" does not; "4k" is 4096.  False: text is no such number. */
bool cli_whole_number(const char *text, uint64_t *n) IMG_MUST_CHECK;

/* Ways to store a value. */
cli_set cli_set_flag;		/* bool */
cli_set cli_set_text;		/* const char *, borrowed from the command line */
cli_set cli_set_size;		/* uint64_t bytes */
cli_set cli_set_amount;		/* uint64_t bytes, at least 1 */
cli_set cli_set_count;		/* unsigned, at least 1 */
cli_set cli_set_cache;		/* enum img_cache */
cli_set cli_set_style;		/* enum img_style */
cli_set cli_set_choice;		/* an enumeration, in the order of "a|b|c", the row's value */
cli_set cli_set_list;		/* char *; collects "a=b" given several times as "a=b,c=d" */
cli_set cli_ignore;		/* accepted for those who come from qemu-img; nothing to do */

/* What nearly every command has, so that it reads the same everywhere. */
#define CLI_CACHES "default|writeback|writethrough|none|directsync|unsafe"
#define CLI_STYLES "human|json|xml"

#endif
