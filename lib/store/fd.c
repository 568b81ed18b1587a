/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a shell hands over: standard input and output.  A file is used as a file.  Anything that
 * has to be read or written in one direction (a pipe, a socket, a terminal, a file that is being
 * appended to or was left in the middle) is a stream: the next offset is the only one accepted.
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"
#include "store/file.h"
#include "store/zeros.h"

#define PIPE_BYTES (1024 * 1024)
#define PEEK_BYTES 65536
#define ZEROS_AT_ONCE 16	/* pieces of img_zeros in one system call */

struct stream {
	struct img_store st;
	int fd;
	bool owned;		/* closed with the store; otherwise the caller's */
	uint64_t next;		/* the offset that comes next */
	bool ended;		/* all has been read */
	uint8_t *kept;		/* bytes [next, next + n_kept) that peek() has read ahead, or NULL */
	size_t kept_from, n_kept;
};

/* After a failed call: true when it should be tried again, having waited as long as it takes. */
static bool try_again(int fd, short event)
{
	struct pollfd wait = { .fd = fd, .events = event };

	if (errno == EINTR)
		return true;
	if (errno != EAGAIN && errno != EWOULDBLOCK)
		return false;
	return poll(&wait, 1, -1) >= 0 || errno == EINTR;
}

static ssize_t read_all(struct stream *stream, void *buf, size_t len)
{
	size_t done = 0;

	while (done < len && !stream->ended) {
		const ssize_t n = read(stream->fd, (char *)buf + done, len - done);

		if (n < 0 && !try_again(stream->fd, POLLIN))
			return -1;
		if (n > 0)
			done += (size_t)n;
		stream->ended = n == 0;
	}
	return (ssize_t)done;
}

static bool stream_size(struct img_store *st, uint64_t *bytes, struct img_err *err)
{
	const struct stream *stream = (struct stream *)st;
	const bool known = (st->caps & IMG_STORE_WRITE) || stream->ended;

	(void)err;
	*bytes = known ? stream->next + stream->n_kept : IMG_SIZE_UNKNOWN;
	return true;
}

/* Takes up to len bytes of what peek() has kept. */
static size_t take_kept(struct stream *stream, uint8_t *buf, size_t len)
{
	const size_t n = img_min_u64(len, stream->n_kept);

	if (n > 0)
		memcpy(buf, stream->kept + stream->kept_from, n);
	stream->kept_from += n;
	stream->n_kept -= n;
	return n;
}

static bool stream_read(struct img_store *st, uint64_t at, void *buf, size_t len, size_t *got,
			struct img_err *err)
{
	struct stream *stream = (struct stream *)st;
	size_t kept;
	ssize_t n;

	if (!img_store_check_next(stream->next, at, err))
		return false;
	kept = take_kept(stream, buf, len);
	stream->next += kept;
	n = read_all(stream, (uint8_t *)buf + kept, len - kept);
	if (n < 0)
		return img_fail_os(err, _("cannot read at offset %" PRIu64), stream->next);
	stream->next += (size_t)n;
	*got = kept + (size_t)n;
	return true;
}

static bool stream_peek(struct img_store *st, void *buf, size_t len, size_t *got,
			struct img_err *err)
{
	struct stream *stream = (struct stream *)st;
	ssize_t n;

	if (!img_store_check_next(stream->next, 0, err))
		return false;
	if (!stream->kept)
		stream->kept = img_alloc_aligned(PEEK_BYTES, err);
	if (!stream->kept)
		return false;
	len = img_min_u64(len, PEEK_BYTES);
	n = len <= stream->n_kept ? 0 : read_all(stream, stream->kept + stream->n_kept,
						 len - stream->n_kept);
	if (n < 0)
		return img_fail_os(err, _("cannot read"));
	stream->n_kept += (size_t)n;
	*got = img_min_u64(len, stream->n_kept);
	memcpy(buf, stream->kept, *got);
	return true;
}

static bool stream_write(struct img_store *st, uint64_t at, const void *buf, size_t len,
			 struct img_err *err)
{
	struct stream *stream = (struct stream *)st;
	size_t done = 0;

	if (!img_store_check_next(stream->next, at, err))
		return false;
	while (done < len) {
		const ssize_t n = write(stream->fd, (const char *)buf + done, len - done);

		if (n < 0 && !try_again(stream->fd, POLLOUT))
			return img_fail_os(err, _("cannot write at offset %" PRIu64), at + done);
		if (n > 0) {
			done += (size_t)n;
			stream->next += (size_t)n;
		}
	}
	return true;
}

/* The same zeros again and again, many at once. */
static bool stream_zero(struct img_store *st, uint64_t at, uint64_t len, bool keep_space,
			struct img_err *err)
{
	struct stream *stream = (struct stream *)st;
	struct iovec pieces[ZEROS_AT_ONCE];

