/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Snapshots of an image whose file is the disk: copies beside it that share its blocks, named
 * DISK.snap-NAME.  The id of one is its name, and its date that of the file.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/mem.h"
#include "base/num.h"
#include "image/image.h"
#include "store/beside.h"

#define INFIX ".snap-"

/* ---- Names --------------------------------------------------------------------------------------- */

static char *path_of(const char *disk, const char *name, struct img_err *err)
{
	const size_t len = strlen(disk) + strlen(INFIX) + strlen(name) + 1;
	char *path = img_calloc(len, 1, err);

	if (path)
		snprintf(path, len, "%s" INFIX "%s", disk, name);
	return path;
}

static bool is_file(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode);
}

bool img_beside_snapshot_possible(const char *disk)
{
	return is_file(disk);
}

char *img_beside_snapshot_path(const char *disk, const char *name, struct img_err *err)
{
	char *path = strchr(name, '/') ? NULL : path_of(disk, name, err);

	if (path && is_file(path))
		return path;
	free(path);
	img_fail(err, IMG_E_ARGUMENT, _("there is no snapshot \"%s\""), name);
	return NULL;
}

/* The file of one that can be made. */
static char *find_free(const char *disk, const char *name, struct img_err *err)
{
	struct stat st;
	char *path;

	if (!*name || strchr(name, '/')) {
		img_fail(err, IMG_E_ARGUMENT, _("a snapshot beside its disk needs a name that a file "
			 "can have"));
		return NULL;
	}
	path = path_of(disk, name, err);
	if (!path || lstat(path, &st))
		return path;
	free(path);
	img_fail(err, IMG_E_ARGUMENT, _("there is a snapshot already with the id or name \"%s\""),
		 name);
	return NULL;
}

/* ---- Copies that share blocks -------------------------------------------------------------------- */

bool img_beside_snapshot_create(const char *disk, const struct img_snapshot_new *what,
				struct img_err *err)
{
	IMG_AUTO_FREE char *path = find_free(disk, what->name, err);

	return path && img_file_clone(disk, path, false, err);
}

bool img_beside_snapshot_apply(const char *disk, const char *which,
			       const struct img_snapshot_new *keep, bool *kept, struct img_err *err)
{
	IMG_AUTO_FREE char *path = img_beside_snapshot_path(disk, which, err);

	if (!path || (keep && !img_beside_snapshot_create(disk, keep, err)))
		return false;
	*kept = keep;
	return img_file_clone(path, disk, true, err);
}

/* ---- Removing and renaming ----------------------------------------------------------------------- */

bool img_beside_snapshot_remove(const char *disk, const char *which, struct img_err *err)
{
	IMG_AUTO_FREE char *path = img_beside_snapshot_path(disk, which, err);
	struct img_store *file = path ? img_store_file(path, 0, IMG_CACHE_WRITEBACK, err) : NULL;
	struct img_beside *beside = file ? img_beside_old(path, err) : NULL;
	const bool ok = beside && img_beside_drop(beside, file, err);

	img_beside_free(beside);
	img_store_close(file);
	return ok;
}

bool img_beside_snapshot_rename(const char *disk, const char *which, const char *name,
				struct img_err *err)
{
	IMG_AUTO_FREE char *path = img_beside_snapshot_path(disk, which, err);
	IMG_AUTO_FREE char *to = NULL;

	if (!path)
		return false;
	if (!strcmp(which, name))
		return true;
	to = find_free(disk, name, err);
	return to && (!renameat2(AT_FDCWD, path, AT_FDCWD, to, RENAME_NOREPLACE) ||
		      img_fail_os(err, _("%s: cannot get another name"), path));
}

/* ---- Listing ------------------------------------------------------------------------------------- */

struct listing {
	struct img_snapshot *v;
	size_t n, cap;
};

static bool add(struct listing *list, const char *name, const struct stat *st, struct img_err *err)
{
	struct img_snapshot *v = img_grow_by_one(list->v, list->n, &list->cap, sizeof(*v), err);

	if (!v)
		return false;
	list->v = v;
	v += list->n++;
	*v = (struct img_snapshot){
		.id = img_strdup(name, err), .name = img_strdup(name, err),
		.seconds = img_max_u64(st->st_mtim.tv_sec, 0), .icount = IMG_SNAPSHOT_UNKNOWN,
		.nanoseconds = (uint32_t)st->st_mtim.tv_nsec, .disk_size = (uint64_t)st->st_size,
		.exclusive = IMG_SNAPSHOT_UNKNOWN, .shared = IMG_SNAPSHOT_UNKNOWN,
	};
	return v->id && v->name;
}

/* Files of dir whose names begin with prefix. */
static bool add_all(struct listing *list, DIR *dir, const char *prefix, struct img_err *err)
{
	const size_t len = strlen(prefix);
	const struct dirent *entry;
	struct stat st;

	while ((entry = readdir(dir)))
		if (!strncmp(entry->d_name, prefix, len) && entry->d_name[len] &&
		    !fstatat(dirfd(dir), entry->d_name, &st, 0) && S_ISREG(st.st_mode) &&
		    !add(list, entry->d_name + len, &st, err))
			return false;
	return true;
}

static int by_date(const void *a, const void *b)
{
	const struct img_snapshot *x = a, *y = b;

	if (x->seconds != y->seconds)
		return x->seconds < y->seconds ? -1 : 1;
	if (x->nanoseconds != y->nanoseconds)
		return x->nanoseconds < y->nanoseconds ? -1 : 1;
	return strcmp(x->name, y->name);
}

bool img_beside_snapshot_list(const char *disk, struct img_snapshot **out, size_t *n,
			      struct img_err *err)
{
	IMG_AUTO_FREE char *for_dir = img_strdup(disk, err);
	IMG_AUTO_FREE char *for_base = img_strdup(disk, err);
	IMG_AUTO_FREE char *prefix = for_base ? path_of(basename(for_base), "", err) : NULL;
	struct listing list = { 0 };

	if (!for_dir || !prefix)
		return false;
	DIR *dir = opendir(dirname(for_dir));
	if (!dir)
		return img_fail_os(err, _("the folder of %s cannot be read"), disk);
	const bool ok = add_all(&list, dir, prefix, err);

	(void)closedir(dir);	/* was only read */
	if (!ok) {
		img_snapshot_list_free(list.v, list.n);
		return false;
	}
	if (list.n)
		qsort(list.v, list.n, sizeof(*list.v), by_date);
	*out = list.v;
	*n = list.n;
	return true;
}
