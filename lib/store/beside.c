/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A name that a file gets late, and must not lose in a crash. */
#include "store/beside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/err.h"
#include "base/mem.h"
#include "store/file.h"
#include "store/rbd-name.h"

char *img_beside_path(const char *path, const char *suffix, struct img_err *err)
{
	struct stat st;
	const bool is_link = !lstat(path, &st) && S_ISLNK(st.st_mode);
	IMG_AUTO_FREE char *real = is_link ? realpath(path, NULL) : NULL;

	if (img_path_is_rbd(path))
		return img_rbd_name_append(path, suffix, err);
	return img_format_text(err, "%s%s", real ? real : path, suffix);
}

static bool fail_exists(struct img_err *err)
{
	return img_fail(err, IMG_E_ARGUMENT,
			_("exists already, and must be a new file"));
}

/* The folder stays open, so that the name means the same whatever happens to the path. */
static bool find_place(struct img_beside *beside, const char *path, struct img_err *err)
{
	IMG_AUTO_FREE char *folder = img_strdup(path, err);
	const char *base = strrchr(path, '/');

	if (!folder)
		return false;
	base = base ? base + 1 : path;
	beside->base = img_strdup(base, err);
	if (!beside->base)
		return false;
	if (!base[0])
		return img_fail(err, IMG_E_ARGUMENT, _("is not the name of a file"));
	folder[base - path] = '\0';
	beside->dir = open(folder[0] ? folder : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return beside->dir >= 0 || img_fail_os(err, _("cannot open its folder"));
}

static bool check_free(const struct img_beside *beside, struct img_err *err)
{
	struct stat sb;

	if (!fstatat(beside->dir, beside->base, &sb, AT_SYMLINK_NOFOLLOW))
		return fail_exists(err);
	return errno == ENOENT || img_fail_os(err, _("cannot look at it"));
}

static bool look_at_place(struct img_beside *beside, struct img_err *err)
{
	return img_path_is_rbd(beside->path) || (find_place(beside, beside->path, err) &&
						 (beside->made || check_free(beside, err)));
}

static struct img_beside *new_beside(const char *path, bool made, struct img_err *err)
{
	struct img_beside *beside = img_calloc(1, sizeof(*beside), err);

	if (!beside)
		return NULL;
	beside->dir = -1;
	beside->made = made;
	beside->path = img_strdup(path, err);
	if (beside->path && look_at_place(beside, err))
		return beside;
	img_within(err, "%s", path);
	img_beside_free(beside);
	return NULL;
}

struct img_beside *img_beside_new(const char *path, struct img_err *err)
{
	return new_beside(path, false, err);
}

struct img_beside *img_beside_old(const char *path, struct img_err *err)
{
	return new_beside(path, true, err);
}

static bool is_absent(const struct img_err *why)
{
	return why->os_errno == ENOENT || why->os_errno == ENAMETOOLONG;
}

bool img_beside_find(const char *name, struct img_store *image, unsigned flags, struct img_store **out,
		     struct img_err *err)
{
	struct img_err why = { 0 };
	bool exists = true;

	*out = NULL;
	if (image && img_path_is_rbd(image->name) && img_path_is_rbd(name) &&
	    !img_store_rbd_has(image, name, &exists, err))
		return false;
	if (!exists)
		return true;
	*out = img_store_path(name, flags | IMG_OPEN_NO_LOCK, IMG_CACHE_WRITEBACK, &why);
	return *out || is_absent(&why) || img_fail(err, why.code, "%s", why.text);
}

static struct img_store *create_image(struct img_beside *beside, struct img_err *err)
{
	beside->image = img_store_rbd_named(beside->path, err);
	beside->made = beside->image;
	return beside->image;
}

static struct img_store *create_file(struct img_beside *beside, struct img_err *err)
{
	/* It holds parts of the image, which others may not be allowed to read. */
	const int fd = openat(beside->dir, beside->base, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct img_file *file;

	if (fd < 0) {
		if (errno == EEXIST)
			fail_exists(err);
		else
			img_fail_os(err, _("cannot make it"));
		img_within(err, "%s", beside->path);
		return NULL;
	}
	beside->made = true;
	file = img_file_wrap(fd, beside->path, IMG_OPEN_WRITE, IMG_CACHE_WRITEBACK, err);
	if (file)
		return &file->st;
	img_beside_remove(beside);
	return NULL;
}

struct img_store *img_beside_create(struct img_beside *beside, struct img_err *err)
{
	return (img_path_is_rbd(beside->path) ? create_image : create_file)(beside, err);
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

bool img_beside_sync(struct img_beside *beside, struct img_store *file, struct img_err *err)
{
	if (img_path_is_rbd(beside->path))
		return true;			/* a cluster answers when it is */
	/* Some folders may be changed but not read, some file systems sync no folders. */
	if (sync_folder(beside->dir) || !syncfs(img_file_of(file)->fd))
		return true;
	img_fail_os(err, _("cannot bring its name to the disk"));
	return img_within(err, "%s", beside->path);
}

void img_beside_remove(struct img_beside *beside)
{
	if (beside->made && beside->image)
		(void)!img_store_rbd_remove(beside->image, NULL);
	else if (beside->made)
		(void)unlinkat(beside->dir, beside->base, 0);	/* is left then, and harmless */
	beside->made = false;
}

bool img_beside_drop(struct img_beside *beside, struct img_store *file, struct img_err *err)
{
	if (img_path_is_rbd(beside->path))
		return img_store_rbd_remove(file, err);
	if (unlinkat(beside->dir, beside->base, 0) && errno != ENOENT)
		return img_fail_os(err, _("%s: cannot be removed"), beside->path);
	beside->made = false;
	return img_beside_sync(beside, file, err);
}

void img_beside_free(struct img_beside *beside)
{
	if (!beside)
		return;
	if (beside->dir >= 0)
		(void)close(beside->dir);		/* was only looked at */
	free(beside->path);
	free(beside->base);
	free(beside);
}
