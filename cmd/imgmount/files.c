/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which files the folder has, and what they are called. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "common/text.h"
#include "guest/table.h"
#include "imgmount/imgmount.h"
#include "libimg-snapshot.h"

/* Bytes of a name that come from the image; what we put around them fits a file system's NAME_MAX. */
enum { LONGEST_NAME = 200 };

static bool add(struct mount *mount, const struct shown *file, struct img_err *err)
{
	struct shown *more = realloc(mount->files, (mount->n + 1) * sizeof(*more));

	if (more)
		mount->files = more;
	if (!more || !file->name) {
		free(file->name);
		free(file->snapshot);
		return out_of_memory(err);
	}
	mount->files[mount->n++] = *file;
	return true;
}

void files_free(struct mount *mount)
{
	for (size_t i = 0; i < mount->n; i++) {
		free(mount->files[i].name);
		free(mount->files[i].snapshot);
	}
	free(mount->files);
}

/* ---- Partitions ------------------------------------------------------------------------------ */

static char *numbered(const char *what, unsigned number)
{
	char *name;

	return asprintf(&name, "%s%u.raw", what, number) < 0 ? NULL : name;
}

/* A table may speak of a longer disk. */
static bool add_partitions(struct mount *mount, const struct table *table, struct img_err *err)
{
	const uint64_t size = img_size(mount->im);

	for (size_t i = 0; i < table->n; i++) {
		const struct partition *part = &table->parts[i];
		struct shown file = { .start = part->start, .len = part->len };

		if (part->container || part->start >= size)
			continue;
		if (file.len > size - file.start)
			file.len = size - file.start;
		file.name = numbered("partition", part->number);
		if (!add(mount, &file, err))
			return false;
	}
	return true;
}

/* A table that cannot be read does not keep anybody from the disk. */
static bool find_partitions(struct mount *mount, struct img_err *err)
{
	struct table table = { .n = 0 };
	struct img_err why = { 0 };
	struct sketch *sk = sketch_new(mount->im, err);
	bool ok = sk;

	if (sk && table_read(sk, mount->im, &table, &why)) {
		ok = add_partitions(mount, &table, err);
	} else if (sk) {
		img_within(&why, _("no partition is shown"));
		cli_warn(&imgmount_cli, why.text);
	}
	table_free(&table);
	sketch_free(sk);
	return ok;
}

/* ---- Snapshots ------------------------------------------------------------------------------- */

static bool is_taken(const struct mount *mount, const char *name)
{
	for (size_t i = 0; i < mount->n; i++)
		if (!strcmp(mount->files[i].name, name))
			return true;
	return false;
}

static void make_harmless(char *name)
{
	for (; *name; name++)
		if (*name == '/' || (unsigned char)*name < ' ' || *name == 0x7f)
			*name = '_';
}

/* Names of snapshots need not differ, and may be anything. */
static char *snapshot_name(const struct mount *mount, const struct img_snapshot *snap,
			   size_t number)
{
	const char *text = *snap->name ? snap->name : snap->id;
	char *name = NULL;

	if (asprintf(&name, "snapshot-%.*s.raw", LONGEST_NAME, text) < 0)
		return NULL;
	make_harmless(name);
	while (is_taken(mount, name)) {
		free(name);
		if (asprintf(&name, "snapshot-%.*s-%zu.raw", LONGEST_NAME, text, number++) < 0)
			return NULL;
		make_harmless(name);
	}
	return name;
}

static bool add_snapshots(struct mount *mount, const struct img_snapshot *list, size_t n,
			  struct img_err *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct shown file = {
			.name = snapshot_name(mount, &list[i], i + 1), .len = list[i].disk_size,
			.snapshot = strdup(list[i].id),
		};

		if (!add(mount, &file, err))
			return false;
	}
	return true;
}

/* One that nobody opens costs a name; more of them than this are no use to anybody. */
enum { MOST_SNAPSHOTS = 1000 };

static bool find_snapshots(struct mount *mount, struct img_err *err)
{
	struct img_snapshot *list = NULL;
	struct img_err why = { 0 };
	size_t n = 0;
	bool ok;

	if (!img_snapshot_list(mount->im, false, &list, &n, &why)) {
		if (why.code == IMG_E_UNSUPPORTED)
			return true;
		img_within(&why, _("no snapshot is shown"));
		cli_warn(&imgmount_cli, why.text);
		return true;
	}
	if (n > MOST_SNAPSHOTS) {
		img_fail(&why, IMG_E_RANGE, _("of %zu snapshots the first %d are shown"), n,
			 MOST_SNAPSHOTS);
		cli_warn(&imgmount_cli, why.text);
	}
	ok = add_snapshots(mount, list, n < MOST_SNAPSHOTS ? n : MOST_SNAPSHOTS, err);
	img_snapshot_list_free(list, n);
	return ok;
}

bool files_find(struct mount *mount, struct img_err *err)
{
	const struct shown disk = { .name = strdup("disk.raw"), .len = img_size(mount->im) };

	return add(mount, &disk, err) && find_partitions(mount, err) && find_snapshots(mount, err);
}
