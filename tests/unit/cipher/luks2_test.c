/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two copies of a LUKS2 header, and JSON that is not what it should be. */
#include <stdio.h>
#include "cipher/luks2_layout.h"
#include "headers.h"

enum { SIZE = IMG_LUKS2_SIZE_MIN };

static const struct img_luks_new usual = { .version = 2, .memory_kib = 64, .parallel = 1 };

static struct img_store *new_volume(void)
{
	struct img_store *st = new_store();
	struct img_luks_volume volume = format(st, usual);

	img_luks_volume_close(&volume);
	return st;
}

static void read_copy(struct img_store *st, unsigned i, uint8_t raw[SIZE])
{
	struct img_err err = { 0 };

	cr_assert(img_store_read(st, AT + i * SIZE, raw, SIZE, &err), "%s", err.text);
}

static void write_copy(struct img_store *st, unsigned i, const uint8_t raw[SIZE])
{
	struct img_err err = { 0 };

	cr_assert(img_store_write(st, AT + i * SIZE, raw, SIZE, &err), "%s", err.text);
}

static void expect_copies(struct img_store *st, bool first, bool second)
{
	struct img_luks *lk = open_header(st);
	const struct img_luks2_copy *copies = img_luks2_copies(lk);

	cr_assert_eq(!copies[0].why.code, first, "%s", copies[0].why.text);
	cr_assert_eq(!copies[1].why.code, second, "%s", copies[1].why.text);
	img_luks_close(lk);
}

/* ---- Copies -------------------------------------------------------------------------------------- */

Test(luks2, either_copy_is_enough)
{
	for (unsigned i = 0; i < 2; i++) {
		struct img_store *st = new_volume();

		expect_copies(st, true, true);
		put_byte(st, i * SIZE + IMG_LUKS2_BYTES + 3, 'x');
		expect_copies(st, i, !i);
		expect_opens(st, "one");
		/* Any change writes both. */
		add(st, "one", "two");
		expect_copies(st, true, true);
		expect_opens(st, "two");
		put_byte(st, i * SIZE, 'x');
		expect_copies(st, i, !i);
		put_byte(st, !i * SIZE, 'x');
		expect_refuses(st, "one", IMG_E_NOT_THIS_FORMAT);
		img_store_close(st);
	}
}

Test(luks2, the_newer_copy_counts)
{
	for (unsigned i = 0; i < 2; i++) {
		struct img_store *st = new_volume();
		uint8_t old[SIZE];

		read_copy(st, i, old);
		add(st, "one", "two");
		write_copy(st, i, old);
		expect_opens(st, "two");
		expect_copies(st, true, true);
		put_byte(st, !i * SIZE + IMG_LUKS2_BYTES, 'x');
		expect_refuses(st, "two", IMG_E_KEY);
		expect_opens(st, "one");
		img_store_close(st);
	}
}

/* Adds the key "two" to what "one" opens; write number n does nothing, or half ("=short"), and fails. */
static bool add_until(struct img_store *st, unsigned n, const char *how, struct img_store **with_fault)
{
	const struct img_kdf kdf = { .name = "pbkdf2", .hash = "sha256", .iterations = 5 };
	IMG_AUTO_SECRET struct img_secret *one = secret("one"), *two = secret("two"), *key = NULL;
	uint32_t from = IMG_LUKS_ANY, to = IMG_LUKS_ANY;
	struct img_err err = { 0 };
	struct img_luks *lk;
	char script[32];
	bool done;

	snprintf(script, sizeof(script), "write:%u%s", n, how);
	*with_fault = img_store_fault(st, script, &err);
	lk = open_header(*with_fault);
	key = img_luks_try(lk, one, &from, &err);
	cr_assert(key, "%s", err.text);
	done = img_luks_add(lk, key, two, &kdf, &to, &err);
	img_luks_close(lk);
	return done;
}

/*
 * Whatever write of a change is the last, if only half of it is done, and if one of the copies was
 * damaged before: the old key opens it.
 */
