/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"
#include "store/produced.h"

enum { MEGABYTE = 1 << 20 };

/* Makes pattern bytes up to end, then fails with code, or has come to its end. */
struct maker {
	struct img_producer producer;
	uint64_t made, end;
	size_t most;			/* bytes at once */
	enum img_code code;
	bool closed;
};

static bool make(struct img_producer *producer, uint8_t *buf, size_t len, size_t *got,
		 struct img_err *why)
{
	struct maker *m = (struct maker *)producer;

	*got = len < m->most ? len : m->most;
	if (*got > m->end - m->made)
		*got = m->end - m->made;
	fill_pattern(buf, m->made, *got);
	m->made += *got;
	return *got || m->code == IMG_OK || img_fail(why, m->code, "as it was told to");
}

static void close_maker(struct img_producer *producer)
{
	((struct maker *)producer)->closed = true;
}

static const struct img_producer_ops ops = { .make = make, .close = close_maker };

static struct img_store *stream_of(struct maker *m, uint64_t most)
{
	struct img_store *st;

	m->producer.ops = &ops;
	ok(st = img_store_produced(&m->producer, "made", most, &err));
	return st;
}

Test(produced, gives_all_bytes_in_order_and_knows_its_size_at_the_end)
{
	struct maker m = { .end = 9 * MEGABYTE + 17, .most = 70001 };
	struct img_store *st = stream_of(&m, UINT64_MAX);
	uint8_t *buf = malloc(MEGABYTE);
	uint64_t at = 0, size;
	size_t got;

	ok(img_store_size(st, &size, &err));
	cr_assert_eq(size, IMG_SIZE_UNKNOWN);
	ok(img_store_peek(st, buf, 100, &got, &err));
	cr_assert(got == 100 && is_pattern(buf, 0, 100));
	do {
		ok(img_store_read_some(st, at, buf, 300007, &got, &err));
		cr_assert(is_pattern(buf, at, got));
		at += got;
	} while (got == 300007);
	cr_assert_eq(at, m.end);
	ok(img_store_size(st, &size, &err));
	cr_assert_eq(size, m.end);
	fails(img_store_read(st, 5, buf, 1, &err), IMG_E_UNSUPPORTED);
	img_store_close(st);
	cr_assert(m.closed);
	free(buf);
}

Test(produced, what_came_before_a_failure_is_there)
{
	struct maker m = { .end = MEGABYTE + 5, .most = MEGABYTE, .code = IMG_E_CORRUPT };
	struct img_store *st = stream_of(&m, UINT64_MAX);
	uint8_t *buf = malloc(2 * MEGABYTE);

	ok(img_store_read(st, 0, buf, MEGABYTE + 5, &err));
	cr_assert(is_pattern(buf, 0, MEGABYTE + 5));
	fails(img_store_read(st, MEGABYTE + 5, buf, 1, &err), IMG_E_CORRUPT);
	img_store_close(st);
	free(buf);
}

Test(produced, ends_where_it_gets_too_long)
{
	struct maker m = { .end = UINT64_MAX, .most = MEGABYTE };
	struct img_store *st = stream_of(&m, 3 * MEGABYTE);
	uint8_t *buf = malloc(8 * MEGABYTE);

	fails(img_store_read(st, 0, buf, 8 * MEGABYTE, &err), IMG_E_RANGE);
	cr_assert_lt(m.made, UINT64_C(10) * MEGABYTE);
	img_store_close(st);
	free(buf);
}

Test(produced, is_closed_while_nobody_reads)
{
	struct maker m = { .end = UINT64_MAX, .most = 4096 };
	struct img_store *st = stream_of(&m, UINT64_MAX);
	uint8_t byte;

	ok(img_store_read(st, 0, &byte, 1, &err));
	img_store_close(st);
	cr_assert(m.closed && m.made <= UINT64_C(8) * MEGABYTE);
}

Test(produced, waits_for_a_pipe_no_longer_than_it_is_wanted)
{
	int ends[2];
	struct img_pull pull = { .at = 0 };
	_Atomic bool stop = true;
	uint8_t byte;
	size_t got;

	cr_assert(!pipe(ends));
	ok(pull.st = img_store_fd(ends[0], 0, "pipe", &err));
	pull.stop = &stop;
	fails(img_pull(&pull, &byte, 1, &got, &err), IMG_E_CANCELLED);
	stop = false;
	cr_assert_eq(write(ends[1], "ab", 2), 2);
	ok(img_pull(&pull, &byte, 1, &got, &err));
	cr_assert(got == 1 && byte == 'a');
	img_store_close(pull.st);
}
