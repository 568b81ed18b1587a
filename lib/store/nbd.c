/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an NBD server exports, as a store.  Threads get connections of their own as far as the server
 * says that it is fit for several (multi-conn).
 */
#include "store/nbd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/lazy.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "store/zeros.h"

enum { CONNECTIONS = 4 };
/* One question asks about so much; the answer may be about less. */
#define STATUS_BYTES (UINT64_C(2) << 30)

struct connection {
	struct img_nbd_conn *conn;
	unsigned users;
};

struct nbd {
	struct img_store st;
	struct img_nbd_library library;
	uint64_t size;
	uint64_t block;			/* bytes; what is read and written must be whole ones */
	bool can_flush;
	/* Writing a part of a block excludes all other writing. */
	pthread_rwlock_t parts;

	pthread_mutex_t lock;		/* guards all below */
	struct connection v[CONNECTIONS];
	unsigned n, most;
	struct img_nbd_status status;	/* what was told last; of a store that is not written */
};

/* ---- Connections --------------------------------------------------------------------------------- */

/* With the lock held.  One more when all are busy; that there is none is no failure. */
static struct connection *pick(struct nbd *nbd)
{
	struct connection *best = &nbd->v[0];

	for (unsigned i = 1; i < nbd->n; i++)
		if (nbd->v[i].users < best->users)
			best = &nbd->v[i];
	if (!best->users || nbd->n == nbd->most)
		return best;
	nbd->v[nbd->n].conn = img_nbd_connect(&nbd->library, nbd->st.name, NULL);
	if (nbd->v[nbd->n].conn)
		return &nbd->v[nbd->n++];
	nbd->most = nbd->n;
	return best;
}

static bool ask(struct nbd *nbd, const struct img_nbd_request *request, struct img_err *err)
{
	struct connection *chosen;
	bool ok;

	pthread_mutex_lock(&nbd->lock);
	chosen = pick(nbd);
	chosen->users++;
	pthread_mutex_unlock(&nbd->lock);
	ok = img_nbd_do(chosen->conn, request, err);
	pthread_mutex_lock(&nbd->lock);
	chosen->users--;
	pthread_mutex_unlock(&nbd->lock);
	return ok;
}

/* ---- Whole blocks -------------------------------------------------------------------------------- */

static bool is_whole(const struct nbd *nbd, uint64_t at, uint64_t len)
{
	return !((at | len) & (nbd->block - 1));
}

/* The blocks that [at, at + len) touches, as the server has them; *first: where they start. */
static uint8_t *read_blocks(struct nbd *nbd, uint64_t at, uint64_t len, uint64_t *first,
			    uint64_t *n, struct img_err *err)
{
	const uint64_t start = img_round_down(at, nbd->block);
	const uint64_t end = img_round_up(at + len, nbd->block);
	uint8_t *raw = img_alloc_aligned(end - start, err);
	const struct img_nbd_request request = {
		.command = IMG_NBD_READ, .at = start, .len = end - start, .into = raw,
	};

	if (raw && ask(nbd, &request, err)) {
		*first = start;
		*n = end - start;
		return raw;
	}
	free(raw);
	return NULL;
}

static bool read_part(struct nbd *nbd, uint64_t at, void *buf, size_t len, struct img_err *err)
{
	uint64_t first, n;
	IMG_AUTO_FREE uint8_t *raw = read_blocks(nbd, at, len, &first, &n, err);

	if (raw)
		memcpy(buf, raw + (at - first), len);
	return raw;
}

static bool write_part(struct nbd *nbd, uint64_t at, const void *buf, size_t len,
		       struct img_err *err)
{
	uint64_t first, n;
	IMG_AUTO_FREE uint8_t *raw = read_blocks(nbd, at, len, &first, &n, err);

	if (!raw)
		return false;
	memcpy(raw + (at - first), buf, len);
	return ask(nbd, &(struct img_nbd_request){ .command = IMG_NBD_WRITE, .at = first, .len = n,
						   .from = raw }, err);
}

/* ---- The store ----------------------------------------------------------------------------------- */

static bool export_size(struct img_store *st, uint64_t *bytes, struct img_err *err)
{
	(void)err;
	*bytes = ((struct nbd *)st)->size;
	return true;
}

static bool export_read(struct img_store *st, uint64_t at, void *buf, size_t len, size_t *got,
		     struct img_err *err)
{
	struct nbd *nbd = (struct nbd *)st;
	const size_t some = at < nbd->size ? img_min_u64(len, nbd->size - at) : 0;
	const struct img_nbd_request request = {
		.command = IMG_NBD_READ, .at = at, .len = some, .into = buf,
	};

	*got = some;
	return !some || (is_whole(nbd, at, some) ? ask(nbd, &request, err)
						 : read_part(nbd, at, buf, some, err));
}

