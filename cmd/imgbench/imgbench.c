/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgbench: what a format and a cache mode cost under a load. */
#include <stddef.h>
#include <stdlib.h>
#include "common/ceph.h"
#include "common/exit.h"
#include "common/text.h"
#include "imgbench/imgbench.h"

#define AT(member) offsetof(struct bench_options, member)

static const struct cli_option rows[] = {
	{ 0, "trace", "FILE", cli_set_text, AT(load.trace),
	  N_("replay a recorded trace; overwrites what the image holds") },
	{ 0, "pattern", LOAD_PATTERNS, cli_set_text, AT(load.pattern),
	  N_("a load made up; what writes or trims overwrites the image") },
	{ 0, "read-share", "PERCENT", bench_set_share, AT(load.read_share),
	  N_("of the requests of rw and randrw that read (default 50)") },
	{ 0, "block-size", "SIZE", cli_set_amount, AT(load.block_size),
	  N_("bytes of each request (default 4k)") },
	{ 0, "offset", "SIZE", cli_set_size, AT(load.start),
	  N_("where on the disk the pattern begins (default 0)") },
	{ 0, "length", "SIZE", cli_set_amount, AT(load.length),
	  N_("how far it goes (default: to the end of the disk)") },
	{ 0, "requests", "N", cli_set_count, AT(load.requests),
	  N_("stop after so many (default 65536, or the whole trace)") },
	{ 0, "bytes", "SIZE", cli_set_amount, AT(load.bytes),
	  N_("stop after so many bytes") },
	{ 0, "seconds", "N", cli_set_count, AT(load.seconds),
	  N_("stop after so much time") },
	{ 0, "flush-every", "N", cli_set_count, AT(load.flush_every),
	  N_("flush after each N requests of a pattern") },
	{ 0, "no-flush", NULL, cli_set_flag, AT(no_flush),
	  N_("leave the flushes out, as a guest without barriers does") },
	{ 0, "depth", "N", cli_set_count, AT(depth),
	  N_("have N requests under way at a time (default 1)") },
	{ 0, "seed", "N", bench_set_seed, AT(load.seed),
	  N_("where chance begins, for places and contents (default 0)") },
	{ 0, "verify", NULL, cli_set_flag, AT(verify),
	  N_("read back afterwards and compare") },
	{ 0, "verify-only", NULL, cli_set_flag, AT(verify_only),
	  N_("only read back what the same load left before") },
	{ 'f', "format", "FORMAT", cli_set_text, AT(source.format),
	  N_("format of the image (otherwise found out)") },
	{ 't', "cache", CLI_CACHES, cli_set_cache, AT(source.cache),
	  N_("cache mode (default writeback)") },
	{ 0, "cache-size", "SIZE", cli_set_amount, AT(source.cache_size),
	  N_("memory for the tables of the image at most") },
	SOURCE_ROW_PARENT(AT(source.parent)),
	SOURCE_ROW_MISMATCH(AT(source.mismatch)),
	SOURCE_ROW_UNTRUSTED(AT(source.gate)),
	SOURCE_ROW_TRUSTED(AT(source.gate)),
	SOURCE_ROW_HEADER(AT(source.header)),
	SECRET_ROWS(AT(secrets)),
	{ 0, "formats", "FORMAT,...", bench_set_formats, AT(formats),
	  N_("make a table: run on new images of these formats") },
	{ 0, "caches", "MODE,...", bench_set_caches, AT(caches),
	  N_("and in these cache modes (default writeback)") },
	{ 'd', "dir", "DIR", cli_set_text, AT(dir),
	  N_("where the images of the table are made") },
	{ 'o', "options", "NAME=VALUE,...", cli_set_list, AT(create_options),
	  N_("options of the new images, for the formats that have them") },
	{ 's', "size", "SIZE", cli_set_amount, AT(size),
	  N_("size of the new disks (default: that of the trace)") },
	{ 0, "fill", NULL, cli_set_flag, AT(fill),
	  N_("write what the pattern covers before the clock starts") },
	{ 'r', "repeat", "N", cli_set_count, AT(repeat),
	  N_("run each cell of the table N times, print medians") },
	{ 0, "keep", NULL, cli_set_flag, AT(keep),
	  N_("leave the images of the table there") },
	{ 0, "output", CLI_STYLES, cli_set_style, AT(style),
	  N_("how to print it (default human)") },
	{ 'p', "progress", PROGRESS_VALUE, progress_set, AT(progress),
	  N_("show how far it is, on standard error or as JSON") },
	{ 'q', "quiet", NULL, cli_set_flag, AT(quiet),
	  N_("print nothing but errors") },
	CEPH_ROWS,
	{ .name = NULL },
};

static const struct cli cli = {
	.name = "imgbench", .operands = N_("FILE | --formats=FORMAT,... --dir=DIR"),
	.summary = N_("Measures a load on a disk image, or on new images of several formats."),
	.options = rows, .failed = CMD_FAILED,
};

static bool bench(struct bench_options *opt, const char *path, struct img_err *err)
{
	struct trace trace = { .size = 0 };
	const struct bench bench = {
		.cli = &cli, .opt = opt, .trace = opt->load.trace ? &trace : NULL,
	};
	bool ok = path || opt->keep || secret_invent(&opt->secrets, err);

	ok = ok && (!bench.trace || trace_read(&trace, opt->load.trace, err));
	if (ok)
		ok = path ? bench_single(&bench, path, err) : bench_matrix(&bench, err);
	trace_free(&trace);
	return ok;
}

int main(int argc, char **argv)
{
	struct bench_options opt = {
		.source = { .secrets = &opt.secrets, .cache_size = IMG_CACHE_SIZE },
		.load.read_share = 50,
	};
	struct img_err err = { 0 };
	char **names;
	const int n = cli_parse(&cli, argc, argv, &opt, &names);
	bool ok;

	if (!bench_check(&opt, n, &err))
		cli_misused(&cli, &err);
	if (!opt.formats.n)
		cli_need_operands(&cli, n, 1, 1);
	ok = bench(&opt, opt.formats.n ? NULL : names[0], &err);
	free(opt.create_options);
	secret_clear(&opt.secrets);
	return cli_end(&cli, ok ? NULL : &err, CMD_DONE);
}
