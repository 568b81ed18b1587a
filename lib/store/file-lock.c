/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Locks that QEMU understands, so that the image of a running virtual machine is left alone.
 *
 * For each permission on an image there are two bytes of the file: whoever uses the permission
 * holds a shared lock on the first, whoever cannot bear that others use it holds one on the second.
 * One first takes one's own locks, then looks whether somebody holds an opposite one.  They belong
 * to the open file description and go when that is closed.
 */
#include "store/file.h"

#include <errno.h>
#include <fcntl.h>
#include "base/err.h"

#define USED_BASE	100	/* + number of the permission: somebody uses it */
#define UNWANTED_BASE	200	/* + number: somebody cannot bear that others use it */
#define LAST_BYTE	299

/* Number 2, writing what is there already, is not used here, and does not disturb. */
enum { CONSISTENT_READ = 0, WRITE = 1, RESIZE = 3 };

struct claim {
	int byte;		/* to be held by us ... */
	int opposite;		/* ... and by nobody else */
	const char *busy;
};

static const struct claim use_read = {
	USED_BASE + CONSISTENT_READ, UNWANTED_BASE + CONSISTENT_READ,
	N_("another process lets nobody read it (QEMU lock on \"consistent read\")"),
};
static const struct claim use_write = {
	USED_BASE + WRITE, UNWANTED_BASE + WRITE,
	N_("is in use by another process (QEMU lock on \"write\")"),
};
static const struct claim use_resize = {
	USED_BASE + RESIZE, UNWANTED_BASE + RESIZE,
	N_("is in use by another process (QEMU lock on \"resize\")"),
};
static const struct claim bar_write = {
	UNWANTED_BASE + WRITE, USED_BASE + WRITE,
	N_("is being written by another process (QEMU lock on \"write\")"),
};
static const struct claim bar_resize = {
	UNWANTED_BASE + RESIZE, USED_BASE + RESIZE,
	N_("may be resized by another process (QEMU lock on \"resize\")"),
};

/* The first that fails is what the user sees. */
static const struct claim *const reader[] = { &bar_write, &bar_resize, &use_read, NULL };
static const struct claim *const writer[] = {
	&bar_write, &bar_resize, &use_write, &use_resize, &use_read, NULL,
};

/* Writers of different parts bear each other; nobody else does. */
static const struct claim *const sharer[] = { &bar_resize, &use_write, &use_read, NULL };

static int set_lock(int fd, short type, int first, int len)
{
	struct flock lock = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = first, .l_len = len,
	};

	return fcntl(fd, F_OFD_SETLK, &lock);
}

/* A file system that knows no locks, or a descriptor that cannot hold them, stops nobody. */
static bool claim_all(int fd, const struct claim *const *claims, bool *locked,
		      struct img_err *err)
{
	for (; *claims; claims++) {
		if (!set_lock(fd, F_RDLCK, (*claims)->byte, 1))
			*locked = true;
		else if (errno == EAGAIN || errno == EACCES)
			return img_fail(err, IMG_E_BUSY, _("is locked by another process"));
	}
	return true;
}

static bool held_by_others(int fd, int byte)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1,
	};

	return !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
}

static bool test_all(int fd, const struct claim *const *claims, struct img_err *err)
{
	for (; *claims; claims++) {
		if (held_by_others(fd, (*claims)->opposite))
			return img_fail(err, IMG_E_BUSY, "%s", _((*claims)->busy));
	}
	return true;
}

bool img_file_lock(int fd, unsigned flags, bool *locked, struct img_err *err)
{
	const bool write = flags & IMG_OPEN_WRITE;
	const bool share = (flags & IMG_OPEN_SHARE_WRITE) == IMG_OPEN_SHARE_WRITE;
	const struct claim *const *claims = share ? sharer : write ? writer : reader;

	if ((!share && (flags & IMG_OPEN_NO_LOCK)) || (!write && (flags & IMG_OPEN_FORCE_SHARE)))
		return true;
	return claim_all(fd, claims, locked, err) && test_all(fd, claims, err);
}

bool img_file_lock_test(int fd, struct img_err *err)
{
	return test_all(fd, writer, err);
}

void img_file_unlock(int fd)
{
	(void)set_lock(fd, F_UNLCK, USED_BASE, LAST_BYTE + 1 - USED_BASE);	/* had them */
}
