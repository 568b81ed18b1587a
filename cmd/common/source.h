/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a command opens the images that it reads, and the option rows for it. */
#ifndef CMD_SOURCE_H
#define CMD_SOURCE_H

#include "common/cli.h"

struct source_options {
	const char *format, *snapshot, *parent;
	enum img_cache cache;
	bool force_share, untrusted;
};

/* How many layers have something odd, and saying so. */
size_t source_oddities(const struct img *im);
void source_warn(const struct cli *cli, const struct img *im);

/*
 * Opens path ("-": standard input) and says so when its content was guessed with doubt, or when
 * something about it is odd.
 */
struct img *source_open(const struct cli *cli, const struct source_options *how, const char *path,
			unsigned flags, struct img_err *err);

/* Says that what im was taken for is in doubt, if it is. */
void source_warn_of_doubt(const struct cli *cli, const char *path, const struct img *im);
/* Whether two operands name the same file; standard input is no file. */
bool source_is_same_file(const char *a, const char *b);

#define SOURCE_ROW_FORMAT(member) \
	{ 'f', "format", "FORMAT", cli_set_text, member, \
	  N_("format of the image (otherwise found out)") }
#define SOURCE_ROW_PARENT(member) \
	{ 0, "parent", "FILE", cli_set_text, member, \
	  N_("what the image stands on, whatever it says itself") }
#define SOURCE_ROW_FORCE_SHARE(member) \
	{ 'U', "force-share", NULL, cli_set_flag, member, \
	  N_("read the image even if it is being written") }
#define SOURCE_ROW_UNTRUSTED(member) \
	{ 0, "untrusted", NULL, cli_set_flag, member, \
	  N_("open no file that is named inside an image") }

#endif