static bool check_end(const struct nbd *nbd, uint64_t at, uint64_t len, struct img_err *err)
{
	return (at <= nbd->size && len <= nbd->size - at) ||
	       img_fail(err, IMG_E_NOSPACE, _("what the server exports ends at %" PRIu64),
			nbd->size);
}

static bool write_locked(struct nbd *nbd, uint64_t at, const void *buf, size_t len,
			 struct img_err *err)
{
	const struct img_nbd_request request = {
		.command = IMG_NBD_WRITE, .at = at, .len = len, .from = buf,
	};
	const bool whole = is_whole(nbd, at, len);
	bool ok;

	if (whole)
		pthread_rwlock_rdlock(&nbd->parts);
	else
		pthread_rwlock_wrlock(&nbd->parts);
	ok = whole ? ask(nbd, &request, err) : write_part(nbd, at, buf, len, err);
	pthread_rwlock_unlock(&nbd->parts);
	return ok;
}

static bool export_write(struct img_store *st, uint64_t at, const void *buf, size_t len,
		      struct img_err *err)
{
	struct nbd *nbd = (struct nbd *)st;

	return check_end(nbd, at, len, err) && (!len || write_locked(nbd, at, buf, len, err));
}

/* Zeros of less than a block. */
static bool zero_part(struct nbd *nbd, uint64_t at, uint64_t len, struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *zeros = len ? img_calloc(1, len, err) : NULL;

	return !len || (zeros && write_locked(nbd, at, zeros, len, err));
}

static bool zero_blocks(struct nbd *nbd, uint64_t at, uint64_t len, bool keep_space,
			struct img_err *err)
{
	const struct img_nbd_request request = {
		.command = keep_space ? IMG_NBD_ZERO_KEEP : IMG_NBD_ZERO, .at = at, .len = len,
	};
	bool ok;

	if (!len)
		return true;
	pthread_rwlock_rdlock(&nbd->parts);
	ok = ask(nbd, &request, err);
	pthread_rwlock_unlock(&nbd->parts);
	return ok;
}

static bool export_zero(struct img_store *st, uint64_t at, uint64_t len, bool keep_space,
		     struct img_err *err)
{
	struct nbd *nbd = (struct nbd *)st;
	const uint64_t end = at + len;
	const uint64_t start = img_min_u64(img_round_up(at, nbd->block), end);
	const uint64_t stop = img_max_u64(img_round_down(end, nbd->block), start);

	if (!(st->caps & IMG_STORE_ZERO))
		return img_store_write_zeros(st, at, len, err);
	return check_end(nbd, at, len, err) && zero_part(nbd, at, start - at, err) &&
	       zero_blocks(nbd, start, stop - start, keep_space, err) &&
	       zero_part(nbd, stop, end - stop, err);
}

/* Without it nobody can know when what was written is durable. */
static bool export_sync(struct img_store *st, struct img_err *err)
{
	struct nbd *nbd = (struct nbd *)st;

	return !nbd->can_flush ||
	       ask(nbd, &(struct img_nbd_request){ .command = IMG_NBD_FLUSH }, err);
}

/* ---- Zeros --------------------------------------------------------------------------------------- */

/* The run of status that at is in, which status tells of. */
static const struct img_nbd_run *find_run(const struct img_nbd_status *status, uint64_t at)
{
	size_t low = 0, high = status->n - 1;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (status->v[middle].end <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return &status->v[low];
}

/* Asks about what starts at `at`.  What tells of nothing is an answer, too: all is data. */
static bool ask_status(struct nbd *nbd, uint64_t at, struct img_nbd_status *status,
		       struct img_err *err)
{
	const uint64_t start = img_round_down(at, nbd->block);
	const struct img_nbd_request request = {
		.command = IMG_NBD_STATUS, .at = start,
		.len = img_min_u64(STATUS_BYTES, nbd->size - start), .status = status,
	};

	status->start = status->end = start;
	status->n = 0;
	return ask(nbd, &request, err);
}

static void answer(struct nbd *nbd, const struct img_nbd_status *status, uint64_t at,
		   uint64_t limit, struct img_extent *out)
{
	const bool known = at >= status->start && at < status->end;
	const struct img_nbd_run *run = known ? find_run(status, at) : NULL;
	const uint64_t end = run ? img_min_u64(run->end, limit) : limit;

	*out = (struct img_extent){
		.start = at, .len = end - at,
		.kind = run && run->zero ? IMG_EXTENT_ZERO : IMG_EXTENT_DATA,
		.zero_in_store = run && run->zero,
		.store = &nbd->st, .host = at, .host_len = end - at,
	};
}

/* For the next questions; but what is written meanwhile would make it a wrong one. */
static void keep(struct nbd *nbd, struct img_nbd_status *status)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&nbd->lock);
	struct img_nbd_status old = nbd->status;

	if (nbd->st.caps & IMG_STORE_WRITE)
		return;
	nbd->status = *status;
	*status = old;
}

