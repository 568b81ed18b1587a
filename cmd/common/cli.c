/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See cli.h: from the option table to getopt_long(), and to --help. */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "common/cli.h"
#include "common/exit.h"
#include "common/signals.h"
#include "common/streams.h"
#include "common/text.h"

/* Rows that every command has. */
static const struct cli_option standard[] = {
	{ .letter = 'h', .name = "help", .help = N_("show this help and exit") },
	{ .letter = 'V', .name = "version", .help = N_("show the version and exit") },
	{ .name = NULL },
};

enum { MAX_ROWS = 64, ID_ROW = 256, HELP_COLUMN = 32 };

/* The tables of getopt_long(), made from ours; val is ID_ROW plus the index of the row. */
struct parser {
	const struct cli_option *rows[MAX_ROWS];
	struct option longs[MAX_ROWS + 1];
	char shorts[2 * MAX_ROWS + 1];
	int n;
};

static bool may_be_left_out(const struct cli_option *row)
{
	return row->value && row->value[0] == '[';
}

static void add_rows(struct parser *p, const struct cli_option *rows)
{
	for (; rows->name; rows++, p->n++) {
		if (p->n == MAX_ROWS)
			abort();	/* a command has got more options than fit */
		const int argument = !rows->value ? no_argument : may_be_left_out(rows)
				     ? optional_argument : required_argument;

		p->rows[p->n] = rows;
		p->longs[p->n] = (struct option){ rows->name, argument, NULL, ID_ROW + p->n };
		if (rows->letter)
			strncat(p->shorts, &rows->letter, 1);
		/* A letter never takes a value that may be left out: "-pq" stays two letters. */
		if (rows->letter && argument == required_argument)
			strcat(p->shorts, ":");
	}
}

static const struct cli_option *row_of(const struct parser *p, int id)
{
	if (id >= ID_ROW)
		return p->rows[id - ID_ROW];
	for (int i = 0; i < p->n; i++)
		if (p->rows[i]->letter == id)
			return p->rows[i];
	return NULL;
}

static void print_row(const struct cli_option *row)
{
	int width = row->letter ? printf("  -%c, --%s", row->letter, row->name)
				: printf("      --%s", row->name);

	if (row->value)
		width += printf("%s%s", may_be_left_out(row) ? "" : "=", row->value);
	/* What is too wide for the column gets a line of its own. */
	if (width > HELP_COLUMN - 2) {
		putchar('\n');
		width = 0;
	}
	printf("%*s%s\n", HELP_COLUMN - width, "", _(row->help));
}

static void print_help(const struct cli *cli, const struct parser *p)
{
	printf(_("Usage: %s [OPTION]... %s\n"), cli->name, _(cli->operands));
	printf("%s\n\n", _(cli->summary));
	for (int i = 0; i < p->n; i++)
		print_row(p->rows[i]);
	printf(_("\nThe manual page %s(1) says more; exit statuses are in imgtools(7).\n"),
	       cli->name);
}

static _Noreturn void try_help(const struct cli *cli)
{
	fprintf(stderr, _("Try '%s --help'.\n"), cli->name);
	exit(cli->failed);
}

void cli_misused(const struct cli *cli, const struct img_err *err)
{
	fprintf(stderr, "%s: %s\n", cli->name, err->text);
	try_help(cli);
}

static void take_row(const struct cli *cli, const struct parser *p,
		     const struct cli_option *row, void *options)
{
	struct img_err err = { 0 };

	if (row == &standard[0])
		print_help(cli, p);
	else if (row == &standard[1])
		printf("%s (imgtools) %s\n", cli->name, img_version());
	if (!row->set)
		exit(cli_end(cli, NULL, CMD_DONE));
	if (!row->set(row, (char *)options + row->field, optarg, &err)) {
		img_within(&err, "--%s", row->name);
		cli_misused(cli, &err);
	}
}

void cli_need_operands(const struct cli *cli, int n, int min, int max)
{
	struct img_err err = { 0 };

	if (n < min)
		img_fail(&err, IMG_E_ARGUMENT, _("too few names are given; needed: %s"),
			 _(cli->operands));
	else if (n > max)
		img_fail(&err, IMG_E_ARGUMENT, _("too many names are given; needed: %s"),
			 _(cli->operands));
	else
		return;
	cli_misused(cli, &err);
}

/* Of messages alone, as the nbdkit plugin does: each other category is five system calls at the start. */
static void set_language(void)
{
	setlocale(LC_CTYPE, "");
	setlocale(LC_MESSAGES, "");
	bindtextdomain(CMD_TEXT_DOMAIN, LOCALEDIR);
	textdomain(CMD_TEXT_DOMAIN);
}

int cli_parse(const struct cli *cli, int argc, char **argv, void *options, char ***operands)
{
	struct parser p = { .n = 0 };
	struct img_err err = { 0 };
	int id;

	if (!streams_fill(&err)) {
		cli_complain(cli, &err);
		exit(cli->failed);
	}
	set_language();
	signals_catch();
	add_rows(&p, cli->options);
	add_rows(&p, standard);
	/* getopt_long() complains in this name, in the user's language. */
	argv[0] = (char *)cli->name;
	while ((id = getopt_long(argc, argv, p.shorts, p.longs, NULL)) != -1) {
		const struct cli_option *row = row_of(&p, id);

		if (!row)
			try_help(cli);
		take_row(cli, &p, row, options);
	}
	*operands = argv + optind;
	return argc - optind;
}

void cli_warn(const struct cli *cli, const char *text)
{
	fprintf(stderr, _("%s: warning: %s\n"), cli->name, text);
}

void cli_complain(const struct cli *cli, const struct img_err *err)
{
	fprintf(stderr, "%s: %s\n", cli->name, err->text);
}

int cli_end(const struct cli *cli, const struct img_err *err, int status)
{
	struct img_err closing = { 0 };

	if (!exit_close_stdout(&closing) && !err)
		err = &closing;
	signals_die_if_asked();
	if (!err)
		return status;
	if (err->os_errno == EPIPE)
		signals_die(SIGPIPE);
	cli_complain(cli, err);
	return exit_status(err, cli->failed);
}
