/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * New files.  Until a new file is published it has no name at all (O_TMPFILE), so that a killed
 * program leaves nothing; where the file system cannot do that, it has a hidden name beside the
 * target.  The target itself stays as it is until then.
 */
#include "store/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/err.h"
#include "base/mem.h"
#include "store/fdio.h"

#define MAX_LINKS 40	/* as the kernel has it */

struct img_new_name {
	int dir;		/* where the file is, and will be */
	char *target;		/* name in dir */
	char hidden[48];	/* name in dir while it is written; empty: none */
	bool swapped;		/* ... and now of the file whose place it has */
};

static void leave_place(struct img_new_name *name)
{
	if (name->dir >= 0)
		(void)close(name->dir);		/* was only looked at */
	free(name->target);
}

void img_new_name_free(struct img_new_name *name)
{
	if (!name)
		return;
	if (name->hidden[0])
		(void)unlinkat(name->dir, name->hidden, 0);	/* nobody to tell */
	leave_place(name);
	free(name);
}

/* A name that nothing in a folder has: 64 random bits. */
static bool make_hidden_name(struct img_new_name *name, struct img_err *err)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return img_fail_os(err, _("cannot get random numbers"));
	(void)snprintf(name->hidden, sizeof(name->hidden), ".imgtools-%016llx.part",
		       (unsigned long long)number);
	return true;
}

/* The place that a symbolic link names, as seen from the folder of the link; frees path. */
static char *follow(char *path, const char *link, struct img_err *err)
{
	const char *slash = strrchr(path, '/');
	char *next;

	if (link[0] == '/' || !slash)
		next = img_strdup(link, err);
	else
		next = img_format_text(err, "%.*s%s", (int)(slash + 1 - path), path, link);
	free(path);
	return next;
}

/* path, with symbolic links at its end followed, also when nothing is behind them yet. */
static char *follow_links(const char *path, struct img_err *err)
{
	char *at = img_strdup(path, err);
	char link[PATH_MAX];

	for (int n = 0; at && n < MAX_LINKS; n++) {
		const ssize_t len = readlink(at, link, sizeof(link) - 1);

		if (len < 0)	/* no link, or nothing there */
			return at;
		link[len] = '\0';
		at = follow(at, link, err);
	}
	if (!at)
		return NULL;
	free(at);
	errno = ELOOP;
	img_fail_os(err, _("cannot follow its links"));
	return NULL;
}

