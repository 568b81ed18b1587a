/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files and block devices: opening, and the operations that are a system call each.  What takes
 * more thought is in the other file-*.c.
 */
#include "store/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/err.h"
#include "base/mem.h"
#include "store/fdio.h"

struct img_file *img_file_of(struct img_store *st)
{
	return st->ops == &img_file_ops ? (struct img_file *)st : NULL;
}

static bool file_size(struct img_store *st, uint64_t *bytes, struct img_err *err)
{
	const struct img_file *file = (struct img_file *)st;
	struct stat sb;

	if (file->is_block) {
		*bytes = file->block_size;
		return true;
	}
	if (fstat(file->fd, &sb))
		return img_fail_os(err, _("cannot get the size"));
	*bytes = (uint64_t)sb.st_size;
	return true;
}

static bool file_time(struct img_store *st, int64_t *seconds, struct img_err *err)
{
	struct stat sb;

	if (fstat(((struct img_file *)st)->fd, &sb))
		return img_fail_os(err, _("cannot get the time of the last change"));
	*seconds = sb.st_mtime;
	return true;
}

static bool file_read(struct img_store *st, uint64_t at, void *buf, size_t len, size_t *got,
		      struct img_err *err)
{
	const ssize_t n = img_direct_read((struct img_file *)st, at, buf, len);

	if (n < 0)
		return img_fail_os(err, _("cannot read %zu bytes at offset %" PRIu64), len, at);
	*got = (size_t)n;
	return true;
}

static bool file_write(struct img_store *st, uint64_t at, const void *buf, size_t len,
		       struct img_err *err)
{
	return img_direct_write((struct img_file *)st, at, buf, len) ||
	       img_fail_os(err, _("cannot write %zu bytes at offset %" PRIu64), len, at);
}

static bool file_resize(struct img_store *st, uint64_t bytes, struct img_err *err)
{
	return img_direct_truncate((struct img_file *)st, bytes) ||
	       img_fail_os(err, _("cannot change the size to %" PRIu64 " bytes"), bytes);
}

/* A place behind the longest file that there can be is refused, and nobody uses the offset. */
bool img_file_can_reach(struct img_store *st, uint64_t end, struct img_err *err)
{
	const struct img_file *file = img_file_of(st);

	if (!file || file->is_block || file->adopted ||
	    (end <= INT64_MAX && lseek(file->fd, (off_t)end, SEEK_SET) >= 0))
		return true;
	errno = EFBIG;
	img_fail_os(err, _("cannot change the size to %" PRIu64 " bytes"), end);
	return img_within(err, "%s", st->name);
}

static bool file_sync(struct img_store *st, struct img_err *err)
{
	const struct img_file *file = (struct img_file *)st;

	return !fdatasync(file->fd) || img_fail_os(err, _("cannot bring the data to the disk"));
}

static bool file_publish(struct img_store *st, struct img_err *err)
{
	struct img_file *file = (struct img_file *)st;

	if (!img_file_give_back(file, err))
		return false;
	if (file->new_name)
		return img_new_name_publish(file, err);
	/* As if the bytes had been written one after the other: who comes next writes behind. */
	if (file->adopted && lseek(file->fd, 0, SEEK_END) < 0)
		return img_fail_os(err, _("cannot seek to the end"));
	return img_store_sync(st, err);
}

static void file_close(struct img_store *st)
{
	struct img_file *file = (struct img_file *)st;

	img_new_name_free(file->new_name);
	if (file->locked)	/* an adopted fd would keep them */
		img_file_unlock(file->fd);
	img_direct_close(file);
	pthread_mutex_destroy(&file->ahead.lock);
	pthread_mutex_destroy(&file->data.lock);
	(void)close(file->fd);	/* whoever cares has synced or published, which reports */
	free(file);
}

const struct img_store_ops img_file_ops = {
	.kind = "file",
	.size = file_size,
	.time = file_time,
	.read = file_read,
	.write = file_write,
	.zero = img_file_zero,
	.extent = img_file_extent,
	.resize = file_resize,
	.preallocate = img_file_preallocate,
	.reserve = img_file_reserve,
	.expect = img_file_expect,
	.expect_run = img_file_expect_run,
	.sync = file_sync,
	.copy = img_file_copy,
	.publish = file_publish,
	.close = file_close,
};

