/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The name of an undo file, which it gets late, and must not lose in a crash. */
#include "store/undo.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/err.h"
#include "base/mem.h"
#include "store/file.h"

static bool fail_exists(struct img_err *err)
{
	return img_fail(err, IMG_E_ARGUMENT,
			_("exists already; an undo file must be a new one"));
}

/* The folder stays open, so that the name means the same whatever happens to the path. */
static bool find_place(struct img_undo_name *name, const char *path, struct img_err *err)
{
	IMG_AUTO_FREE char *folder = img_strdup(path, err);
	const char *base = strrchr(path, '/');
	struct stat sb;

	if (!folder)
		return false;
	base = base ? base + 1 : path;
	name->base = img_strdup(base, err);
	if (!name->base)
		return false;
	if (!base[0])
		return img_fail(err, IMG_E_ARGUMENT, _("is not the name of a file"));
	folder[base - path] = '\0';
	name->dir = open(folder[0] ? folder : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (name->dir < 0)
		return img_fail_os(err, _("cannot open its folder"));
	if (!fstatat(name->dir, base, &sb, AT_SYMLINK_NOFOLLOW))
		return fail_exists(err);
	return errno == ENOENT || img_fail_os(err, _("cannot look at it"));
}

struct img_undo_name *img_undo_name_new(const char *path, struct img_err *err)
{
	struct img_undo_name *name = img_calloc(1, sizeof(*name), err);

	if (!name)
		return NULL;
	name->dir = -1;
	name->path = img_strdup(path, err);
	if (name->path && find_place(name, path, err))
		return name;
	img_within(err, "%s", path);
	img_undo_name_free(name);
	return NULL;
}

struct img_store *img_undo_name_create(struct img_undo_name *name, struct img_err *err)
{
	/* It holds parts of the image, which others may not be allowed to read. */
	const int fd = openat(name->dir, name->base, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct img_file *file;

	if (fd < 0) {
		if (errno == EEXIST)
			fail_exists(err);
		else
			img_fail_os(err, _("cannot make an undo file"));
		img_within(err, "%s", name->path);
		return NULL;
	}
	name->made = true;
	file = img_file_wrap(fd, name->path, IMG_OPEN_WRITE, IMG_CACHE_WRITEBACK, err);
	if (file)
		return &file->st;
	img_undo_name_remove(name);
	return NULL;
}

static bool sync_folder(int dir)
{
	const int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const bool done = fd >= 0 && !fsync(fd);
	const int why = errno;

	if (fd >= 0)
		(void)close(fd);	/* was only read */
	errno = why;
	return done;
}

bool img_undo_name_sync(struct img_undo_name *name, struct img_store *file, struct img_err *err)
{
	/* Some folders may be changed but not read, some file systems sync no folders. */
	if (sync_folder(name->dir) || !syncfs(img_file_of(file)->fd))
		return true;
	img_fail_os(err, _("cannot bring its name to the disk"));
	return img_within(err, "%s", name->path);
}

void img_undo_name_remove(struct img_undo_name *name)
{
	if (name->made)
		(void)unlinkat(name->dir, name->base, 0);	/* is left then, and harmless */
	name->made = false;
}

void img_undo_name_free(struct img_undo_name *name)
{
	if (!name)
		return;
	if (name->dir >= 0)
		(void)close(name->dir);		/* was only looked at */
	free(name->path);
	free(name->base);
	free(name);
}