Test(luks2, a_crash_at_any_write)
{
	for (unsigned damaged = 0; damaged < 3; damaged++) {
		/* The material and two copies are three writes. */
		for (unsigned n = 1; n <= 4; n++) {
			struct img_store *st = new_volume(), *with_fault;

			if (damaged < 2)
				put_byte(st, damaged * SIZE + IMG_LUKS2_BYTES + 3, 'x');
			cr_assert_eq(add_until(st, n, "=short", &with_fault), n == 4, "%u", n);
			expect_opens(with_fault, "one");
			img_store_close(with_fault);
		}
	}
}

/* The copy that nobody would miss is written first: when it is, both are sound. */
Test(luks2, the_damaged_copy_is_written_first)
{
	for (unsigned damaged = 0; damaged < 2; damaged++) {
		struct img_store *st = new_volume(), *with_fault;

		put_byte(st, damaged * SIZE + IMG_LUKS2_BYTES + 3, 'x');
		cr_assert_not(add_until(st, 3, "", &with_fault));
		expect_copies(with_fault, true, true);
		img_store_close(with_fault);
	}
}

/* ---- Binary headers ------------------------------------------------------------------------------ */

static const struct {
	size_t at;
	uint8_t byte;
	enum img_code code;
} broken[] = {
	{ IMG_LUKS2_MAGIC, 'X', IMG_E_NOT_THIS_FORMAT },
	{ IMG_LUKS2_VERSION + 1, 3, IMG_E_UNSUPPORTED },
	{ IMG_LUKS2_HDR_SIZE + 6, 0x20, IMG_E_CORRUPT },	/* 8 KiB */
	{ IMG_LUKS2_HDR_SIZE + 6, 0x41, IMG_E_CORRUPT },	/* no power of two */
	{ IMG_LUKS2_HDR_SIZE + 4, 0x80, IMG_E_CORRUPT },	/* 8 MiB and more */
	{ IMG_LUKS2_HDR_OFFSET + 6, 0x40, IMG_E_CORRUPT },
	{ IMG_LUKS2_CSUM_ALG, 'x', IMG_E_UNSUPPORTED },
	{ IMG_LUKS2_CSUM, 0, IMG_E_CORRUPT },
	{ IMG_LUKS2_SALT, 0, IMG_E_CORRUPT },			/* anything below the checksum */
	{ IMG_LUKS2_BYTES - 1, 1, IMG_E_CORRUPT },
};

Test(luks2, binary_headers_that_are_wrong)
{
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		struct img_store *st = new_volume();
		uint8_t raw[SIZE];

		read_copy(st, 0, raw);
		cr_assert(raw[broken[i].at] != broken[i].byte || broken[i].at == IMG_LUKS2_CSUM ||
			  broken[i].at == IMG_LUKS2_SALT);
		raw[broken[i].at] = raw[broken[i].at] == broken[i].byte ? 1 : broken[i].byte;
		write_copy(st, 0, raw);
		expect_opens(st, "one");
		put_byte(st, SIZE, 'X');
		expect_refuses(st, "one", broken[i].code);
		img_store_close(st);
	}
}

/* ---- JSON ---------------------------------------------------------------------------------------- */

/* Puts `to` in the place of `from` in the JSON of both copies, with checksums that are right. */
static void edit(struct img_store *st, const char *from, const char *to)
{
	for (unsigned i = 0; i < 2; i++) {
		uint8_t raw[SIZE], old[SIZE];
		char *json = (char *)raw + IMG_LUKS2_BYTES, *place;
		struct img_luks2_hdr hdr;
		struct img_err err = { 0 };

		read_copy(st, i, raw);
		memcpy(old, raw, SIZE);
		cr_assert(img_luks2_decode(raw, i, &hdr, &err), "%s", err.text);
		place = strstr(json, from);
		cr_assert(place, "%s is not in %s", from, json);
		sprintf(place, "%s%s", to, (char *)old + (place - (char *)raw) + strlen(from));
		cr_assert(img_luks2_encode(&hdr, raw, &err), "%s", err.text);
		write_copy(st, i, raw);
	}
}