/* Splits path in an open folder and a name. */
static bool find_place(const char *path, struct img_new_name *name, struct img_err *err)
{
	IMG_AUTO_FREE char *final = follow_links(path, err);
	char *slash;

	if (!final)
		return false;
	slash = strrchr(final, '/');
	name->target = img_strdup(slash ? slash + 1 : final, err);
	if (!name->target)
		return false;
	if (!name->target[0])
		return img_fail(err, IMG_E_ARGUMENT, _("is not the name of a file"));
	if (slash)
		slash[slash == final ? 1 : 0] = '\0';
	name->dir = open(slash ? final : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return name->dir >= 0 || img_fail_os(err, _("cannot open its folder"));
}

static bool look_at_place(const char *path, struct img_new_name *name, struct stat *folder)
{
	*name = (struct img_new_name){ .dir = -1 };
	return find_place(path, name, NULL) && !fstat(name->dir, folder);
}

/* Whether a file that is made at either path, where nothing is yet, gets the same name. */
static bool same_new_place(const char *a, const char *b)
{
	struct img_new_name at_a, at_b = { .dir = -1 };
	struct stat in_a, in_b;
	const bool same = look_at_place(a, &at_a, &in_a) && look_at_place(b, &at_b, &in_b) &&
			  in_a.st_dev == in_b.st_dev && in_a.st_ino == in_b.st_ino &&
			  !strcmp(at_a.target, at_b.target);

	leave_place(&at_a);
	leave_place(&at_b);
	return same;
}

bool img_path_same(const char *a, const char *b)
{
	struct stat sa, sb;
	bool is_a, is_b;

	if (img_path_is_uri(a) || img_path_is_uri(b))
		return !strcmp(a, b);
	is_a = !stat(a, &sa);
	is_b = !stat(b, &sb);
	if (!is_a && !is_b)
		return same_new_place(a, b);
	if (!is_a || !is_b)
		return false;
	/* A device has as many names as somebody made. */
	if (S_ISBLK(sa.st_mode) && S_ISBLK(sb.st_mode))
		return sa.st_rdev == sb.st_rdev;
	return S_ISREG(sa.st_mode) && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* Whether what has the name may be replaced; *old tells what it is, st_nlink 0: nothing. */
static bool look_at_old(const struct img_new_name *name, struct stat *old, struct img_err *err)
{
	bool ok;
	int fd;

	*old = (struct stat){ 0 };
	if (fstatat(name->dir, name->target, old, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT || img_fail_os(err, _("cannot look at it"));
	if (!S_ISREG(old->st_mode))
		return img_fail(err, IMG_E_ARGUMENT,
				_("exists, and is not a file that can be replaced"));
	/* Who may not write to a file shall not replace it either, though the folder allows it. */
	fd = openat(name->dir, name->target, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return img_fail_os(err, _("cannot be replaced"));
	ok = img_file_lock_test(fd, err);
	(void)close(fd);	/* nothing was written */
	return ok;
}

/* A file without a name that can get one later; that goes through /proc. */
static int open_nameless(int dir, int flags)
{
	const int fd = openat(dir, ".", O_TMPFILE | flags, 0666);
	char link[32];

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (fd < 0 || !access(link, F_OK))
		return fd;
	(void)close(fd);
	return -1;
}

static int open_new(struct img_new_name *name, enum img_cache cache, struct img_err *err)
{
	const int flags = O_RDWR | img_file_open_flags(cache);
	int fd = open_nameless(name->dir, flags);

	if (fd >= 0)
		return fd;
	if (!make_hidden_name(name, err))
		return -1;
	fd = openat(name->dir, name->hidden, flags | O_CREAT | O_EXCL, 0666);
	if (fd >= 0)
		return fd;
	name->hidden[0] = '\0';
	if (errno == EINVAL && img_file_is_direct(cache))
		img_fail(err, IMG_E_UNSUPPORTED,
			 _("this file system has no direct I/O; use another cache mode"));
	else
		img_fail_os(err, _("cannot make a file in its folder"));
	return -1;
}

/* As far as the system lets us: another user's file stays theirs for root only. */
static void dress_like(int fd, const struct stat *old)
{
	mode_t mode = old->st_mode & 0777;

	if (old->st_nlink == 0)
		return;
	if (fchown(fd, old->st_uid, old->st_gid))
		mode &= ~(mode_t)S_IRWXG | ((mode & S_IRWXO) << 3);	/* not that group */
	(void)fchmod(fd, mode);		/* else the mode of a new file will do */
}

static struct img_file *make_file(struct img_new_name *name, const char *shown_as,
				  enum img_cache cache, struct img_err *err)
{
	const int fd = open_new(name, cache, err);
	struct img_file *file;

	if (fd < 0) {
		img_within(err, "%s", shown_as);
		return NULL;
	}
	file = img_file_wrap(fd, shown_as, IMG_OPEN_WRITE | IMG_OPEN_NO_LOCK, cache, err);
	if (file)
		file->st.caps |= IMG_STORE_FRESH;
	return file;
}

struct img_store *img_store_file_new(const char *path, enum img_cache cache, struct img_err *err)
{
	struct img_new_name *name = img_calloc(1, sizeof(*name), err);
	struct img_file *file = NULL;
	struct stat old;

	if (!name)
		return NULL;
	name->dir = -1;
	if (cache == IMG_CACHE_DEFAULT)
		cache = IMG_CACHE_UNSAFE;
	if (find_place(path, name, err) && look_at_old(name, &old, err))
		file = make_file(name, path, cache, err);
	else
		img_within(err, "%s", path);
	if (!file) {
		img_new_name_free(name);
		return NULL;
	}
	dress_like(file->fd, &old);
	file->new_name = name;
	return &file->st;
}

/* All of the file open in source, by the file system alone. */
static bool share_all(int fd, int source, struct img_err *err)
{
	if (!ioctl(fd, FICLONE, source))
		return true;
	if (errno == EOPNOTSUPP || errno == EXDEV || errno == EINVAL || errno == ENOTTY)
		return img_fail(err, IMG_E_UNSUPPORTED, _("the file system cannot share blocks"));
	return img_fail_os(err, _("cannot share blocks"));
}

static bool clone_into(struct img_file *file, int source, const struct stat *like,
		       struct img_err *err)
{
	dress_like(file->fd, like);
	return share_all(file->fd, source, err) && img_new_name_publish(file, err);
}

/* Whether the name may be taken; *like becomes what has it, if something may. */
static bool check_place(const struct img_new_name *name, bool replace, struct stat *like,
			struct img_err *err)
{
	struct stat old;

	if (fstatat(name->dir, name->target, &old, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT || img_fail_os(err, _("cannot look at it"));
	if (!replace || !S_ISREG(old.st_mode))
		return img_fail(err, IMG_E_ARGUMENT,
				_("exists, and is not a file that can be replaced"));
	*like = old;
	return true;
}

bool img_file_clone(const char *from, const char *to, bool replace, struct img_err *err)
{
	struct img_new_name *name = img_calloc(1, sizeof(*name), err);
	const int source = name ? open(from, O_RDONLY | O_CLOEXEC) : -1;
	struct img_file *file = NULL;
	struct stat like;
	bool ok = false;

	if (!name)
		return false;
	name->dir = -1;
	if (source < 0 || fstat(source, &like))
		img_fail_os(err, "%s", from);
	else if (find_place(to, name, err) && check_place(name, replace, &like, err))
		file = make_file(name, to, IMG_CACHE_WRITEBACK, err);
	if (file) {
		file->new_name = name;
		ok = clone_into(file, source, &like, err);
		img_store_close(&file->st);
	} else {
		img_new_name_free(name);
	}
	if (source >= 0)
		(void)close(source);	/* was only read */
	return ok || img_within(err, "%s", to);
}

struct img_store *img_store_temporary(const char *dir, struct img_err *err)
{
	const char *from_user = secure_getenv("TMPDIR");
	struct img_new_name name = { .dir = -1 };
	struct img_file *file = NULL;

	if (!dir)
		dir = from_user && from_user[0] ? from_user : "/var/tmp";
	name.dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (name.dir < 0) {
		img_fail_os(err, _("%s: cannot open the folder for temporary files"), dir);
		return NULL;
	}
	file = make_file(&name, dir, IMG_CACHE_UNSAFE, err);
	if (name.hidden[0])
		(void)unlinkat(name.dir, name.hidden, 0);	/* else it is left, no harm */
	(void)close(name.dir);	/* was only looked at */
	return file ? &file->st : NULL;
}

/* Gives a nameless file `as`, which must not exist. */
static bool give_name(const struct img_file *file, const char *as)
{
	char link[32];

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", file->fd);
	return !linkat(AT_FDCWD, link, file->new_name->dir, as, AT_SYMLINK_FOLLOW);
}

static bool take_hidden_name(struct img_file *file, struct img_err *err)
{
	struct img_new_name *name = file->new_name;

	if (name->hidden[0])
		return true;
	if (!make_hidden_name(name, err))
		return false;
	if (give_name(file, name->hidden))
		return true;
	name->hidden[0] = '\0';
	return img_fail_os(err, _("cannot get a name"));
}

/* In one step, and a killed program leaves either the old file or the new one. */
static bool take_name(struct img_file *file, struct img_err *err)
{
	struct img_new_name *name = file->new_name;

	if (!name->hidden[0]) {
		if (give_name(file, name->target))
			return true;
		if (errno != EEXIST)
			return img_fail_os(err, _("cannot get its name"));
		if (!take_hidden_name(file, err))
			return false;
	}
	if (renameat(name->dir, name->hidden, name->dir, name->target))
		return img_fail_os(err, _("cannot get its name"));
	name->hidden[0] = '\0';
	return true;
}

/* All that the system has put off until close() comes out now, while it can still be told. */
static bool flush(const struct img_file *file, struct img_err *err)
{
	const int twin = dup(file->fd);

	if (twin < 0 || close(twin))
		return img_fail_os(err, _("cannot write all of it"));
	if (file->st.cache == IMG_CACHE_UNSAFE || !fsync(file->fd))
		return true;
	return img_fail_os(err, _("cannot bring the data to the disk"));
}

static bool flush_folder(const struct img_file *file, struct img_err *err)
{
	int fd;
	bool ok;

	if (file->st.cache == IMG_CACHE_UNSAFE)
		return true;
	fd = openat(file->new_name->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == EACCES)	/* may be entered and changed, but not read */
		return true;
	ok = fd >= 0 && !fsync(fd);
	if (!ok)
		img_fail_os(err, _("cannot bring its name to the disk"));
	if (fd >= 0)
		(void)close(fd);	/* was only read */
	return ok;
}

/* It is in its place, and nothing of it has another name. */
static void settle(struct img_file *file)
{
	img_new_name_free(file->new_name);
	file->new_name = NULL;
	file->st.caps &= ~(unsigned)IMG_STORE_FRESH;
}

bool img_new_name_publish(struct img_file *file, struct img_err *err)
{
	if (!flush(file, err) || !take_name(file, err) || !flush_folder(file, err))
		return false;
	settle(file);
	return true;
}

/* ---- One of several, which all get their names or none ------------------------------------------- */

bool img_new_name_prepare(struct img_file *file, struct img_err *err)
{
	return img_file_give_back(file, err) && flush(file, err) && take_hidden_name(file, err);
}

static bool rename_as(const struct img_new_name *name, const char *from, const char *to, unsigned how)
{
	return !renameat2(name->dir, from, name->dir, to, how);
}

bool img_new_name_place(struct img_file *file, struct img_err *err)
{
	struct img_new_name *name = file->new_name;

	name->swapped = rename_as(name, name->hidden, name->target, RENAME_EXCHANGE);
	if (name->swapped)
		return true;
	/* Nothing is there yet; or the file system cannot do that, and what is there is lost. */
	return ((errno == ENOENT || errno == EINVAL || errno == ENOSYS) &&
		rename_as(name, name->hidden, name->target, 0)) ||
	       img_fail_os(err, _("cannot get its name"));
}

void img_new_name_withdraw(struct img_file *file)
{
	struct img_new_name *name = file->new_name;

	if (!name->swapped)
		(void)rename_as(name, name->target, name->hidden, RENAME_NOREPLACE);
	else if (rename_as(name, name->hidden, name->target, RENAME_EXCHANGE))
		name->swapped = false;
	else
		name->hidden[0] = '\0';		/* the old file keeps the name that it has */
}

bool img_new_name_settle(struct img_file *file, struct img_err *err)
{
	struct img_new_name *name = file->new_name;

	if (name->swapped)
		(void)unlinkat(name->dir, name->hidden, 0);	/* what is left is no part of the image */
	name->hidden[0] = '\0';
	if (!flush_folder(file, err))
		return false;
	settle(file);
	return true;
}
