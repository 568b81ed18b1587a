/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The snapshots of an image, as a table or as a report. */
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include "common/memory.h"
#include "common/print.h"
#include "common/text.h"
#include "imgsnap/imgsnap.h"

enum { ID_WIDTH = 8, DATE_WIDTH = 20, BYTES_WIDTH = 14 };

/* ---- A table ------------------------------------------------------------------------------------- */

static void print_number(uint64_t value)
{
	if (value == IMG_SNAPSHOT_UNKNOWN)
		printf("%-*s ", BYTES_WIDTH - 1, "-");
	else
		printf("%-*" PRIu64 " ", BYTES_WIDTH - 1, value);
}

static void print_date(uint64_t seconds)
{
	const time_t when = (time_t)seconds;
	struct tm tm;
	char text[32] = "-";

	if (localtime_r(&when, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	printf("%-*s ", DATE_WIDTH - 1, text);
}

/* Nothing that is in an image reaches a terminal as it is. */
static void print_id(const char *id)
{
	const size_t len = strlen(id);

	print_plain_text(stdout, id);
	printf("%*s", len < ID_WIDTH ? (int)(ID_WIDTH - len) : 1, "");
}

static void print_row(const struct img_snapshot *snap)
{
	print_id(snap->id);
	print_date(snap->seconds);
	print_number(snap->disk_size);
	print_number(snap->state_len);
	print_number(snap->exclusive);
	print_number(snap->shared);
	print_plain_text(stdout, snap->name);
	putchar('\n');
}

static void print_table(const struct img_snapshot *list, size_t n)
{
	print_padded(stdout, _("Id"), ID_WIDTH);
	print_padded(stdout, _("Date"), DATE_WIDTH);
	print_padded(stdout, _("Disk size"), BYTES_WIDTH);
	print_padded(stdout, _("VM state"), BYTES_WIDTH);
	print_padded(stdout, _("Its own"), BYTES_WIDTH);
	print_padded(stdout, _("Shared"), BYTES_WIDTH);
	puts(_("Name"));
	for (size_t i = 0; i < n; i++)
		print_row(&list[i]);
}

/* ---- A report ------------------------------------------------------------------------------------ */

static void add_known(struct img_node *to, const char *key, uint64_t value, enum img_unit unit)
{
	if (value != IMG_SNAPSHOT_UNKNOWN)
		img_node_u64(to, key, value, unit);
}

static void report_one(const struct img_snapshot *snap, struct img_node *to)
{
	img_node_text(to, "id", snap->id);
	img_node_text(to, "name", snap->name);
	img_node_u64(to, "date-sec", snap->seconds, IMG_UNIT_NONE);
	img_node_u64(to, "date-nsec", snap->nanoseconds, IMG_UNIT_NONE);
	img_node_u64(to, "vm-clock-nsec", snap->clock, IMG_UNIT_NONE);
	img_node_u64(to, "vm-state-size", snap->state_len, IMG_UNIT_BYTES);
	add_known(to, "icount", snap->icount, IMG_UNIT_NONE);
	img_node_u64(to, "virtual-size", snap->disk_size, IMG_UNIT_BYTES);
	add_known(to, "exclusive", snap->exclusive, IMG_UNIT_BYTES);
	add_known(to, "shared", snap->shared, IMG_UNIT_BYTES);
}

static bool report(struct img *im, const char *path, const struct img_snapshot *list, size_t n,
		   enum img_style style, struct img_err *err)
{
	struct img_node *root = img_node_root("imgsnap"), *nodes;

	if (!root)
		return out_of_memory(err);
	img_node_text(root, "filename", path);
	img_node_u64(root, "virtual-size", img_size(im), IMG_UNIT_BYTES);
	nodes = img_node_list(root, "snapshots");
	for (size_t i = 0; i < n; i++)
		report_one(&list[i], img_node_map(nodes, "snapshot"));
	const bool ok = img_report_write(root, style, stdout, err);
	img_node_free(root);
	return ok;
}

bool snap_list(const struct options *opt, char *const *names, struct img_err *err)
{
	struct img *im = source_open(&imgsnap_cli, &opt->source, names[0], IMG_OPEN_NO_BACKING,
				     err);
	struct img_snapshot *list;
	size_t n;
	bool ok = im && img_snapshot_list(im, true, &list, &n, err);

	if (ok && opt->output.style == IMG_STYLE_HUMAN)
		print_table(list, n);
	else if (ok)
		ok = report(im, names[0], list, n, opt->output.style, err);
	if (im && ok)
		img_snapshot_list_free(list, n);
	img_close(im);
	return ok;
}
