/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One connection to a server, for any number of threads.  Each of them hands its commands to libnbd and
 * waits; one of those that wait listens to the socket for all (`listening`), and when its own work is
 * done another takes over.  So there is no thread of its own, and a thread that is alone never waits
 * for another one.
 *
 * libnbd holds a lock of its own while it calls back, so conn->lock is never held when it is called.
 */
#include "store/nbd.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/lazy.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"

/* Bytes of a command: many are under way at once, and a server answers small ones sooner. */
#define PIECE (256 * 1024)
#define ZERO_PIECE (UINT64_C(1) << 30)
/* Commands of one request that wait for an answer. */
enum { IN_FLIGHT = 16 };

struct img_nbd_conn {
	const struct img_nbd_library *nbd;
	struct nbd_handle *h;
	pthread_mutex_t lock;		/* guards all below, and the batches of this connection */
	pthread_cond_t changed;
	bool listening;			/* a thread is at the socket */
};

/* The commands of one request. */
struct batch {
	struct img_nbd_conn *conn;
	struct img_nbd_status *status;
	unsigned in_flight;
	int error;			/* errno of the first that failed, or 0 */
};

/* ---- The library --------------------------------------------------------------------------------- */

bool img_nbd_load(struct img_nbd_library *nbd, struct img_err *err)
{
	const struct img_lazy_symbol symbols[] = {
		{ "nbd_create", &nbd->create },
		{ "nbd_close", &nbd->close },
		{ "nbd_shutdown", &nbd->shutdown },
		{ "nbd_get_error", &nbd->get_error },
		{ "nbd_get_errno", &nbd->get_errno },
		{ "nbd_add_meta_context", &nbd->add_meta_context },
		{ "nbd_set_pread_initialize", &nbd->set_pread_initialize },
		{ "nbd_set_uri_allow_local_file", &nbd->set_uri_allow_local_file },
		{ "nbd_connect_uri", &nbd->connect_uri },
		{ "nbd_get_size", &nbd->get_size },
		{ "nbd_get_block_size", &nbd->get_block_size },
		{ "nbd_is_read_only", &nbd->is_read_only },
		{ "nbd_can_zero", &nbd->can_zero },
		{ "nbd_can_flush", &nbd->can_flush },
		{ "nbd_can_multi_conn", &nbd->can_multi_conn },
		{ "nbd_can_meta_context", &nbd->can_meta_context },
		{ "nbd_aio_pread", &nbd->aio_pread },
		{ "nbd_aio_pwrite", &nbd->aio_pwrite },
		{ "nbd_aio_zero", &nbd->aio_zero },
		{ "nbd_aio_flush", &nbd->aio_flush },
		{ "nbd_aio_block_status", &nbd->aio_block_status },
		{ "nbd_aio_get_fd", &nbd->aio_get_fd },
		{ "nbd_aio_get_direction", &nbd->aio_get_direction },
		{ "nbd_aio_notify_read", &nbd->aio_notify_read },
		{ "nbd_aio_notify_write", &nbd->aio_notify_write },
		{ NULL, NULL },
	};

	nbd->handle = img_lazy_load(NBD_SONAME, symbols, err);
	return nbd->handle;
}

/* ---- The connection ------------------------------------------------------------------------------ */

static bool fail_as_told(const struct img_nbd_library *nbd, struct img_err *err)
{
	const int os_errno = nbd->get_errno();

	return img_fail(err, os_errno ? img_code_of_errno(os_errno) : IMG_E_IO, "%s",
			nbd->get_error());
}

static bool set_up(struct img_nbd_conn *conn, const char *uri, struct img_err *err)
{
	const struct img_nbd_library *nbd = conn->nbd;

	conn->h = nbd->create();
	/* A URI that the user gave may name the file with the keys of TLS. */
	return (conn->h && !nbd->set_uri_allow_local_file(conn->h, true) &&
		!nbd->set_pread_initialize(conn->h, false) &&
		!nbd->add_meta_context(conn->h, LIBNBD_CONTEXT_BASE_ALLOCATION) &&
		!nbd->connect_uri(conn->h, uri)) ||
	       fail_as_told(nbd, err);
}

struct img_nbd_conn *img_nbd_connect(const struct img_nbd_library *nbd, const char *uri,
				     struct img_err *err)
{
	struct img_nbd_conn *conn = img_calloc(1, sizeof(*conn), err);

	if (!conn)
		return NULL;
	conn->nbd = nbd;
	pthread_mutex_init(&conn->lock, NULL);
	pthread_cond_init(&conn->changed, NULL);
	if (set_up(conn, uri, err))
		return conn;
	if (conn->h)
		nbd->close(conn->h);
	free(conn);
	return NULL;
}

void img_nbd_disconnect(struct img_nbd_conn *conn)
{
	if (!conn)
		return;
	(void)conn->nbd->shutdown(conn->h, 0);	/* the server may be gone: nothing hangs on it */
	conn->nbd->close(conn->h);
	free(conn);
}

struct nbd_handle *img_nbd_handle(const struct img_nbd_conn *conn)
{
	return conn->h;
}

/* ---- Answers ------------------------------------------------------------------------------------- */

static int command_ended(void *user_data, int *error)
{
	struct batch *batch = user_data;
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&batch->conn->lock);

	batch->in_flight--;
	if (*error && !batch->error)
		batch->error = *error;
	pthread_cond_broadcast(&batch->conn->changed);
	return 1;
}

