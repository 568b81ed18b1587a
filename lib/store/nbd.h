/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk behind a server: what its store (nbd.c) and its connections (nbd-conn.c) share. */
#ifndef IMG_STORE_NBD_H
#define IMG_STORE_NBD_H

#include <libnbd.h>
#include "store/store.h"

/* The functions of libnbd that are used, with the types that its header gives them. */
struct img_nbd_library {
	__typeof__(nbd_create) *create;
	__typeof__(nbd_close) *close;
	__typeof__(nbd_shutdown) *shutdown;
	__typeof__(nbd_get_error) *get_error;
	__typeof__(nbd_get_errno) *get_errno;
	__typeof__(nbd_add_meta_context) *add_meta_context;
	__typeof__(nbd_set_pread_initialize) *set_pread_initialize;
	__typeof__(nbd_set_uri_allow_local_file) *set_uri_allow_local_file;
	__typeof__(nbd_connect_uri) *connect_uri;
	__typeof__(nbd_get_size) *get_size;
	__typeof__(nbd_get_block_size) *get_block_size;
	__typeof__(nbd_is_read_only) *is_read_only;
	__typeof__(nbd_can_zero) *can_zero;
	__typeof__(nbd_can_flush) *can_flush;
	__typeof__(nbd_can_multi_conn) *can_multi_conn;
	__typeof__(nbd_can_meta_context) *can_meta_context;
	__typeof__(nbd_aio_pread) *aio_pread;
	__typeof__(nbd_aio_pwrite) *aio_pwrite;
	__typeof__(nbd_aio_zero) *aio_zero;
	__typeof__(nbd_aio_flush) *aio_flush;
	__typeof__(nbd_aio_block_status) *aio_block_status;
	__typeof__(nbd_aio_get_fd) *aio_get_fd;
	__typeof__(nbd_aio_get_direction) *aio_get_direction;
	__typeof__(nbd_aio_notify_read) *aio_notify_read;
	__typeof__(nbd_aio_notify_write) *aio_notify_write;
	void *handle;
};

enum img_nbd_command {
	IMG_NBD_READ,
	IMG_NBD_WRITE,
	IMG_NBD_ZERO,			/* may give space back */
	IMG_NBD_ZERO_KEEP,
	IMG_NBD_FLUSH,
	IMG_NBD_STATUS,
};

/* Where zeros are, as the server told: runs that follow each other. */
struct img_nbd_status {
	uint64_t start, end;
	struct img_nbd_run {
		uint64_t end;
		bool zero;
	} *v;				/* owned */
	size_t n, cap;
};

struct img_nbd_request {
	enum img_nbd_command command;
	uint64_t at, len;		/* on blocks of the server */
	uint8_t *into;			/* READ: len bytes */
	const uint8_t *from;		/* WRITE: len bytes */
	struct img_nbd_status *status;	/* STATUS: empty, and filled from at on */
};

bool img_nbd_load(struct img_nbd_library *nbd, struct img_err *err) IMG_MUST_CHECK;

/* As img_store_nbd(), by a library of the caller's; its handle belongs to the store if there is one. */
struct img_store *img_nbd_open(const struct img_nbd_library *library, const char *uri, unsigned flags,
			       enum img_cache cache, struct img_err *err);

/* One connection.  nbd must outlive it. */
struct img_nbd_conn;
struct img_nbd_conn *img_nbd_connect(const struct img_nbd_library *nbd, const char *uri,
				     struct img_err *err);
/* Tells the server goodbye.  Accepts NULL. */
void img_nbd_disconnect(struct img_nbd_conn *conn);
/* What libnbd knows of it. */
struct nbd_handle *img_nbd_handle(const struct img_nbd_conn *conn);
/*
 * Does it in pieces of which several are under way at once, whatever other threads ask for meanwhile.
 * STATUS may tell of less than len, or of more.  Any number of threads.
 */
bool img_nbd_do(struct img_nbd_conn *conn, const struct img_nbd_request *request,
		struct img_err *err) IMG_MUST_CHECK;

#endif