static const struct {
	const char *from, *to;
	enum img_code code;
} edits[] = {
	/* no header at all */
	{ "{\"keyslots\"", "[\"keyslots\"", IMG_E_CORRUPT },
	{ "{\"keyslots\"", "\"keyslots\"", IMG_E_CORRUPT },
	{ "\"keyslots\":{", "\"keyslots\":[{", IMG_E_CORRUPT },
	{ "\"digests\":{", "\"digest\":{", IMG_E_CORRUPT },
	{ "\"segments\":{", "\"segment\":{", IMG_E_CORRUPT },
	{ "\"json_size\":\"12288\"", "\"json_size\":\"12289\"", IMG_E_CORRUPT },
	{ "\"json_size\":\"12288\"", "\"json_size\":12288", IMG_E_CORRUPT },
	{ "\"keyslots_size\":\"16744448\"", "\"keyslots_size\":\"-1\"", IMG_E_CORRUPT },
	{ "\"keyslots_size\":\"16744448\"", "\"keyslots_size\":\"16744449\"", IMG_E_CORRUPT },
	/* no slot that can be used */
	{ "\"type\":\"luks2\"", "\"type\":\"luks3\"", IMG_E_UNSUPPORTED },
	{ "\"key_size\":64", "\"key_size\":0", IMG_E_CORRUPT },
	{ "\"key_size\":64", "\"key_size\":-64", IMG_E_CORRUPT },
	{ "\"key_size\":64", "\"key_size\":\"64\"", IMG_E_CORRUPT },
	{ "\"key_size\":64", "\"key_size\":65", IMG_E_CORRUPT },
	{ "\"key_size\":64", "\"key_size\":4294967297", IMG_E_CORRUPT },
	{ "\"stripes\":4000", "\"stripes\":0", IMG_E_CORRUPT },
	{ "\"stripes\":4000", "\"stripes\":4294967295", IMG_E_CORRUPT },
	{ "\"type\":\"luks1\"", "\"type\":\"none\"", IMG_E_UNSUPPORTED },
	{ "\"hash\":\"sha256\"}", "\"hash\":\"sha257\"}", IMG_E_UNSUPPORTED },
	{ "\"type\":\"raw\"", "\"type\":\"journal\"", IMG_E_UNSUPPORTED },
	{ "\"offset\":\"32768\"", "\"offset\":\"28672\"", IMG_E_CORRUPT },
	{ "\"offset\":\"32768\"", "\"offset\":\"18446744073709551615\"", IMG_E_CORRUPT },
	{ "\"offset\":\"32768\"", "\"offset\":\"18446744073709551616\"", IMG_E_CORRUPT },
	{ "\"offset\":\"32768\"", "\"offset\":\" 32768\"", IMG_E_CORRUPT },
	{ "\"offset\":\"32768\"", "\"offset\":\"\"", IMG_E_CORRUPT },
	{ "\"size\":\"258048\"", "\"size\":\"255999\"", IMG_E_CORRUPT },
	{ "\"size\":\"258048\"", "\"size\":\"99999999\"", IMG_E_CORRUPT },
	{ "\"encryption\":\"aes-xts-plain64\"", "\"encryption\":\"aes\"", IMG_E_UNSUPPORTED },
	{ "\"encryption\":\"aes-xts-plain64\"", "\"encryption\":\"serpent-xts-plain64\"",
	  IMG_E_UNSUPPORTED },
	{ "\"type\":\"argon2id\"", "\"type\":\"scrypt\"", IMG_E_UNSUPPORTED },
	{ "\"time\":4", "\"time\":0", IMG_E_RANGE },
	{ "\"memory\":64", "\"memory\":4294967295", IMG_E_RANGE },
	{ "\"cpus\":1", "\"cpus\":100000", IMG_E_RANGE },
	{ "\"salt\":\"", "\"salt\":\"=", IMG_E_CORRUPT },
	{ "\"keyslots\":[\"0\"]", "\"keyslots\":[0]", IMG_E_CORRUPT },
	{ "\"segments\":[\"0\"]", "\"segments\":[]", IMG_E_UNSUPPORTED },
	{ "\"segments\":[\"0\"]", "\"segments\":{}", IMG_E_CORRUPT },
	{ "\"digest\":\"", "\"digest\":\"!!!!", IMG_E_CORRUPT },
	/* data that cannot be read */
	{ "\"type\":\"crypt\"", "\"type\":\"linear\"", IMG_E_UNSUPPORTED },
	{ "\"type\":\"crypt\"", "\"integrity\":{},\"type\":\"crypt\"", IMG_E_UNSUPPORTED },
	{ "\"segments\":{", "\"segments\":{\"1\":{},", IMG_E_UNSUPPORTED },
	{ "\"size\":\"dynamic\"", "\"size\":\"0\"", IMG_E_CORRUPT },
	{ "\"size\":\"dynamic\"", "\"size\":\"513\"", IMG_E_CORRUPT },
	{ "\"size\":\"dynamic\"", "\"size\":\"18446744073709551104\"", IMG_E_RANGE },
	{ "\"sector_size\":512", "\"sector_size\":0", IMG_E_CORRUPT },
	{ "\"sector_size\":512", "\"sector_size\":8192", IMG_E_CORRUPT },
	{ "\"offset\":\"16777216\"", "\"offset\":\"16777217\"", IMG_E_CORRUPT },
	{ "\"config\":{", "\"config\":{\"requirements\":{\"mandatory\":[\"online-reencrypt\"]},",
	  IMG_E_UNSUPPORTED },
	{ "\"config\":{", "\"config\":{\"requirements\":{\"mandatory\":[null]},", IMG_E_UNSUPPORTED },
};