	(void)keep_space;
	if (!img_store_check_next(stream->next, at, err))
		return false;
	for (size_t i = 0; i < ZEROS_AT_ONCE; i++)
		pieces[i] = (struct iovec){ (void *)(uintptr_t)img_zeros, sizeof(img_zeros) };
	while (len >= sizeof(img_zeros)) {
		const size_t n_pieces = img_min_u64(ZEROS_AT_ONCE, len / sizeof(img_zeros));
		const ssize_t n = writev(stream->fd, pieces, (int)n_pieces);

		if (n < 0 && !try_again(stream->fd, POLLOUT))
			return img_fail_os(err, _("cannot write at offset %" PRIu64), stream->next);
		if (n > 0) {
			stream->next += (size_t)n;
			len -= (size_t)n;
		}
	}
	return stream_write(st, stream->next, img_zeros, len, err);
}

static size_t stream_ready(struct img_store *st, int wait_ms)
{
	const struct stream *stream = (struct stream *)st;
	struct pollfd wait = { .fd = stream->fd, .events = POLLIN };
	int waiting;

	if (stream->n_kept || stream->ended)
		return img_max_u64(stream->n_kept, 1);
	if (poll(&wait, 1, wait_ms) <= 0)
		return 0;
	/* Readable, and nothing there: the end, or a device that does not count. */
	return ioctl(stream->fd, FIONREAD, &waiting) || waiting <= 0 ? 1 : (size_t)waiting;
}

static void stream_close(struct img_store *st)
{
	struct stream *stream = (struct stream *)st;

	if (stream->owned)
		(void)close(stream->fd);	/* a pipe has nothing left to report */
	free(stream->kept);
	free(stream);
}

static const struct img_store_ops stream_ops = {
	.kind = "stream",
	.size = stream_size,
	.read = stream_read,
	.peek = stream_peek,
	.ready = stream_ready,
	.write = stream_write,
	.zero = stream_zero,
	.close = stream_close,
};

static struct img_store *open_stream(int fd, bool write, const char *shown_as, struct img_err *err)
{
	struct stream *stream = img_calloc(1, sizeof(*stream), err);

	if (!stream)
		return NULL;
	stream->fd = fd;
	stream->st = (struct img_store){
		.ops = &stream_ops, .align = 1,
		.caps = write ? IMG_STORE_WRITE | IMG_STORE_FRESH : 0,
	};
	(void)fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);	/* fewer system calls, if it may be */
	stream->st.name = img_strdup(shown_as, err);
	if (stream->st.name)
		return &stream->st;
	img_store_close(&stream->st);
	return NULL;
}

static struct img_store *open_file(int fd, unsigned flags, const char *shown_as,
				   struct img_err *err)
{
	const int twin = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	struct img_file *file;
	uint64_t size;

	if (twin < 0) {
		img_fail_os(err, _("%s: cannot open"), shown_as);
		return NULL;
	}
	file = img_file_wrap(twin, shown_as, flags, IMG_CACHE_WRITEBACK, err);
	if (!file)
		return NULL;
	if (!(flags & IMG_OPEN_WRITE))
		return &file->st;
	file->adopted = true;
	file->st.cache = IMG_CACHE_UNSAFE;	/* as a pipe; who wants more names the file */
	if (!file->is_block && img_store_size(&file->st, &size, NULL) && size == 0)
		file->st.caps |= IMG_STORE_FRESH;
	return &file->st;
}

struct img_store *img_store_fd(int fd, unsigned flags, const char *shown_as, struct img_err *err)
{
	const int mode = fcntl(fd, F_GETFL);
	const bool write = flags & IMG_OPEN_WRITE;
	struct stat sb;

	if (mode < 0 || fstat(fd, &sb)) {
		img_fail_os(err, _("%s: cannot be used"), shown_as);
		return NULL;
	}
	if ((mode & O_ACCMODE) == (write ? O_RDONLY : O_WRONLY)) {
		img_fail(err, IMG_E_ARGUMENT, write ? _("%s: is open for reading only")
						    : _("%s: is open for writing only"), shown_as);
		return NULL;
	}
	if (S_ISDIR(sb.st_mode)) {
		img_fail(err, IMG_E_ARGUMENT, _("%s: is a directory"), shown_as);
		return NULL;
	}
	if ((S_ISREG(sb.st_mode) || S_ISBLK(sb.st_mode)) && lseek(fd, 0, SEEK_CUR) == 0 &&
	    !(write && (mode & O_APPEND)))
		return open_file(fd, flags, shown_as, err);
	return open_stream(fd, write, shown_as, err);
}

bool img_is_stream_path(const char *path)
{
	struct stat sb;

	return !stat(path, &sb) &&
	       (S_ISFIFO(sb.st_mode) || S_ISCHR(sb.st_mode) || S_ISSOCK(sb.st_mode));
}

struct img_store *img_store_stream(const char *path, unsigned flags, struct img_err *err)
{
	const bool write = flags & IMG_OPEN_WRITE;
	const int fd = open(path, O_CLOEXEC | O_NOCTTY | (write ? O_WRONLY : O_RDONLY));
	struct img_store *st;

	if (fd < 0) {
		img_fail_os(err, _("%s: cannot open"), path);
		return NULL;
	}
	st = open_stream(fd, write, path, err);
	if (st)
		((struct stream *)st)->owned = true;
	else
		(void)close(fd);	/* nothing went through it */
	return st;
}
