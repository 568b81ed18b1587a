/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See nbd_fake.h. */
#include "nbd_fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct fake_server fake;

struct queued {
	struct fake_command what;
	uint8_t *into;
	const uint8_t *from;
	nbd_extent_callback status;
	nbd_completion_callback ended;
	int error;
};

struct nbd_handle {
	int fd;				/* can be read as long as something is queued */
	struct queued v[FAKE_COMMANDS];
	unsigned n;
};

void fake_start(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.size = FAKE_BYTES;
	fake.can_zero = fake.can_flush = fake.has_status = true;
}

static struct nbd_handle *create(void)
{
	struct nbd_handle *h = calloc(1, sizeof(*h));

	h->fd = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK);
	return h;
}

static void end(struct nbd_handle *h)
{
	close(h->fd);
	free(h);
}

static int say_goodbye(struct nbd_handle *h, uint32_t flags)
{
	(void)h, (void)flags;
	fake.connections--;
	return 0;
}

static const char *get_error(void)
{
	return "the server said no";
}

static int get_errno(void)
{
	return ENOTCONN;
}

static int set(struct nbd_handle *h, bool on)
{
	(void)h, (void)on;
	return 0;
}

static int add_context(struct nbd_handle *h, const char *name)
{
	(void)h, (void)name;
	return 0;
}

static int connect_uri(struct nbd_handle *h, const char *uri)
{
	(void)h, (void)uri;
	fake.connections += !fake.refuses;
	return fake.refuses ? -1 : 0;
}

static int64_t get_size(struct nbd_handle *h)
{
	(void)h;
	return fake.size;
}

static int64_t get_block_size(struct nbd_handle *h, int kind)
{
	(void)h, (void)kind;
	return fake.block;
}

static int is_read_only(struct nbd_handle *h)
{
	(void)h;
	return fake.read_only;
}

static int can_zero(struct nbd_handle *h)
{
	(void)h;
	return fake.can_zero;
}

static int can_flush(struct nbd_handle *h)
{
	(void)h;
	return fake.can_flush;
}

/* One thread needs one connection. */
static int can_multi_conn(struct nbd_handle *h)
{
	(void)h;
	return 0;
}

static int can_meta_context(struct nbd_handle *h, const char *name)
{
	(void)h, (void)name;
	return fake.has_status;
}

static int64_t take(struct nbd_handle *h, const struct queued *command)
{
	const uint64_t one = 1;

	if ((int)fake.n_asked + 1 == fake.reject_at || fake.n_asked == FAKE_COMMANDS)
		return -1;
	fake.asked[fake.n_asked++] = command->what;
	h->v[h->n] = *command;
	h->v[h->n++].error = (int)fake.n_asked == fake.fail_at ? fake.fail_errno : 0;
	if (++fake.waiting > fake.most_waiting)
		fake.most_waiting = fake.waiting;
	return write(h->fd, &one, sizeof(one)) == sizeof(one) ? (int64_t)fake.n_asked : -1;
}

static int64_t aio_pread(struct nbd_handle *h, void *buf, size_t len, uint64_t at,
			 nbd_completion_callback ended, uint32_t flags)
{
	(void)flags;
	return take(h, &(struct queued){ { IMG_NBD_READ, at, len }, .into = buf, .ended = ended });
}

static int64_t aio_pwrite(struct nbd_handle *h, const void *buf, size_t len, uint64_t at,
			  nbd_completion_callback ended, uint32_t flags)
{
	(void)flags;
	return take(h, &(struct queued){ { IMG_NBD_WRITE, at, len }, .from = buf, .ended = ended });
}

static int64_t aio_zero(struct nbd_handle *h, uint64_t len, uint64_t at,
			nbd_completion_callback ended, uint32_t flags)
{
	const enum img_nbd_command kind =
		flags & LIBNBD_CMD_FLAG_NO_HOLE ? IMG_NBD_ZERO_KEEP : IMG_NBD_ZERO;

	return take(h, &(struct queued){ { kind, at, len }, .ended = ended });
}

static int64_t aio_flush(struct nbd_handle *h, nbd_completion_callback ended, uint32_t flags)
{
	(void)flags;
	return take(h, &(struct queued){ { IMG_NBD_FLUSH, 0, 0 }, .ended = ended });
}

static int64_t aio_block_status(struct nbd_handle *h, uint64_t len, uint64_t at,
				nbd_extent_callback status, nbd_completion_callback ended,
				uint32_t flags)
{
	(void)flags;
	return take(h, &(struct queued){ { IMG_NBD_STATUS, at, len }, .status = status,
					 .ended = ended });
}

static int aio_get_fd(struct nbd_handle *h)
{
	return h->fd;
}

static unsigned aio_get_direction(struct nbd_handle *h)
{
	(void)h;
	return LIBNBD_AIO_DIRECTION_READ;
}

static void carry_out(struct queued *c)
{
	switch (c->what.kind) {
	case IMG_NBD_READ:
		memcpy(c->into, fake.bytes + c->what.at, c->what.len);
		break;
	case IMG_NBD_WRITE:
		memcpy(fake.bytes + c->what.at, c->from, c->what.len);
		break;
	case IMG_NBD_ZERO:
	case IMG_NBD_ZERO_KEEP:
		memset(fake.bytes + c->what.at, 0, c->what.len);
		break;
	case IMG_NBD_STATUS:
		c->status.callback(c->status.user_data, "base:allocation", c->what.at, fake.entries,
				   fake.n_entries, &c->error);
		break;
	case IMG_NBD_FLUSH:
		break;
	}
}

static int aio_notify_read(struct nbd_handle *h)
{
	struct queued c = h->v[--h->n];
	uint64_t one;

	if (!c.error && c.what.at + c.what.len <= FAKE_BYTES)
		carry_out(&c);
	fake.waiting--;
	c.ended.callback(c.ended.user_data, &c.error);
	return read(h->fd, &one, sizeof(one)) == sizeof(one) ? 0 : -1;
}

static int aio_notify_write(struct nbd_handle *h)
{
	(void)h;
	return -1;
}

struct img_nbd_library fake_library(void)
{
	return (struct img_nbd_library){
		.create = create, .close = end, .shutdown = say_goodbye,
		.get_error = get_error, .get_errno = get_errno,
		.add_meta_context = add_context, .set_pread_initialize = set,
		.set_uri_allow_local_file = set, .connect_uri = connect_uri,
		.get_size = get_size, .get_block_size = get_block_size,
		.is_read_only = is_read_only, .can_zero = can_zero, .can_flush = can_flush,
		.can_multi_conn = can_multi_conn, .can_meta_context = can_meta_context,
		.aio_pread = aio_pread, .aio_pwrite = aio_pwrite, .aio_zero = aio_zero,
		.aio_flush = aio_flush, .aio_block_status = aio_block_status,
		.aio_get_fd = aio_get_fd, .aio_get_direction = aio_get_direction,
		.aio_notify_read = aio_notify_read, .aio_notify_write = aio_notify_write,
	};
}
