/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scratch.h"
#include "nbd_fake.h"

#define KIB UINT64_C(1024)

static struct img_nbd_library library;
static struct img_nbd_conn *conn;
static uint8_t buf[FAKE_BYTES];

static void connect_fake(void)
{
	fake_start();
	library = fake_library();
	ok(conn = img_nbd_connect(&library, "nbd://fake", &err));
}

static void disconnect_fake(void)
{
	img_nbd_disconnect(conn);
	cr_assert(fake.connections == 0 && fake.waiting == 0);
}

TestSuite(nbd_conn, .init = connect_fake, .fini = disconnect_fake);

static bool run(enum img_nbd_command command, uint64_t at, uint64_t len)
{
	return img_nbd_do(conn, &(struct img_nbd_request){ .command = command, .at = at, .len = len,
							   .into = buf, .from = buf }, &err);
}

static bool was_asked(unsigned i, enum img_nbd_command kind, uint64_t at, uint64_t len)
{
	return i < fake.n_asked && fake.asked[i].kind == kind && fake.asked[i].at == at &&
	       fake.asked[i].len == len;
}

Test(nbd_conn, reads_in_pieces_that_come_in_any_order)
{
	fill_pattern(fake.bytes, 0, FAKE_BYTES);
	ok(run(IMG_NBD_READ, 100, 600 * KIB));
	cr_assert(is_pattern(buf, 100, 600 * KIB));
	cr_assert(fake.n_asked == 3 && fake.most_waiting == 3);
	cr_assert(was_asked(0, IMG_NBD_READ, 100, 256 * KIB) &&
		  was_asked(2, IMG_NBD_READ, 100 + 512 * KIB, 88 * KIB));
}

Test(nbd_conn, what_waits_for_an_answer_is_bounded)
{
	fake.size = INT64_MAX;
	ok(run(IMG_NBD_ZERO, FAKE_BYTES, 40 * KIB * KIB * KIB));
	cr_assert(fake.n_asked == 40 && fake.most_waiting == 16);
	cr_assert(was_asked(39, IMG_NBD_ZERO, FAKE_BYTES + 39 * KIB * KIB * KIB, KIB * KIB * KIB));
}

Test(nbd_conn, writes_zeroes_and_flushes)
{
	fill_pattern(buf, 0, 300 * KIB);
	ok(run(IMG_NBD_WRITE, 0, 300 * KIB));
	ok(run(IMG_NBD_ZERO_KEEP, 5, 10));
	ok(run(IMG_NBD_FLUSH, 0, 0));
	cr_assert(is_pattern(fake.bytes, 0, 5) && is_zero(fake.bytes + 5, 10) &&
		  is_pattern(fake.bytes + 15, 15, 300 * KIB - 15));
	cr_assert(was_asked(2, IMG_NBD_ZERO_KEEP, 5, 10) && was_asked(3, IMG_NBD_FLUSH, 0, 0));
}

Test(nbd_conn, one_piece_that_fails_fails_all)
{
	fake.fail_at = 2;
	fake.fail_errno = ENOSPC;
	fails(run(IMG_NBD_WRITE, 0, 600 * KIB), IMG_E_NOSPACE);
	cr_assert(fake.waiting == 0);
	ok(run(IMG_NBD_WRITE, 0, 600 * KIB));
}

/* Those before it are awaited: they point into this request. */
Test(nbd_conn, one_that_is_not_taken_fails_all)
{
	fake.reject_at = 3;
	fails(run(IMG_NBD_READ, 0, 900 * KIB), IMG_E_IO);
	cr_assert_str_eq(err.text, "the server said no");
	cr_assert(fake.n_asked == 2 && fake.waiting == 0);
}

Test(nbd_conn, no_connection_no_harm)
{
	fake.refuses = true;
	fails(img_nbd_connect(&library, "nbd://fake", &err), IMG_E_IO);
	cr_assert_str_eq(err.text, "the server said no");
	img_nbd_disconnect(NULL);
}

Test(nbd_conn, runs_of_zeros_are_joined)
{
	const uint32_t told[] = { 10, 0, 5, 0, 0, 3, 20, LIBNBD_STATE_ZERO | LIBNBD_STATE_HOLE };
	struct img_nbd_status status = { .start = 7, .end = 7 };

	memcpy(fake.entries, told, sizeof(told));
	fake.n_entries = 8;
	ok(img_nbd_do(conn, &(struct img_nbd_request){ .command = IMG_NBD_STATUS, .at = 7, .len = 50,
						       .status = &status }, &err));
	cr_assert(status.n == 2 && status.end == 42);
	cr_assert(status.v[0].end == 22 && !status.v[0].zero && status.v[1].end == 42 &&
		  status.v[1].zero);
	free(status.v);
}
