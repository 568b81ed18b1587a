/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel asks: one folder, whose files never change their names or lengths.  Called by many
 * threads at once.
 *
 * Two files may show the same bytes, so when they can be written the kernel is not to keep any: it
 * would not know that a write to one has changed the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "imgmount/fuse3.h"
#include "common/system_error.h"
#include "imgmount/imgmount.h"

/* The folder is the root; the files follow it in their order. */
enum { FIRST_FILE = FUSE_ROOT_ID + 1 };

#define TIMEOUT 1.0	/* seconds that attributes hold */

static struct mount *mount_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static struct opened *opened_of(const struct fuse_file_info *fi)
{
	return (struct opened *)(uintptr_t)fi->fh;
}

/* NULL: it is the folder. */
static const struct shown *file_of(const struct mount *mount, fuse_ino_t ino)
{
	return ino < FIRST_FILE ? NULL : &mount->files[ino - FIRST_FILE];
}

/* Ends a request that needs no other answer than whether it was done. */
static void reply(fuse_req_t req, bool ok, const struct img_err *err)
{
	if (!ok)
		session_complain(mount_of(req), err);
	fuse_reply_err(req, ok ? 0 : system_error(err));
}

static void start(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	/* A file that is cut when it is opened must be refused, which O_TRUNC alone does not allow. */
	conn->want &= ~(unsigned)FUSE_CAP_ATOMIC_O_TRUNC;
}

/* ---- Attributes ------------------------------------------------------------------------------ */

/*
 * Owner, times and permissions are those of the image.  So is the room that it takes, as far as it
 * goes: who copies sees by it that there may be holes.
 */
static struct stat attributes(const struct mount *mount, fuse_ino_t ino)
{
	const struct shown *file = file_of(mount, ino);
	struct stat st = { 0 };

	if (stat(mount->path, &st))
		memset(&st, 0, sizeof(st));
	st.st_ino = ino;
	st.st_mode &= file && files_is_writable(mount, file) ? 0666 : 0444;
	st.st_mode |= S_IRUSR;
	if (!file) {
		st.st_mode |= S_IFDIR | (st.st_mode & 0444) >> 2;
		st.st_nlink = 2;
		st.st_size = 0;
		return st;
	}
	st.st_mode |= S_IFREG;
	st.st_nlink = 1;
	st.st_size = (off_t)file->len;
	/* None at all would say that there is nothing but a hole. */
	if (!st.st_blocks)
		st.st_blocks = 1;
	if ((uint64_t)st.st_blocks > file->len / 512)
		st.st_blocks = (blkcnt_t)(file->len / 512);
	return st;
}

static void getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	const struct stat st = attributes(mount_of(req), ino);

	(void)fi;
	fuse_reply_attr(req, &st, TIMEOUT);
}

/* A disk has no end that could be moved, and its owner is that of the image. */
static void setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		    struct fuse_file_info *fi)
{
	const int times = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_CTIME |
			  FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW;
	const struct stat st = attributes(mount_of(req), ino);

	if ((to_set & FUSE_SET_ATTR_SIZE) && attr->st_size == st.st_size)
		to_set &= ~FUSE_SET_ATTR_SIZE;
	if (to_set & ~times)
		fuse_reply_err(req, EPERM);
	else
		getattr(req, ino, fi);
}

/* ---- The folder ------------------------------------------------------------------------------ */

static void lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const struct mount *mount = mount_of(req);

	for (size_t i = 0; parent == FUSE_ROOT_ID && i < mount->n; i++) {
		struct fuse_entry_param entry = {
			.ino = FIRST_FILE + i, .attr_timeout = TIMEOUT, .entry_timeout = TIMEOUT,
		};

		if (strcmp(mount->files[i].name, name))
			continue;
		entry.attr = attributes(mount, entry.ino);
		fuse_reply_entry(req, &entry);
		return;
	}
	fuse_reply_err(req, ENOENT);
}

static const char *entry_name(const struct mount *mount, size_t i)
{
	if (i < 2)
		return i ? ".." : ".";
	return mount->files[i - 2].name;
}

static void readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	const struct mount *mount = mount_of(req);
	char *buf = malloc(size);
	size_t used = 0;

	(void)ino, (void)fi;
	if (!buf) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	for (size_t i = (size_t)off; i < mount->n + 2; i++) {
		const struct stat st = {
			.st_ino = i < 2 ? FUSE_ROOT_ID : FIRST_FILE + i - 2,
			.st_mode = i < 2 ? S_IFDIR : S_IFREG,
		};
		const size_t len = fuse_add_direntry(req, buf + used, size - used,
						     entry_name(mount, i), &st, (off_t)i + 1);

		if (len > size - used)
			break;
		used += len;
	}
	fuse_reply_buf(req, buf, used);
	free(buf);
}

