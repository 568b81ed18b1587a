/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes that go from file to file without passing through here: shared blocks (XFS, btrfs ...), or
 * copied by the server of a network file system.  On local file systems the kernel's own copying
 * is no faster than reading and writing, and it knows nothing of zeros; so that is left to callers.
 */
#include "store/file.h"

#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "base/num.h"

/* linux/magic.h lacks it. */
#define CIFS_MAGIC 0xff534d42

static bool share(const struct img_file *to, uint64_t at, const struct img_file *from,
		  uint64_t from_at, uint64_t len)
{
	const struct file_clone_range range = {
		.src_fd = from->fd, .src_offset = from_at, .src_length = len, .dest_offset = at,
	};

	return !ioctl(to->fd, FICLONERANGE, &range);
}

/* Whole blocks can be shared, and the end of the source wherever it is. */
static uint64_t share_blocks(const struct img_file *to, uint64_t at, const struct img_file *from,
			     uint64_t from_at, uint64_t len, uint64_t block)
{
	const uint64_t whole = img_round_down(len, block);

	if (at % block || from_at % block)
		return 0;
	if (share(to, at, from, from_at, len))
		return len;
	if (whole == len || whole == 0)
		return 0;
	return share(to, at, from, from_at, whole) ? whole : 0;
}

static bool is_on_server(const struct statfs *fs)
{
	switch ((unsigned long)fs->f_type & 0xffffffff) {
	case NFS_SUPER_MAGIC:
	case SMB2_SUPER_MAGIC:
	case CIFS_MAGIC:
	case CEPH_SUPER_MAGIC:
		return true;
	default:
		return false;
	}
}

static uint64_t copy_on_server(const struct img_file *to, uint64_t at,
			       const struct img_file *from, uint64_t from_at, uint64_t len)
{
	off_t in = (off_t)from_at, out = (off_t)at;
	uint64_t done = 0;

	while (done < len) {
		const ssize_t n = copy_file_range(from->fd, &in, to->fd, &out, len - done, 0);

		if (n <= 0)	/* what is left is moved by hand, and an error met there */
			break;
		done += (uint64_t)n;
	}
	return done;
}

bool img_file_copy(struct img_store *st, uint64_t at, struct img_store *from, uint64_t from_at,
		   uint64_t len, uint64_t *done, struct img_err *err)
{
	struct img_file *to = (struct img_file *)st;
	const struct img_file *source = img_file_of(from);
	struct statfs fs;

	(void)err;	/* a copy that fails is no error: the bytes are moved */
	*done = 0;
	if (!source || fstatfs(to->fd, &fs) || fs.f_bsize <= 0 || !img_is_pow2((uint64_t)fs.f_bsize))
		return true;
	img_direct_reaches(to, at + len);
	*done = share_blocks(to, at, source, from_at, len, (uint64_t)fs.f_bsize);
	if (*done > 0)		/* space set aside would only be thrown away */
		atomic_store(&to->ahead.end, UINT64_MAX);
	else if (is_on_server(&fs))
		*done = copy_on_server(to, at, source, from_at, len);
	return true;
}
