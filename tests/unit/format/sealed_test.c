/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Enciphered bytes of any alignment, beside an array that the same is done to. */
#include <criterion/criterion.h>
#include <string.h>
#include "format/sealed.h"

enum { DISK = 1 << 20, SHIFT = 3 << 20, ROUNDS = 400 };

struct sealed_case {
	uint32_t sector;
	uint32_t seed;
	struct img_sealed run;
	uint8_t plain[DISK], seen[DISK];
};

static uint32_t draw(struct sealed_case *c)
{
	c->seed = c->seed * 1103515245 + 12345;
	return c->seed >> 8;
}

static void start(struct sealed_case *c, uint32_t sector)
{
	static const uint8_t key[64] = "keys of two halves that are not the same, as XTS demands it";
	const struct img_cipher_spec spec = { "aes", "xts-plain64", sector, 0 };
	struct img_err err = { 0 };

	*c = (struct sealed_case){ .sector = sector, .seed = sector };
	c->run = (struct img_sealed){ .sector = sector, .iv = SHIFT };
	c->run.cipher = img_cipher_open(&spec, key, sizeof(key), &err);
	c->run.store = img_store_mem(NULL, 0, &err);
	cr_assert(c->run.cipher && c->run.store, "%s", err.text);
	cr_assert(img_store_resize(c->run.store, DISK, &err));
	cr_assert(img_sealed_write(&c->run, c->plain, DISK, &err), "%s", err.text);
}

static void stop(struct sealed_case *c)
{
	img_cipher_close(c->run.cipher);
	img_store_close(c->run.store);
}

/* Of any length up to some sectors; now and then one that takes more than a piece. */
static size_t draw_len(struct sealed_case *c, uint64_t at)
{
	const size_t most = draw(c) % 20 ? 3 * (size_t)c->sector : DISK;
	const size_t len = draw(c) % most;

	return len < DISK - at ? len : DISK - at;
}

static void write_some(struct sealed_case *c)
{
	const uint64_t at = draw(c) % DISK;
	const size_t len = draw_len(c, at);
	const struct img_sealed to = img_sealed_from(c->run, at);
	struct img_err err = { 0 };

	memset(c->plain + at, (int)draw(c), len);
	cr_assert(img_sealed_write(&to, c->plain + at, len, &err), "%s", err.text);
}

static void read_some(struct sealed_case *c)
{
	const uint64_t at = draw(c) % DISK;
	const size_t len = draw_len(c, at);
	const struct img_sealed from = img_sealed_from(c->run, at);
	struct img_err err = { 0 };

	cr_assert(img_sealed_read(&from, c->seen, len, &err), "%s", err.text);
	cr_assert(!memcmp(c->seen, c->plain + at, len), "%zu bytes at %zu", len, (size_t)at);
}

/* What lies in the store is what the cipher makes of the whole disk at once. */
static void expect_stored(struct sealed_case *c)
{
	static uint8_t stored[DISK];
	struct img_err err = { 0 };

	cr_assert(img_store_read(c->run.store, 0, stored, DISK, &err));
	cr_assert(img_cipher_encrypt(c->run.cipher, SHIFT, c->plain, c->seen, DISK, &err));
	cr_assert(!memcmp(stored, c->seen, DISK));
}

static void work_with(uint32_t sector)
{
	static struct sealed_case c;

	start(&c, sector);
	for (unsigned i = 0; i < ROUNDS; i++) {
		write_some(&c);
		read_some(&c);
	}
	expect_stored(&c);
	stop(&c);
}

Test(sealed, any_alignment_in_sectors_of_512_bytes)
{
	work_with(512);
}

Test(sealed, any_alignment_in_sectors_of_4096_bytes)
{
	work_with(4096);
}

Test(sealed, of_a_part_of_a_sector_nothing_is_read)
{
	static struct sealed_case c;
	struct img_err err = { 0 };
	uint8_t byte;

	start(&c, 512);
	cr_assert(img_store_resize(c.run.store, 700, &err));
	const struct img_sealed from = img_sealed_from(c.run, 512);

	cr_assert_not(img_sealed_read(&from, &byte, 1, &err));
	stop(&c);
}
