/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The wrappers around struct img_store_ops: what is the same for every kind of store.  They check
 * ranges, fall back where a kind lacks an operation, and put the name of the store in front of its
 * errors.
 */
#include "store/store.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"
#include "store/zeros.h"

/* A trial that is aligned everywhere. */
#define CLONE_BYTES 65536

const uint8_t img_zeros[IMG_ZEROS_BYTES] __attribute__((aligned(IMG_MEM_ALIGN)));

const char *img_store_name(const struct img_store *store)
{
	return store->name;
}

/* Ends a failing operation: says which store it was, unless the one below has said so. */
static bool fail_in(const struct img_store *st, struct img_err *err)
{
	return st->ops->passes_on ? false : img_within(err, "%s", st->name);
}

static void count(_Atomic uint64_t *calls, _Atomic uint64_t *bytes, uint64_t len)
{
	atomic_fetch_add_explicit(calls, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(bytes, len, memory_order_relaxed);
}

static uint64_t count_of(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void img_store_add_traffic(const struct img_store *st, struct img_traffic *sum)
{
	const struct img_store_counts *counts = &st->counts;

	sum->reads += count_of(&counts->reads);
	sum->read_bytes += count_of(&counts->read_bytes);
	sum->writes += count_of(&counts->writes);
	sum->written_bytes += count_of(&counts->written_bytes);
	sum->zeros += count_of(&counts->zeros);
	sum->zeroed_bytes += count_of(&counts->zeroed_bytes);
	sum->syncs += count_of(&counts->syncs);
}

/* Offsets are off_t for the system: nothing lies beyond INT64_MAX. */
static bool check_offsets(uint64_t at, uint64_t len, struct img_err *err)
{
	uint64_t end;

	if (img_add_u64(at, len, &end) && end <= INT64_MAX)
		return true;
	return img_fail(err, IMG_E_RANGE,
			_("%" PRIu64 " bytes at offset %" PRIu64 " are beyond any file"), len, at);
}

static bool check_room(struct img_store *st, uint64_t at, uint64_t len, struct img_err *err)
{
	uint64_t size;

	if ((st->caps & IMG_STORE_RESIZE) || !(st->caps & IMG_STORE_SEEK))
		return true;
	if (!st->ops->size(st, &size, err))
		return false;
	if (at <= size && len <= size - at)
		return true;
	return img_fail(err, IMG_E_RANGE,
			_("no room for %" PRIu64 " bytes at offset %" PRIu64 ": the end is at %"
			  PRIu64), len, at, size);
}

static bool check_right(struct img_store *st, struct img_err *err)
{
	return (st->caps & IMG_STORE_WRITE) ||
	       img_fail(err, IMG_E_DENIED, _("is open for reading only"));
}

/* Names the store: this is no error of one below. */
static bool check_read(struct img_store *st, uint64_t at, uint64_t len, struct img_err *err)
{
	return check_offsets(at, len, err) || img_within(err, "%s", st->name);
}

static bool check_write(struct img_store *st, uint64_t at, uint64_t len, struct img_err *err)
{
	return (check_right(st, err) && check_offsets(at, len, err) &&
		check_room(st, at, len, err)) || img_within(err, "%s", st->name);
}

bool img_store_size(struct img_store *st, uint64_t *bytes, struct img_err *err)
{
	return st->ops->size(st, bytes, err) || fail_in(st, err);
}

bool img_store_read_some(struct img_store *st, uint64_t at, void *buf, size_t len, size_t *got,
			 struct img_err *err)
{
	if (!check_read(st, at, len, err))
		return false;
	count(&st->counts.reads, &st->counts.read_bytes, len);
	return st->ops->read(st, at, buf, len, got, err) || fail_in(st, err);
}

bool img_store_time(struct img_store *st, int64_t *seconds, struct img_err *err)
{
	if (!st->ops->time)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("%s: there is no time of the last change"), st->name);
	return st->ops->time(st, seconds, err) || fail_in(st, err);
}

bool img_store_read_padded(struct img_store *st, uint64_t at, void *buf, size_t len, struct img_err *err)
{
	size_t got = 0;

	/* Places that no file can have are refused; a damaged header may name them. */
	if (at <= INT64_MAX - len && !img_store_read_some(st, at, buf, len, &got, err))
		return false;
	memset((uint8_t *)buf + got, 0, len - got);
	return true;
}

bool img_store_read(struct img_store *st, uint64_t at, void *buf, size_t len, struct img_err *err)
{
	size_t got;

	if (!img_store_read_some(st, at, buf, len, &got, err))
		return false;
	if (got == len)
		return true;
	img_fail(err, IMG_E_INCOMPLETE,
		 _("ends at offset %" PRIu64 ", but %zu bytes at offset %" PRIu64 " are needed"),
		 at + got, len, at);
	return img_within(err, "%s", st->name);
}

size_t img_store_ready(struct img_store *st, int wait_ms)
{
	return st->ops->ready ? st->ops->ready(st, wait_ms) : SIZE_MAX;
}

bool img_store_write(struct img_store *st, uint64_t at, const void *buf, size_t len,
		     struct img_err *err)
{
	if (len == 0)
		return true;
	if (!check_write(st, at, len, err))
		return false;
	count(&st->counts.writes, &st->counts.written_bytes, len);
	return st->ops->write(st, at, buf, len, err) || fail_in(st, err);
}

bool img_store_write_held(struct img_store *st, uint64_t at, const void *buf, size_t len,
			  struct img_hold *hold, struct img_err *err)
{
	if (!st->ops->write_held || len == 0)
		return img_store_write(st, at, buf, len, err);
	if (!check_write(st, at, len, err))
		return false;
	count(&st->counts.writes, &st->counts.written_bytes, len);
	return st->ops->write_held(st, at, buf, len, hold, err) || fail_in(st, err);
}

bool img_store_write_zeros(struct img_store *st, uint64_t at, uint64_t len, struct img_err *err)
{
	while (len > 0) {
		const size_t n = img_min_u64(len, sizeof(img_zeros));

		if (!st->ops->write(st, at, img_zeros, n, err))
			return false;
		at += n;
		len -= n;
	}
	return true;
}

bool img_store_zero(struct img_store *st, uint64_t at, uint64_t len, bool keep_space,
		    struct img_err *err)
{
	bool done;

	if (len == 0)
		return true;
	if (!check_write(st, at, len, err))
		return false;
	count(&st->counts.zeros, &st->counts.zeroed_bytes, len);
	if (st->ops->zero)
		done = st->ops->zero(st, at, len, keep_space, err);
	else
		done = img_store_write_zeros(st, at, len, err);
	return done || fail_in(st, err);
}

bool img_store_extent(struct img_store *st, uint64_t at, uint64_t limit, struct img_extent *out,
		      struct img_err *err)
{
	assert(at < limit);
	if (st->ops->extent)
		return st->ops->extent(st, at, limit, out, err) || fail_in(st, err);
	*out = (struct img_extent){
		.start = at, .len = limit - at, .kind = IMG_EXTENT_DATA,
		.store = st, .host = at, .host_len = limit - at,
	};
	return true;
}

bool img_store_resize(struct img_store *st, uint64_t bytes, struct img_err *err)
{
	if (!(st->caps & IMG_STORE_RESIZE)) {
		img_fail(err, IMG_E_UNSUPPORTED, _("cannot change its size"));
		return img_within(err, "%s", st->name);
	}
	if (!check_write(st, 0, bytes, err))
		return false;
	return st->ops->resize(st, bytes, err) || fail_in(st, err);
}

bool img_store_preallocate(struct img_store *st, uint64_t at, uint64_t len,
			   enum img_preallocation how, struct img_err *err)
{
	bool done;

	if (len == 0 || how < IMG_PREALLOC_FALLOC)
		return true;
	if (!check_write(st, at, len, err))
		return false;
	count(&st->counts.zeros, &st->counts.zeroed_bytes, len);
	if (st->ops->preallocate)
		done = st->ops->preallocate(st, at, len, how, err);
	else if (how == IMG_PREALLOC_FULL)
		done = img_store_write_zeros(st, at, len, err);
	else
		done = img_fail(err, IMG_E_UNSUPPORTED, _("cannot set space aside"));
	return done || fail_in(st, err);
}

bool img_store_reserve(struct img_store *st, uint64_t at, uint64_t len, struct img_err *err)
{
	return len == 0 || !st->ops->reserve || st->ops->reserve(st, at, len, err) ||
	       fail_in(st, err);
}

void img_store_expect(struct img_store *st, uint64_t end)
{
	if (st->ops->expect)
		st->ops->expect(st, end);
}

void img_store_expect_run(struct img_store *st, uint64_t at, uint64_t end)
{
	if (st->ops->expect_run)
		st->ops->expect_run(st, at, end);
}

void img_store_forget(struct img_store *st, uint64_t before)
{
	if (st->ops->forget)
		st->ops->forget(st, before);
}

bool img_store_drain(struct img_store *st, uint64_t at, struct img_err *err)
{
	uint8_t rest[16384];
	size_t got = sizeof(rest);

	while (st->ops->forget && got == sizeof(rest)) {
		if (!img_store_read_some(st, at, rest, sizeof(rest), &got, err))
			return false;
		at += got;
		img_store_forget(st, at);
	}
	return true;
}

/* Whether a sync has failed already; then err says so. */
static bool sync_has_failed(struct img_store *st, struct img_err *err)
{
	errno = atomic_load(&st->sync_errno);
	if (!errno)
		return false;
	img_fail_os(err, _("an earlier attempt to bring data to the disk failed"));
	img_within(err, "%s", st->name);
	return true;
}

bool img_store_sync(struct img_store *st, struct img_err *err)
{
	struct img_err why = { 0 };

	if (!st->ops->sync || st->cache == IMG_CACHE_UNSAFE)
		return true;
	if (sync_has_failed(st, err))
		return false;
	atomic_fetch_add_explicit(&st->counts.syncs, 1, memory_order_relaxed);
	/* The system tells of a failure once, and another thread may have been told. */
	if (st->ops->sync(st, &why))
		return !sync_has_failed(st, err);
	atomic_store(&st->sync_errno, why.os_errno ? why.os_errno : EIO);
	if (err)
		*err = why;
	return fail_in(st, err);
}

bool img_store_copy(struct img_store *st, uint64_t at, struct img_store *from, uint64_t from_at,
		    uint64_t len, uint64_t *done, struct img_err *err)
{
	if (!check_write(st, at, len, err) || !check_read(from, from_at, len, err))
		return false;
	if (st->ops->copy && len > 0)
		return st->ops->copy(st, at, from, from_at, len, done, err) || fail_in(st, err);
	*done = 0;
	return true;
}

/* Tries it behind the end, and cuts that off again. */
bool img_store_clones(struct img_store *st, struct img_store *from)
{
	uint64_t size, end, done = 0;

	if (!(st->caps & IMG_STORE_RESIZE) || !(from->caps & IMG_STORE_SEEK) ||
	    (from->caps & IMG_STORE_COMING) || !img_store_size(st, &end, NULL) ||
	    !img_store_size(from, &size, NULL) || size == 0 ||
	    end > INT64_MAX / 2)
		return false;
	if (!img_store_copy(st, img_round_up(end, CLONE_BYTES), from, 0,
			    img_min_u64(size, CLONE_BYTES), &done, NULL) || done == 0)
		return false;
	return img_store_resize(st, end, NULL);
}

bool img_store_check_next(uint64_t next, uint64_t at, struct img_err *err)
{
	return at == next ||
	       img_fail(err, IMG_E_UNSUPPORTED, _("cannot seek from offset %" PRIu64 " to %" PRIu64), next,
			at);
}

bool img_store_peek(struct img_store *st, void *buf, size_t len, size_t *got, struct img_err *err)
{
	if (!st->ops->peek)
		return img_store_read_some(st, 0, buf, len, got, err);
	return st->ops->peek(st, buf, len, got, err) || fail_in(st, err);
}

bool img_store_confirm(struct img_store *st, struct img_err *err)
{
	return !st->ops->confirm || st->ops->confirm(st, err) || fail_in(st, err);
}

bool img_store_publish(struct img_store *st, struct img_err *err)
{
	if (!st->ops->publish)
		return img_store_sync(st, err);
	return st->ops->publish(st, err) || fail_in(st, err);
}

void img_store_close(struct img_store *st)
{
	char *name;

	if (!st)
		return;
	if (st->held) {
		st->held--;
		return;
	}
	name = st->name;
	st->ops->close(st);
	free(name);
}

struct img_store *img_store_hold(struct img_store *st)
{
	st->held++;
	return st;
}
