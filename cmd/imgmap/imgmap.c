/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imgmap: what lies where in an image. */
#include <inttypes.h>
#include <stddef.h>
#include "common/ceph.h"
#include "common/exit.h"
#include "common/signals.h"
#include "common/source.h"
#include "common/text.h"
#include "guest/leave_out.h"
#include "imgmap/imgmap.h"

struct options {
	struct source_options source;
	struct secrets secrets;
	uint64_t start, length;
	enum leave_out free;
	enum img_style style;
};

#define AT(member) offsetof(struct options, member)

static const struct cli_option rows[] = {
	SOURCE_ROW_FORMAT(AT(source.format)),
	{ 's', "start-offset", "SIZE", cli_set_size, AT(start),
	  N_("begin at this byte of the disk") },
	{ 'l', "max-length", "SIZE", cli_set_size, AT(length),
	  N_("stop after so many bytes of the disk") },
	{ 0, "free", "[=force]", leave_out_set, AT(free),
	  N_("show what the file systems on the disk do not use; force: although they were in use") },
	SOURCE_ROW_PARENT(AT(source.parent)),
	SOURCE_ROW_DISK(AT(source.disk)),
	SOURCE_ROW_MEMBER(AT(source.member)),
	SOURCE_ROW_MAX_SIZE(AT(source.max_size)),
	SOURCE_ROW_FORCE_SHARE(AT(source.force_share)),
	SOURCE_ROW_UNTRUSTED(AT(source.gate)),
	SOURCE_ROW_TRUSTED(AT(source.gate)),
	SOURCE_ROW_HEADER(AT(source.header)),
	SECRET_ROWS(AT(secrets)),
	{ 0, "output", CLI_STYLES, cli_set_style, AT(style),
	  N_("how to print it (default human)") },
	CEPH_ROWS,
	{ .name = NULL },
};

static const struct cli cli = {
	.name = "imgmap", .operands = N_("FILE"),
	.summary = N_("Lists the extents of a disk: what they are and where they lie."),
	.options = rows, .failed = CMD_FAILED,
};

/* The bytes of the disk to be listed. */
static bool range_of(const struct options *opt, struct img *im, uint64_t *at, uint64_t *end,
		     struct img_err *err)
{
	const uint64_t size = img_size(im);

	if (size == IMG_SIZE_UNKNOWN)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("a pipe of raw bytes has no map: its size is not known"));
	if (opt->start > size)
		return img_fail(err, IMG_E_RANGE,
				_("the disk ends at %" PRIu64 ", before %" PRIu64), size,
				opt->start);
	*at = opt->start;
	*end = opt->length < size - opt->start ? opt->start + opt->length : size;
	return true;
}

/* Prints extents as long as they get; each is held back until the next does not continue it. */
static bool list(struct img *im, uint64_t at, uint64_t end, const struct printer *printer,
		 struct img_err *err)
{
	struct img_extent held = { 0 }, ex;
	bool first = true;

	while (at < end) {
		if (signals_cancelled(NULL))
			return img_fail(err, IMG_E_CANCELLED, _("cancelled"));
		if (!img_extent(im, at, end, &ex, err))
			return false;
		at += ex.len;
		if (held.len && img_extent_join(&held, &ex))
			continue;
		if (held.len) {
			printer->extent(&held, first);
			first = false;
		}
		held = ex;
	}
	if (held.len)
		printer->extent(&held, first);
	return true;
}

static bool map(const struct options *opt, const char *path, struct img_err *err)
{
	static const struct printer *const printers[] = {
		[IMG_STYLE_HUMAN] = &printer_human, [IMG_STYLE_JSON] = &printer_json,
		[IMG_STYLE_XML] = &printer_xml,
	};
	const struct printer *printer = printers[opt->style];
	struct img *im = source_open(&cli, &opt->source, path, 0, err);
	struct free_space space = { .n = 0 };
	uint64_t at = 0, end = 0;
	bool ok = im && range_of(opt, im, &at, &end, err) &&
		  leave_out_free(&cli, opt->free, false, im, &space, err);

	if (ok) {
		printer->start();
		ok = list(im, at, end, printer, err);
		if (ok)
			printer->end();
	}
	free_space_clear(&space);
	img_close(im);
	return ok;
}

int main(int argc, char **argv)
{
	struct options opt = { .length = UINT64_MAX, .style = IMG_STYLE_HUMAN };
	struct img_err err = { 0 };
	char **names;
	bool ok;

	cli_need_operands(&cli, cli_parse(&cli, argc, argv, &opt, &names), 1, 1);
	/* Where the bytes lie is known without keys; what the file systems use is not. */
	if (opt.free != LEAVE_OUT_NOTHING)
		opt.source.secrets = &opt.secrets;
	ok = map(&opt, names[0], &err);
	secret_clear(&opt.secrets);
	return cli_end(&cli, ok ? NULL : &err, CMD_DONE);
}
