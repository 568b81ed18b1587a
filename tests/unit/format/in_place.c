/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "in_place.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

static bool below_extent(const struct img_below *self, uint64_t at, uint64_t limit,
			 struct img_extent *out, struct img_err *err)
{
	(void)self;
	(void)err;
	*out = (struct img_extent){ .start = at, .len = limit - at, .kind = IMG_EXTENT_ENCODED };
	return true;
}

static bool below_read(const struct img_below *self, uint64_t at, void *buf, size_t len,
		       struct img_err *err)
{
	(void)self;
	(void)at;
	(void)err;
	memset(buf, '#', len);
	return true;
}

const struct img_below in_place_below = { .extent = below_extent, .read = below_read };

void in_place_write(struct img_layer *ly, uint64_t at, size_t len, char c)
{
	static char bytes[64 << 10];
	struct img_err err = { 0 };

	cr_assert_leq(len, sizeof(bytes));
	memset(bytes, c, len);
	cr_assert(ly->format->disk->write(ly, at, bytes, len, &err), "%s", err.text);
}

void in_place_zero(struct img_layer *ly, uint64_t at, size_t len)
{
	struct img_err err = { 0 };

	cr_assert(ly->format->disk->zero(ly, at, len, true, &err), "%s", err.text);
}

void in_place_flush(struct img_layer *ly)
{
	struct img_err err = { 0 };
	bool freed = true;

	cr_assert(ly->format->disk->flush(ly, &freed, &err), "%s", err.text);
	cr_assert_not(freed);
}

char in_place_seen(struct img_layer *ly, uint64_t at)
{
	struct img_err err = { 0 };
	struct img_extent ex;
	char c;

	cr_assert(ly->format->extent(ly, at, ly->size, &ex, &err), "%s", err.text);
	cr_assert_neq(ex.kind, IMG_EXTENT_LOST);
	if (ex.kind == IMG_EXTENT_HOLE || ex.kind == IMG_EXTENT_ZERO)
		return ex.kind == IMG_EXTENT_HOLE ? '.' : 'z';
	if (ex.kind == IMG_EXTENT_ENCODED)
		cr_assert(ly->format->read(ly, at, &c, 1, &err), "%s", err.text);
	else
		cr_assert(img_store_read(ex.store, ex.host, &c, 1, &err), "%s", err.text);
	return c ? c : '0';
}

/* ---- Two threads ----------------------------------------------------------------------------- */

struct meeting {
	struct img_below below;
	struct img_layer *ly;
	uint64_t at;
	pthread_t second;
	bool begun;
	_Atomic bool ended, ended_too_early;
};

static void *write_second(void *arg)
{
	struct meeting *m = arg;
	struct img_err err = { 0 };

	cr_assert(m->ly->format->disk->write(m->ly, m->at + 200, "b", 1, &err), "%s", err.text);
	m->ended = true;
	return NULL;
}

static bool read_and_meet(const struct img_below *self, uint64_t at, void *buf, size_t len,
			  struct img_err *err)
{
	struct meeting *m = (struct meeting *)self;

	if (!m->begun) {
		m->begun = true;
		cr_assert_not(pthread_create(&m->second, NULL, write_second, m));
		usleep(50000);
		m->ended_too_early = m->ended;
	}
	return below_read(self, at, buf, len, err);
}

void in_place_meet(struct img_layer *ly, uint64_t at)
{
	struct meeting m = {
		.below = { .extent = below_extent, .read = read_and_meet }, .ly = ly, .at = at,
	};

	ly->below = &m.below;
	in_place_write(ly, at + 100, 1, 'a');
	cr_assert_not(pthread_join(m.second, NULL));
	cr_assert_not(m.ended_too_early);
	cr_assert_eq(in_place_seen(ly, at), '#');
	cr_assert_eq(in_place_seen(ly, at + 100), 'a');
	cr_assert_eq(in_place_seen(ly, at + 200), 'b');
	ly->below = NULL;
}