static bool add_run(struct img_nbd_status *status, uint64_t len, bool zero)
{
	struct img_nbd_run *v = status->v;

	status->end += len;
	if (status->n && v[status->n - 1].zero == zero) {
		v[status->n - 1].end = status->end;
		return true;
	}
	v = img_grow_by_one(v, status->n, &status->cap, sizeof(*v), NULL);
	if (!v)
		return false;
	status->v = v;
	v[status->n++] = (struct img_nbd_run){ .end = status->end, .zero = zero };
	return true;
}

/* entries are pairs of a length and flags, from offset on. */
static int status_came(void *user_data, const char *context, uint64_t offset, uint32_t *entries,
		       size_t n, int *error)
{
	struct img_nbd_status *status = ((struct batch *)user_data)->status;

	(void)context;	/* one is asked for */
	if (offset != status->end)
		return 0;
	for (size_t i = 0; i + 1 < n; i += 2)
		if (entries[i] && !add_run(status, entries[i], entries[i + 1] & LIBNBD_STATE_ZERO)) {
			*error = ENOMEM;
			return -1;
		}
	return 0;
}

/* ---- Commands ------------------------------------------------------------------------------------ */

/* Waits until the socket is ready for what libnbd wants, and lets it do that. */
static void serve_socket(struct img_nbd_conn *conn)
{
	const struct img_nbd_library *nbd = conn->nbd;
	const unsigned direction = nbd->aio_get_direction(conn->h);
	struct pollfd fd = { .fd = nbd->aio_get_fd(conn->h) };

	if (direction & LIBNBD_AIO_DIRECTION_READ)
		fd.events |= POLLIN;
	if (direction & LIBNBD_AIO_DIRECTION_WRITE)
		fd.events |= POLLOUT;
	if (poll(&fd, 1, -1) <= 0)
		return;
	/* A failure ends all commands of the connection: those who wait for them are told. */
	if (direction & LIBNBD_AIO_DIRECTION_READ && fd.revents & (POLLIN | POLLHUP | POLLERR))
		(void)nbd->aio_notify_read(conn->h);
	else if (fd.revents)
		(void)nbd->aio_notify_write(conn->h);
}

/* Until no more than `most` commands of the batch are under way. */
static void await(struct batch *batch, unsigned most)
{
	struct img_nbd_conn *conn = batch->conn;

	pthread_mutex_lock(&conn->lock);
	while (batch->in_flight > most) {
		if (conn->listening) {
			pthread_cond_wait(&conn->changed, &conn->lock);
			continue;
		}
		conn->listening = true;
		pthread_mutex_unlock(&conn->lock);
		serve_socket(conn);
		pthread_mutex_lock(&conn->lock);
		conn->listening = false;
		pthread_cond_broadcast(&conn->changed);
	}
	pthread_mutex_unlock(&conn->lock);
}

static int64_t start(struct batch *batch, const struct img_nbd_request *request, uint64_t done,
		     uint64_t len)
{
	const struct img_nbd_library *nbd = batch->conn->nbd;
	struct nbd_handle *h = batch->conn->h;
	const nbd_completion_callback ended = { .callback = command_ended, .user_data = batch };
	const nbd_extent_callback status = { .callback = status_came, .user_data = batch };
	const uint64_t at = request->at + done;

	switch (request->command) {
	case IMG_NBD_READ:
		return nbd->aio_pread(h, request->into + done, len, at, ended, 0);
	case IMG_NBD_WRITE:
		return nbd->aio_pwrite(h, request->from + done, len, at, ended, 0);
	case IMG_NBD_ZERO:
		return nbd->aio_zero(h, len, at, ended, 0);
	case IMG_NBD_ZERO_KEEP:
		return nbd->aio_zero(h, len, at, ended, LIBNBD_CMD_FLAG_NO_HOLE);
	case IMG_NBD_FLUSH:
		return nbd->aio_flush(h, ended, 0);
	case IMG_NBD_STATUS:
		return nbd->aio_block_status(h, len, at, status, ended, 0);
	}
	return -1;
}

static uint64_t piece_of(enum img_nbd_command command)
{
	switch (command) {
	case IMG_NBD_READ:
	case IMG_NBD_WRITE:
		return PIECE;
	case IMG_NBD_ZERO:
	case IMG_NBD_ZERO_KEEP:
		return ZERO_PIECE;
	default:
		return UINT64_MAX;
	}
}

/* Counted before it is known whether the command is taken: its answer may be here first. */
static bool start_counted(struct batch *batch, const struct img_nbd_request *request, uint64_t done,
			  uint64_t len, struct img_err *err)
{
	pthread_mutex_lock(&batch->conn->lock);
	batch->in_flight++;
	pthread_mutex_unlock(&batch->conn->lock);
	if (start(batch, request, done, len) >= 0)
		return true;
	pthread_mutex_lock(&batch->conn->lock);
	batch->in_flight--;
	pthread_mutex_unlock(&batch->conn->lock);
	return fail_as_told(batch->conn->nbd, err);
}

bool img_nbd_do(struct img_nbd_conn *conn, const struct img_nbd_request *request,
		struct img_err *err)
{
	struct batch batch = { .conn = conn, .status = request->status };
	const uint64_t most = piece_of(request->command);
	uint64_t done = 0;
	bool ok = true;

	do {
		const uint64_t len = img_min_u64(request->len - done, most);

		await(&batch, IN_FLIGHT - 1);
		ok = start_counted(&batch, request, done, len, err);
		done += len;
	} while (ok && done < request->len);
	await(&batch, 0);
	if (!ok || !batch.error)
		return ok;
	errno = batch.error;
	return img_fail_os(err, _("the server cannot do it"));
}
