/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Direct I/O moves whole, aligned blocks; callers move what they like.  Aligned requests go
 * through untouched.  Others pass through a bounce buffer, and a block that a write covers only in
 * part is read, changed and written under a lock, so that two writers of one block both win.
 */
#include "store/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include "base/err.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "store/fdio.h"

#define BOUNCE_BYTES (1024 * 1024)
/* Enough for every disk in use, where the kernel does not say. */
#define BLOCK_BYTES 4096

/* What the kernel wants requests of fd to be multiples of; 0: it has no direct I/O. */
static uint32_t block_of(int fd)
{
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &sx) || !(sx.stx_mask & STATX_DIOALIGN))
		return BLOCK_BYTES;
	return (uint32_t)img_max_u64(sx.stx_dio_offset_align, sx.stx_dio_mem_align);
}

bool img_direct_open(struct img_file *file, struct img_err *err)
{
	struct stat sb;

	if (!img_file_is_direct(file->st.cache))
		return true;
	file->st.align = block_of(file->fd);
	if (!img_is_pow2(file->st.align) || file->st.align > BOUNCE_BYTES)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("has no direct I/O; use another cache mode"));
	if (fstat(file->fd, &sb))
		return img_fail_os(err, _("cannot get the size"));
	file->direct.end = file->is_block ? file->block_size : (uint64_t)sb.st_size;
	file->direct.block = img_alloc_aligned(img_max_u64(file->st.align, IMG_MEM_ALIGN), err);
	return file->direct.block != NULL;
}

void img_direct_close(struct img_file *file)
{
	free(file->direct.block);
	pthread_mutex_destroy(&file->direct.lock);
}

static bool is_aligned(const struct img_file *file, uint64_t at, const void *buf)
{
	return ((at | (uintptr_t)buf) & (file->st.align - 1)) == 0;
}

static uint8_t *new_bounce(size_t bytes)
{
	uint8_t *bounce = img_alloc_aligned(bytes, NULL);

	if (!bounce)
		errno = ENOMEM;
	return bounce;
}

/* Reads the blocks that hold [at, at + len) and copies out of them. */
static ssize_t read_bounced(struct img_file *file, uint64_t at, uint8_t *buf, size_t len)
{
	const uint32_t align = file->st.align;
	const size_t room = img_min_u64(BOUNCE_BYTES, img_round_up(len, align) + align);
	IMG_AUTO_FREE uint8_t *bounce = new_bounce(room);
	size_t done = 0;

	if (!bounce)
		return -1;
	while (done < len) {
		const size_t skip = (at + done) % align;
		const size_t want = img_min_u64(room, img_round_up(skip + len - done, align));
		const ssize_t n = img_fd_read_at(file->fd, at + done - skip, bounce, want, align);

		if (n < 0)
			return -1;
		if ((size_t)n <= skip)
			break;
		const size_t part = img_min_u64((size_t)n - skip, len - done);

		memcpy(buf + done, bounce + skip, part);
		done += part;
		if ((size_t)n < want)
			break;
	}
	return (ssize_t)done;
}

ssize_t img_direct_read(struct img_file *file, uint64_t at, void *buf, size_t len)
{
	const uint32_t align = file->st.align;
	const size_t whole = is_aligned(file, at, buf) ? img_round_down(len, align) : 0;
	ssize_t first, rest;

	first = img_fd_read_at(file->fd, at, buf, whole, align);
	if (first < (ssize_t)whole || whole == len)
		return first;
	rest = read_bounced(file, at + whole, (uint8_t *)buf + whole, len - whole);
	return rest < 0 ? -1 : first + rest;
}

void img_direct_reaches(struct img_file *file, uint64_t end)
{
	if (!file->direct.block)
		return;
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&file->direct.lock);

	file->direct.end = img_max_u64(file->direct.end, end);
}

/* One block at base, of which len bytes from `skip` on change.  The lock is held. */
static bool write_part_locked(struct img_file *file, uint64_t base, size_t skip,
			      const uint8_t *buf, size_t len)
{
	struct img_direct *direct = &file->direct;
	const uint32_t align = file->st.align;
	const ssize_t n = img_fd_read_at(file->fd, base, direct->block, align, align);

	if (n < 0)
		return false;
	memset(direct->block + n, 0, align - (size_t)n);
	memcpy(direct->block + skip, buf, len);
	direct->end = img_max_u64(direct->end, base + skip + len);
	if (!img_fd_write_at(file->fd, base, direct->block, align))
		return false;
	/*
	 * The block may have gone beyond the end of the file.  Cutting there is safe: writes under
	 * way have been counted in before they started.
	 */
	return base + align <= direct->end || img_fd_truncate(file->fd, direct->end);
}

static bool write_part(struct img_file *file, uint64_t at, const uint8_t *buf, size_t len)
{
	const size_t skip = at % file->st.align;
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&file->direct.lock);

	return write_part_locked(file, at - skip, skip, buf, len);
}

/* Whole blocks of a buffer that is not aligned. */
static bool write_bounced(struct img_file *file, uint64_t at, const uint8_t *buf, size_t len)
{
	const size_t room = img_min_u64(BOUNCE_BYTES, len);
	IMG_AUTO_FREE uint8_t *bounce = new_bounce(room);

	if (!bounce)
		return false;
	for (size_t done = 0, n; done < len; done += n) {
		n = img_min_u64(room, len - done);
		memcpy(bounce, buf + done, n);
		if (!img_fd_write_at(file->fd, at + done, bounce, n))
			return false;
	}
	return true;
}

static bool write_blocks(struct img_file *file, uint64_t at, const uint8_t *buf, size_t len)
{
	img_direct_reaches(file, at + len);
	if (is_aligned(file, at, buf))
		return img_fd_write_at(file->fd, at, buf, len);
	return write_bounced(file, at, buf, len);
}

bool img_direct_write(struct img_file *file, uint64_t at, const void *buf, size_t len)
{
	const uint32_t align = file->st.align;
	const uint8_t *from = buf;
	bool ok = true;

	while (ok && len > 0) {
		const size_t to_edge = align - at % align;
		size_t n;

		if (at % align == 0 && len >= align) {
			n = img_round_down(len, align);
			ok = write_blocks(file, at, from, n);
		} else {
			n = img_min_u64(len, to_edge);
			ok = write_part(file, at, from, n);
		}
		at += n;
		from += n;
		len -= n;
	}
	return ok;
}

bool img_direct_truncate(struct img_file *file, uint64_t bytes)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&file->direct.lock);

	if (!img_fd_truncate(file->fd, bytes))
		return false;
	file->direct.end = bytes;
	return true;
}
