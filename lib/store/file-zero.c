/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ranges of a file that become zeros, or get space, without bytes being written. */
#include "store/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include "base/err.h"
#include "base/num.h"
#include "store/fdio.h"
#include "store/zeros.h"

/* Block devices zero whole sectors only, and the largest sector is as long as this. */
#define SECTOR_BYTES 4096

/* A hole that was punched at the end, or behind it, does not make the file longer. */
static bool reach(struct img_file *file, uint64_t end)
{
	struct stat sb;

	if (file->is_block)
		return true;
	if (fstat(file->fd, &sb))
		return false;
	/* A byte and not ftruncate(), which could cut off what another thread has just written. */
	return (uint64_t)sb.st_size >= end || img_direct_write(file, end - 1, "", 1);
}

/* false with an errno for which img_fd_unsupported() holds: the bytes have to be written. */
static bool zero_by_system(struct img_file *file, uint64_t at, uint64_t len, bool keep_space)
{
	if (!keep_space &&
	    img_fd_allocate(file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, len))
		return reach(file, at + len);
	if (!keep_space && !img_fd_unsupported(errno))
		return false;
	img_direct_reaches(file, at + len);
	return img_fd_allocate(file->fd, FALLOC_FL_ZERO_RANGE, at, len);
}

static bool zero_range(struct img_file *file, uint64_t at, uint64_t len, bool keep_space,
		       struct img_err *err)
{
	if (len == 0 || zero_by_system(file, at, len, keep_space))
		return true;
	if (img_fd_unsupported(errno))
		return img_store_write_zeros(&file->st, at, len, err);
	return img_fail_os(err, _("cannot zero %" PRIu64 " bytes at offset %" PRIu64), len, at);
}

/* What is zeroed as a whole; beside parts of it direct I/O may be putting back what it has read. */
static uint64_t grain_of(const struct img_file *file)
{
	return img_max_u64(file->is_block ? SECTOR_BYTES : 1, file->st.align);
}

bool img_file_zero(struct img_store *st, uint64_t at, uint64_t len, bool keep_space,
		   struct img_err *err)
{
	struct img_file *file = (struct img_file *)st;
	const uint64_t grain = grain_of(file);
	const uint64_t start = img_min_u64(img_round_up(at, grain), at + len);
	const uint64_t end = img_max_u64(img_round_down(at + len, grain), start);

	return img_store_write_zeros(st, at, start - at, err) &&
	       zero_range(file, start, end - start, keep_space, err) &&
	       img_store_write_zeros(st, end, at + len - end, err);
}

bool img_file_preallocate(struct img_store *st, uint64_t at, uint64_t len,
			  enum img_preallocation how, struct img_err *err)
{
	struct img_file *file = (struct img_file *)st;

	img_direct_reaches(file, at + len);
	if (img_fd_allocate(file->fd, 0, at, len))
		return true;
	if (!img_fd_unsupported(errno))
		return img_fail_os(err, _("cannot set aside %" PRIu64 " bytes at offset %" PRIu64),
				   len, at);
	if (how == IMG_PREALLOC_FULL)
		return img_store_write_zeros(st, at, len, err);
	return img_fail(err, IMG_E_UNSUPPORTED, _("the file system cannot set space aside"));
}

bool img_file_reserve(struct img_store *st, uint64_t at, uint64_t len, struct img_err *err)
{
	struct img_file *file = (struct img_file *)st;

	return file->is_block || img_fd_allocate(file->fd, FALLOC_FL_KEEP_SIZE, at, len) ||
	       img_fd_unsupported(errno) ||
	       img_fail_os(err, _("cannot set aside %" PRIu64 " bytes at offset %" PRIu64), len, at);
}
