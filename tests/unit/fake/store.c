/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A store in memory that counts, fails when told to, and can behave like a pipe. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/err.h"
#include "unit/fake/fake.h"

static struct fake_store *fake(struct img_store *st)
{
	return (struct fake_store *)st;
}

static bool store_size(struct img_store *st, uint64_t *bytes, struct img_err *err)
{
	(void)err;
	*bytes = fake(st)->len;
	return true;
}

static bool fails(_Atomic unsigned *calls, unsigned fail_call, struct img_err *err)
{
	if (atomic_fetch_add(calls, 1) + 1 != fail_call)
		return false;
	errno = EIO;
	img_fail_os(err, "fake");
	return true;
}

static void count_flow(struct fake_flow *flow, size_t len)
{
	int64_t now, most;

	if (!flow)
		return;
	now = atomic_fetch_add(&flow->now, (int64_t)len) + (int64_t)len;
	most = flow->most;
	while (now > most && !atomic_compare_exchange_weak(&flow->most, &most, now))
		;
}

static bool store_read(struct img_store *st, uint64_t at, void *buf, size_t len, size_t *got,
		       struct img_err *err)
{
	struct fake_store *fs = fake(st);
	const uint64_t end = fs->len;

	if (fails(&fs->reads, fs->fail_read, err))
		return false;
	if (!(st->caps & IMG_STORE_SEEK) && at != fs->next)
		return img_fail(err, IMG_E_IO, "fake: read at %lu instead of %lu", at, fs->next);
	*got = at >= end ? 0 : end - at < len ? end - at : len;
	memcpy(buf, fs->bytes + (*got ? at : 0), *got);
	if (!(st->caps & IMG_STORE_SEEK))
		fs->next += *got;
	count_flow(fs->flow, *got);
	return true;
}

static bool store_write(struct img_store *st, uint64_t at, const void *buf, size_t len,
			struct img_err *err)
{
	struct fake_store *fs = fake(st);
	uint64_t end = fs->len;

	if (fails(&fs->writes, fs->fail_write, err))
		return false;
	if (!(st->caps & IMG_STORE_SEEK) && at != fs->next)
		return img_fail(err, IMG_E_IO, "fake: write at %lu instead of %lu", at, fs->next);
	if (at + len > fs->room)
		return img_fail(err, IMG_E_NOSPACE, "fake: no room");
	memcpy(fs->bytes + at, buf, len);
	if (!(st->caps & IMG_STORE_SEEK))
		fs->next = at + len;
	while (end < at + len && !atomic_compare_exchange_weak(&fs->len, &end, at + len))
		;
	return true;
}

static bool store_resize(struct img_store *st, uint64_t bytes, struct img_err *err)
{
	if (bytes > fake(st)->room)
		return img_fail(err, IMG_E_NOSPACE, "fake: no room");
	fake(st)->len = bytes;
	return true;
}

static void store_close(struct img_store *st)
{
	free(fake(st)->bytes);
	free(st);
}

static const struct img_store_ops fake_store_ops = {
	.kind = "fake",
	.size = store_size,
	.read = store_read,
	.write = store_write,
	.resize = store_resize,
	.close = store_close,
};

struct fake_store *fake_store_new(uint64_t len, uint64_t room, unsigned caps)
{
	struct fake_store *fs = calloc(1, sizeof(*fs));

	fs->head = (struct img_store){
		.ops = &fake_store_ops, .name = strdup("fake"), .caps = caps, .align = 1,
	};
	fs->bytes = calloc(1, room + 1);
	fs->len = len;
	fs->room = room;
	return fs;
}