bool img_file_is_direct(enum img_cache cache)
{
	return cache == IMG_CACHE_NONE || cache == IMG_CACHE_DIRECTSYNC;
}

int img_file_open_flags(enum img_cache cache)
{
	const bool durable = cache == IMG_CACHE_WRITETHROUGH || cache == IMG_CACHE_DIRECTSYNC;

	return O_CLOEXEC | O_NOCTTY | (img_file_is_direct(cache) ? O_DIRECT : 0) |
	       (durable ? O_DSYNC : 0);
}

/* What is behind fd, and what it can do. */
static bool look_at(struct img_file *file, unsigned flags, struct img_err *err)
{
	struct stat sb;

	if (fstat(file->fd, &sb))
		return img_fail_os(err, _("cannot look at it"));
	if (S_ISDIR(sb.st_mode))
		return img_fail(err, IMG_E_ARGUMENT, _("is a directory"));
	file->is_block = S_ISBLK(sb.st_mode);
	if (!file->is_block && !S_ISREG(sb.st_mode))
		return img_fail(err, IMG_E_ARGUMENT, _("is neither a file nor a block device"));
	if (file->is_block && ioctl(file->fd, BLKGETSIZE64, &file->block_size))
		return img_fail_os(err, _("cannot get the size of the device"));
	file->st.caps = IMG_STORE_SEEK | IMG_STORE_PARALLEL |
			(file->is_block ? IMG_STORE_DEVICE : IMG_STORE_EXTENTS);
	if (flags & IMG_OPEN_WRITE)
		file->st.caps |= IMG_STORE_WRITE | IMG_STORE_ZERO |
				 (file->is_block ? 0 : IMG_STORE_RESIZE);
	return true;
}

struct img_file *img_file_wrap(int fd, const char *shown_as, unsigned flags, enum img_cache cache,
			       struct img_err *err)
{
	struct img_file *file = img_calloc(1, sizeof(*file), err);

	if (!file) {
		(void)close(fd);	/* nothing was written */
		return NULL;
	}
	file->fd = fd;
	file->st = (struct img_store){ .ops = &img_file_ops, .align = 1, .cache = cache };
	pthread_mutex_init(&file->ahead.lock, NULL);
	pthread_mutex_init(&file->direct.lock, NULL);
	pthread_mutex_init(&file->data.lock, NULL);
	file->st.name = img_strdup(shown_as, err);
	if (file->st.name && look_at(file, flags, err) &&
	    img_file_lock(fd, flags, &file->locked, err) && img_direct_open(file, err))
		return file;
	img_store_close(&file->st);
	img_within(err, "%s", shown_as);
	return NULL;
}

struct img_store *img_store_file(const char *path, unsigned flags, enum img_cache cache,
				 struct img_err *err)
{
	/* Not to hang at a FIFO; files and block devices do not care. */
	const int how = O_NONBLOCK | img_file_open_flags(cache) |
			((flags & IMG_OPEN_WRITE) ? O_RDWR : O_RDONLY);
	const int fd = open(path, how);
	struct img_file *file;

	if (fd < 0 && errno == EINVAL && (how & O_DIRECT)) {
		img_fail(err, IMG_E_UNSUPPORTED,
			 _("%s: this file system has no direct I/O; use another cache mode"),
			 path);
		return NULL;
	}
	if (fd < 0) {
		img_fail_os(err, _("%s: cannot open"), path);
		return NULL;
	}
	if (cache == IMG_CACHE_DEFAULT)
		cache = IMG_CACHE_WRITEBACK;
	file = img_file_wrap(fd, path, flags, cache, err);
	return file ? &file->st : NULL;
}

bool img_store_same_owner(struct img_store *st, const char *path)
{
	const struct img_file *file = img_file_of(st);
	struct stat own, other;

	if (!file)
		return img_path_is_rbd(st->name);
	return !fstat(file->fd, &own) &&
	       (own.st_uid == geteuid() || (!stat(path, &other) && own.st_uid == other.st_uid));
}