/* ---- Open files ------------------------------------------------------------------------------ */

static void open_file(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct mount *mount = mount_of(req);
	const struct shown *file = file_of(mount, ino);
	const bool write = (fi->flags & O_ACCMODE) != O_RDONLY;
	struct img_err err = { 0 };
	struct opened *op;

	if (!file || (write && !files_is_writable(mount, file))) {
		fuse_reply_err(req, file ? EROFS : EISDIR);
		return;
	}
	op = opened_new(mount, file, write, &err);
	if (!op) {
		reply(req, false, &err);
		return;
	}
	fi->fh = (uintptr_t)op;
	fi->direct_io = files_is_writable(mount, file);
	fi->keep_cache = !fi->direct_io;
	if (fuse_reply_open(req, fi))
		opened_free(mount, op);		/* whoever asked is gone */
}

static void release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	opened_free(mount_of(req), opened_of(fi));
	fuse_reply_err(req, 0);
}

static void flush_image(fuse_req_t req, const struct opened *op)
{
	struct img_err err = { 0 };

	reply(req, !op->write || img_flush(op->im, &err), &err);
}

static void fsync_file(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *fi)
{
	(void)ino, (void)data_only;
	flush_image(req, opened_of(fi));
}

/* close(): tables are in our memory, and nobody may expect to lose a closed file with a process. */
static void flush_file(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	flush_image(req, opened_of(fi));
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

/* How much of size bytes from off on is inside the file. */
static size_t inside(const struct shown *file, size_t size, off_t off)
{
	const uint64_t at = (uint64_t)off;

	if (at >= file->len)
		return 0;
	return size < file->len - at ? size : (size_t)(file->len - at);
}

static void read_file(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		      struct fuse_file_info *fi)
{
	const struct opened *op = opened_of(fi);
	const size_t len = inside(op->file, size, off);
	struct img_err err = { 0 };
	char *buf = malloc(len + 1);

	(void)ino;
	if (!buf)
		fuse_reply_err(req, ENOMEM);
	else if (!img_read(op->im, op->file->start + (uint64_t)off, buf, len, &err))
		reply(req, false, &err);
	else
		fuse_reply_buf(req, buf, len);
	free(buf);
}

static void write_file(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	const struct opened *op = opened_of(fi);
	const size_t len = inside(op->file, size, off);
	struct img_err err = { 0 };

	(void)ino;
	if (size && !len)
		fuse_reply_err(req, ENOSPC);
	else if (!img_write(op->im, op->file->start + (uint64_t)off, buf, len, &err))
		reply(req, false, &err);
	else
		fuse_reply_write(req, len);
}

static void fallocate_file(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t length,
			   struct fuse_file_info *fi)
{
	const struct opened *op = opened_of(fi);
	const size_t len = inside(op->file, (size_t)length, off);
	const int how = mode & ~FALLOC_FL_KEEP_SIZE;
	struct img_err err = { 0 };

	(void)ino;
	if (how != FALLOC_FL_PUNCH_HOLE && how != FALLOC_FL_ZERO_RANGE)
		fuse_reply_err(req, EOPNOTSUPP);
	else if (len < (size_t)length && mode == FALLOC_FL_ZERO_RANGE)
		fuse_reply_err(req, ENOSPC);
	else
		reply(req, img_write_zeros(op->im, op->file->start + (uint64_t)off, len,
					   how == FALLOC_FL_PUNCH_HOLE, &err), &err);
}

static void lseek_file(fuse_req_t req, fuse_ino_t ino, off_t off, int whence,
		       struct fuse_file_info *fi)
{
	const struct opened *op = opened_of(fi);
	struct img_err err = { 0 };
	uint64_t found;

	(void)ino;
	if ((uint64_t)off >= op->file->len)
		fuse_reply_err(req, ENXIO);
	else if (!opened_seek(op, (uint64_t)off, whence == SEEK_DATA, &found, &err))
		reply(req, false, &err);
	else if (whence == SEEK_DATA && found == op->file->len)
		fuse_reply_err(req, ENXIO);
	else
		fuse_reply_lseek(req, (off_t)found);
}

const struct fuse_lowlevel_ops requests = {
	.init = start,
	.lookup = lookup,
	.getattr = getattr,
	.setattr = setattr,
	.readdir = readdir,
	.open = open_file,
	.release = release,
	.read = read_file,
	.write = write_file,
	.flush = flush_file,
	.fsync = fsync_file,
	.fallocate = fallocate_file,
	.lseek = lseek_file,
};