static bool is_known(struct nbd *nbd, uint64_t at, uint64_t limit, struct img_extent *out)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&nbd->lock);

	if (at < nbd->status.start || at >= nbd->status.end)
		return false;
	answer(nbd, &nbd->status, at, limit, out);
	return true;
}

static bool export_extent(struct img_store *st, uint64_t at, uint64_t limit, struct img_extent *out,
		       struct img_err *err)
{
	struct nbd *nbd = (struct nbd *)st;
	struct img_nbd_status status = { 0 };
	bool ok;

	if (!(st->caps & IMG_STORE_EXTENTS)) {
		answer(nbd, &status, at, limit, out);
		return true;
	}
	if (is_known(nbd, at, limit, out))
		return true;
	ok = ask_status(nbd, at, &status, err);
	if (ok) {
		answer(nbd, &status, at, limit, out);
		keep(nbd, &status);
	}
	free(status.v);
	return ok;
}

static void export_close(struct img_store *st)
{
	struct nbd *nbd = (struct nbd *)st;

	for (unsigned i = 0; i < nbd->n; i++)
		img_nbd_disconnect(nbd->v[i].conn);
	free(nbd->status.v);
	img_lazy_unload(nbd->library.handle);
	free(nbd);
}

static const struct img_store_ops export_ops = {
	.kind = "nbd",
	.size = export_size,
	.read = export_read,
	.write = export_write,
	.zero = export_zero,
	.extent = export_extent,
	.sync = export_sync,
	.close = export_close,
};

/* ---- Opening ------------------------------------------------------------------------------------- */

static bool read_sizes(struct nbd *nbd, struct nbd_handle *h, struct img_err *err)
{
	const int64_t size = nbd->library.get_size(h);
	const int64_t block = nbd->library.get_block_size(h, LIBNBD_SIZE_MINIMUM);

	if (size < 0)
		return img_fail(err, IMG_E_IO, "%s", nbd->library.get_error());
	nbd->block = block > 0 && img_is_pow2((uint64_t)block) ? (uint64_t)block : 1;
	nbd->size = img_round_down((uint64_t)size, nbd->block);
	return true;
}

/* What the server offers; a question that it does not answer is a no. */
static bool look_at(struct nbd *nbd, unsigned flags, struct img_err *err)
{
	struct nbd_handle *h = img_nbd_handle(nbd->v[0].conn);
	const struct img_nbd_library *library = &nbd->library;
	const bool write = flags & IMG_OPEN_WRITE;

	if (!read_sizes(nbd, h, err))
		return false;
	if (write && library->is_read_only(h) > 0)
		return img_fail(err, IMG_E_DENIED, _("the server allows reading alone"));
	nbd->can_flush = library->can_flush(h) > 0;
	nbd->most = library->can_multi_conn(h) > 0 ? CONNECTIONS : 1;
	nbd->st.caps = IMG_STORE_SEEK | IMG_STORE_PARALLEL | IMG_STORE_DEVICE |
		       (write ? IMG_STORE_WRITE : 0) |
		       (write && library->can_zero(h) > 0 ? IMG_STORE_ZERO : 0);
	if (library->can_meta_context(h, LIBNBD_CONTEXT_BASE_ALLOCATION) > 0)
		nbd->st.caps |= IMG_STORE_EXTENTS;
	return true;
}

static bool open_first(struct nbd *nbd, const char *uri, unsigned flags, struct img_err *err)
{
	nbd->st.name = img_strdup(uri, err);
	if (!nbd->st.name)
		return false;
	nbd->v[0].conn = img_nbd_connect(&nbd->library, uri, err);
	nbd->n = nbd->v[0].conn ? 1 : 0;
	return nbd->n && look_at(nbd, flags, err);
}

struct img_store *img_nbd_open(const struct img_nbd_library *library, const char *uri, unsigned flags,
			       enum img_cache cache, struct img_err *err)
{
	struct nbd *nbd = img_calloc(1, sizeof(*nbd), err);

	if (!nbd)
		return NULL;
	nbd->library = *library;
	nbd->st = (struct img_store){ .ops = &export_ops, .align = 1, .cache = cache };
	pthread_mutex_init(&nbd->lock, NULL);
	pthread_rwlock_init(&nbd->parts, NULL);
	if (open_first(nbd, uri, flags, err))
		return &nbd->st;
	nbd->library.handle = NULL;
	img_store_close(&nbd->st);
	img_within(err, "%s", uri);
	return NULL;
}

struct img_store *img_store_nbd(const char *uri, unsigned flags, enum img_cache cache,
				struct img_err *err)
{
	struct img_nbd_library library;
	struct img_store *st;

	if (!img_nbd_load(&library, err)) {
		img_within(err, "%s", uri);
		return NULL;
	}
	st = img_nbd_open(&library, uri, flags, cache, err);
	if (!st)
		img_lazy_unload(library.handle);
	return st;
}