Test(luks2, json_that_is_wrong)
{
	for (size_t i = 0; i < sizeof(edits) / sizeof(*edits); i++) {
		struct img_store *st = new_volume();

		edit(st, edits[i].from, edits[i].to);
		expect_refuses(st, "one", edits[i].code);
		img_store_close(st);
	}
}

/* What has no meaning here stays, and does no harm; a token forgets a slot that is gone. */
Test(luks2, what_others_have_written)
{
	struct img_store *st = new_volume();
	uint8_t raw[SIZE];
	const char *json = (const char *)raw + IMG_LUKS2_BYTES;

	edit(st, "\"tokens\":{", "\"tokens\":{\"0\":{\"type\":\"mine\",\"keyslots\":[\"0\",\"1\"]}");
	edit(st, "\"config\":{", "\"config\":{\"flags\":[\"allow-discards\"],");
	add(st, "one", "two");
	take_away(st, 0);
	expect_opens(st, "two");
	read_copy(st, 0, raw);
	cr_assert(strstr(json, "{\"0\":{\"type\":\"mine\",\"keyslots\":[\"1\"]}"), "%s", json);
	cr_assert(strstr(json, "\"flags\":[\"allow-discards\"]"), "%s", json);
	img_store_close(st);
}

Test(luks2, deep_json_is_refused)
{
	struct img_store *st = new_volume();
	char deep[1024] = "\"tokens\":{\"0\":";

	for (int i = 0; i < 100; i++)
		strcat(deep, "[");
	for (int i = 0; i < 100; i++)
		strcat(deep, "]");
	edit(st, "\"tokens\":{", deep);
	expect_refuses(st, "one", IMG_E_CORRUPT);
	img_store_close(st);
}

Test(luks2, a_json_area_without_an_end)
{
	struct img_store *st = new_volume();

	for (unsigned i = 0; i < 2; i++) {
		struct img_luks2_hdr hdr;
		struct img_err err = { 0 };
		uint8_t raw[SIZE];

		read_copy(st, i, raw);
		cr_assert(img_luks2_decode(raw, i, &hdr, &err), "%s", err.text);
		memset(raw + IMG_LUKS2_BYTES, ' ', SIZE - IMG_LUKS2_BYTES);
		cr_assert(img_luks2_encode(&hdr, raw, &err), "%s", err.text);
		write_copy(st, i, raw);
	}
	expect_refuses(st, "one", IMG_E_CORRUPT);
	img_store_close(st);
}
