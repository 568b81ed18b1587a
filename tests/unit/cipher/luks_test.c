/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Headers that are made, opened and changed in memory; other programs judge them in tests/interop. */
#include "cipher/cipher.h"
#include "cipher/luks1_layout.h"
#include "headers.h"

/* ---- Made and opened ----------------------------------------------------------------------------- */

static const struct img_luks_new kinds[] = {
	{ .version = 1 },
	{ .version = 1, .mode = "cbc-essiv:sha256", .hash = "sha1" },
	{ .version = 1, .key_len = 32, .hash = "sha512", .payload_at = 4 << 20 },
	{ .version = 1, .mode = "cbc-plain64", .key_len = 24 },
	{ .version = 2, .memory_kib = 64, .parallel = 1 },
	{ .version = 2, .pbkdf = "pbkdf2", .hash = "sha512", .sector = 4096, .label = "a label" },
	{ .version = 2, .pbkdf = "argon2i", .memory_kib = 64, .mode = "cbc-essiv:sha256",
	  .payload_at = 1 << 20 },
};
#define N_KINDS (sizeof(kinds) / sizeof(*kinds))

Test(luks, what_is_enciphered_comes_back)
{
	for (size_t i = 0; i < N_KINDS; i++) {
		struct img_store *st = new_store();
		struct img_luks_volume made = format(st, kinds[i]), opened;
		uint8_t buf[8192] = "some data";
		struct img_err err = { 0 };

		cr_assert(img_cipher_encrypt(made.cipher, 0, buf, buf, sizeof(buf), &err));
		cr_assert_str_neq((char *)buf, "some data");
		cr_assert(opens(st, "one", &opened, &err), "%zu: %s", i, err.text);
		cr_assert(img_cipher_decrypt(opened.cipher, 0, buf, buf, sizeof(buf), &err));
		cr_assert_str_eq((char *)buf, "some data", "%zu", i);
		cr_assert_eq(opened.payload_at, made.payload_at);
		cr_assert_eq(opened.version, kinds[i].version);
		cr_assert(!kinds[i].payload_at || opened.payload_at == kinds[i].payload_at);
		cr_assert_eq(opened.payload_at % (1 << 20), 0);
		img_luks_volume_close(&made);
		img_luks_volume_close(&opened);
		img_store_close(st);
	}
}

Test(luks, no_two_are_the_same)
{
	struct img_store *a = new_store(), *b = new_store();
	struct img_luks_volume one = format(a, kinds[0]), two = format(b, kinds[0]);
	uint8_t from_one[512] = { 0 }, from_two[512] = { 0 };
	struct img_err err = { 0 };

	cr_assert(img_cipher_encrypt(one.cipher, 0, from_one, from_one, 512, &err));
	cr_assert(img_cipher_encrypt(two.cipher, 0, from_two, from_two, 512, &err));
	cr_assert_arr_neq(from_one, from_two, 512);
	img_luks_volume_close(&one);
	img_luks_volume_close(&two);
	img_store_close(a);
	img_store_close(b);
}

Test(luks, wrong_and_missing_keys)
{
	for (size_t i = 0; i < N_KINDS; i++) {
		struct img_store *st = new_store();
		struct img_luks_volume volume = format(st, kinds[i]);
		struct img_err err = { 0 };

		img_luks_volume_close(&volume);
		expect_refuses(st, "two", IMG_E_KEY);
		expect_refuses(st, "", IMG_E_KEY);
		expect_refuses(st, "one\n", IMG_E_KEY);
		cr_assert_not(img_luks_unlock(st, AT, 0, NULL, &volume, &err));
		cr_assert_eq(err.code, IMG_E_KEY);
		img_store_close(st);
	}
}

Test(luks, any_of_several_keys)
{
	struct img_store *st = new_store();
	struct img_luks_volume volume = format(st, kinds[0]);
	IMG_AUTO_SECRET struct img_secret *wrong = secret("two"), *right = secret("one");
	const struct img_secret *const list[] = { wrong, right };
	const struct img_keys keys = { list, 2 };
	struct img_err err = { 0 };

	img_luks_volume_close(&volume);
	cr_assert(img_luks_unlock(st, AT, 0, &keys, &volume, &err), "%s", err.text);
	img_luks_volume_close(&volume);
	img_store_close(st);
}

Test(luks, a_header_without_its_data)
{
	struct img_luks_new what = kinds[0];
	struct img_store *st = new_store();
	struct img_luks_volume volume;
	struct img_err err = { 0 };

	what.detached = true;
	volume = format(st, what);
	cr_assert_eq(volume.payload_at, 0);
	img_luks_volume_close(&volume);
	cr_assert(opens(st, "one", &volume, &err), "%s", err.text);
	cr_assert_eq(volume.payload_at, 0);
	img_luks_volume_close(&volume);
	img_store_close(st);
}

static const struct {
	struct img_luks_new what;
	enum img_code code;
} refused[] = {
	{ { .version = 3 }, IMG_E_UNSUPPORTED },
	{ { .version = 1, .pbkdf = "argon2id" }, IMG_E_UNSUPPORTED },
	{ { .version = 1, .label = "name" }, IMG_E_UNSUPPORTED },
	{ { .version = 2, .pbkdf = "scrypt" }, IMG_E_UNSUPPORTED },
	{ { .version = 2, .sector = 8192 }, IMG_E_ARGUMENT },
	{ { .version = 2, .sector = 4096, .payload_at = (16 << 20) + 512 }, IMG_E_ARGUMENT },
	{ { .version = 2, .payload_at = 128 << 10 }, IMG_E_ARGUMENT },
	{ { .version = 2, .label = "more than forty-eight bytes cannot be had in there" },
	  IMG_E_ARGUMENT },
	{ { .version = 1, .sector = 4096 }, IMG_E_UNSUPPORTED },
	{ { .version = 1, .cipher = "serpent" }, IMG_E_UNSUPPORTED },
	{ { .version = 1, .hash = "sha257" }, IMG_E_UNSUPPORTED },
	{ { .version = 1, .payload_at = 4096 }, IMG_E_ARGUMENT },
	{ { .version = 1, .payload_at = (4 << 20) + 1 }, IMG_E_ARGUMENT },
	{ { .version = 1, .key_len = 1024 }, IMG_E_ARGUMENT },
	{ { .version = 1, .uuid = "none" }, IMG_E_ARGUMENT },
	{ { .version = 1, .cipher = "a-name-that-is-longer-than-any-of-them" }, IMG_E_ARGUMENT },
};

Test(luks, what_is_not_made)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		IMG_AUTO_SECRET struct img_secret *one = secret("one");
		struct img_luks_new what = refused[i].what;
		struct img_store *st = new_store();
		struct img_luks_volume volume;
		struct img_err err = { 0 };
		uint64_t len;

		what.key = one;
		what.iterations = 4;
		cr_assert_not(img_luks_format(st, AT, &what, &volume, &len, &err), "%zu", i);
		cr_assert_eq(err.code, refused[i].code, "%zu: %s", i, err.text);
		img_store_close(st);
	}
}

/* ---- Key slots ----------------------------------------------------------------------------------- */

Test(luks, slots_come_and_go)
{
	for (size_t i = 0; i < N_KINDS; i++) {
		struct img_store *st = new_store();
		struct img_luks_volume volume = format(st, kinds[i]);
		struct img_luks *lk;

		img_luks_volume_close(&volume);
		cr_assert_eq(add(st, "one", "two"), 1);
		cr_assert_eq(add(st, "two", "three"), 2);
		expect_opens(st, "one");
		expect_opens(st, "three");
		take_away(st, 0);
		expect_refuses(st, "one", IMG_E_KEY);
		expect_opens(st, "two");
		cr_assert_eq(add(st, "two", "four"), 0);
		expect_opens(st, "four");
		lk = open_header(st);
		cr_assert_eq(img_luks_count(lk), 3);
		img_luks_close(lk);
		for (uint32_t k = 0; k < 3; k++)
			take_away(st, k);
		expect_refuses(st, "two", IMG_E_KEY);
		img_store_close(st);
	}
}

/* Where the material of slot i is, and its first bytes. */
static uint64_t read_material(struct img_store *st, uint32_t i, uint8_t bytes[64])
{
	struct img_luks *lk = open_header(st);
	struct img_keyslot slot;
	struct img_err err = { 0 };

	cr_assert(lk->ops->slot(lk, i, &slot, &err), "%s", err.text);
	img_luks_close(lk);
	cr_assert(img_store_read(st, slot.material_at, bytes, 64, &err), "%s", err.text);
	return slot.material_at;
}

Test(luks, what_is_removed_is_gone)
{
	for (size_t i = 0; i < N_KINDS; i++) {
		struct img_store *st = new_store();
		struct img_luks_volume volume = format(st, kinds[i]);
		uint8_t before[64], after[64];
		struct img_err err = { 0 };
		uint64_t at;

		img_luks_volume_close(&volume);
		at = read_material(st, 0, before);
		take_away(st, 0);
		cr_assert(img_store_read(st, at, after, sizeof(after), &err), "%s", err.text);
		cr_assert_arr_neq(before, after, sizeof(after));
		img_store_close(st);
	}
}

Test(luks, slots_that_cannot_be_had)
{
	const struct img_kdf kdf = { .name = "pbkdf2", .hash = "sha256", .iterations = 5 };
	IMG_AUTO_SECRET struct img_secret *key = secret("0123456789012345678901234567890123456789"
						       "012345678901234567890123");
	struct img_store *st = new_store();
	struct img_luks_volume volume = format(st, kinds[0]);
	struct img_luks *lk = open_header(st);
	struct img_err err = { 0 };
	uint32_t slot = 0;

	img_luks_volume_close(&volume);
	cr_assert_not(img_luks_add(lk, key, key, &kdf, &slot, &err));
	cr_assert_eq(err.code, IMG_E_ARGUMENT);
	slot = lk->ops->n_slots;
	cr_assert_not(img_luks_add(lk, key, key, &kdf, &slot, &err));
	cr_assert_eq(err.code, IMG_E_ARGUMENT);
	for (uint32_t i = 1; i < lk->ops->n_slots; i++) {
		slot = IMG_LUKS_ANY;
		cr_assert(img_luks_add(lk, key, key, &kdf, &slot, &err), "%s", err.text);
		cr_assert_eq(slot, i);
	}
	slot = IMG_LUKS_ANY;
	cr_assert_not(img_luks_add(lk, key, key, &kdf, &slot, &err));
	cr_assert_eq(err.code, IMG_E_NOSPACE);
	img_luks_close(lk);
	img_store_close(st);
}

/* ---- Damage -------------------------------------------------------------------------------------- */

/* A slot that is damaged keeps no other from being opened; alone it says what is wrong. */
Test(luks, damaged_slots)
{
	struct img_store *st = new_store();
	struct img_luks_volume volume = format(st, kinds[0]);

	img_luks_volume_close(&volume);
	add(st, "one", "two");
	put_byte(st, IMG_LUKS1_SLOTS + IMG_LUKS1_SLOT_STRIPES + 3, 1);
	expect_opens(st, "two");
	expect_refuses(st, "one", IMG_E_KEY);
	take_away(st, 1);
	expect_refuses(st, "one", IMG_E_CORRUPT);
	take_away(st, 0);
	expect_refuses(st, "one", IMG_E_KEY);
	img_store_close(st);
}

/* What would overwrite the key of another slot is not done. */
Test(luks, slots_in_the_same_place)
{
	const struct img_kdf kdf = { .name = "pbkdf2", .hash = "sha256", .iterations = 5 };
	IMG_AUTO_SECRET struct img_secret *one = secret("one"), *key = NULL;
	struct img_store *st = new_store();
	struct img_luks_volume volume = format(st, kinds[0]);
	uint32_t slot = IMG_LUKS_ANY;
	struct img_err err = { 0 };
	struct img_luks *lk;

	img_luks_volume_close(&volume);
	add(st, "one", "two");
	/* Slot 2 stands where slot 1 does. */
	for (unsigned i = 0; i < 4; i++) {
		const uint64_t at = IMG_LUKS1_SLOTS + IMG_LUKS1_SLOT_MATERIAL + i;
		uint8_t byte;

		cr_assert(img_store_read(st, AT + at + IMG_LUKS1_SLOT_BYTES, &byte, 1, &err));
		put_byte(st, at + 2 * IMG_LUKS1_SLOT_BYTES, byte);
	}
	lk = open_header(st);
	key = img_luks_try(lk, one, &slot, &err);
	cr_assert(key, "%s", err.text);
	slot = 2;
	cr_assert_not(img_luks_add(lk, key, one, &kdf, &slot, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT, "%s", err.text);
	img_luks_close(lk);
	expect_opens(st, "two");
	/* As if it had been done: slot 2 is in use. */
	for (unsigned i = 0; i < 40; i++) {
		const uint64_t at = IMG_LUKS1_SLOTS + i;
		uint8_t byte;

		cr_assert(img_store_read(st, AT + at, &byte, 1, &err));
		put_byte(st, at + 2 * IMG_LUKS1_SLOT_BYTES, byte);
	}
	lk = open_header(st);
	cr_assert_not(img_luks_remove(lk, 2, &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT, "%s", err.text);
	expect_opens(st, "two");
	cr_assert(img_luks_erase(lk, &err), "%s", err.text);
	img_luks_close(lk);
	expect_refuses(st, "two", IMG_E_KEY);
	img_store_close(st);
}

Test(luks, cut_off)
{
	struct img_store *st = new_store();
	struct img_luks_volume volume = format(st, kinds[0]);
	struct img_err err = { 0 };

	img_luks_volume_close(&volume);
	cr_assert(img_store_resize(st, AT + 8192, &err), "%s", err.text);
	expect_refuses(st, "one", IMG_E_CORRUPT);
	cr_assert(img_store_resize(st, AT + 500, &err), "%s", err.text);
	expect_refuses(st, "one", IMG_E_INCOMPLETE);
	cr_assert(img_store_resize(st, AT, &err), "%s", err.text);
	expect_refuses(st, "one", IMG_E_INCOMPLETE);
	img_store_close(st);
}

/* ---- Headers as a whole -------------------------------------------------------------------------- */

static struct img_store *back_up(struct img_store *st)
{
	struct img_store *file = new_store();
	struct img_luks *lk = open_header(st);
	struct img_err err = { 0 };

	cr_assert(img_luks_backup(lk, file, &err), "%s", err.text);
	img_luks_close(lk);
	return file;
}

static bool restore(struct img_store *st, uint64_t len, struct img_store *file, bool force,
		    struct img_err *err)
{
	struct img_luks *backup = img_luks_open(file, 0, 0, err);
	bool done;

	cr_assert(backup, "%s", err->text);
	done = img_luks_restore(st, AT, len, backup, force, err);
	img_luks_close(backup);
	return done;
}

Test(luks, erased_and_brought_back)
{
	for (size_t i = 0; i < N_KINDS; i++) {
		struct img_store *st = new_store(), *file;
		struct img_luks_volume volume = format(st, kinds[i]);
		struct img_err err = { 0 };
		struct img_luks *lk;

		img_luks_volume_close(&volume);
		add(st, "one", "two");
		file = back_up(st);
		lk = open_header(st);
		cr_assert(img_luks_erase(lk, &err), "%s", err.text);
		cr_assert_eq(img_luks_count(lk), 0);
		img_luks_close(lk);
		expect_refuses(st, "one", IMG_E_KEY);
		cr_assert(restore(st, 0, file, false, &err), "%s", err.text);
		expect_opens(st, "one");
		expect_opens(st, "two");
		img_store_close(file);
		img_store_close(st);
	}
}

Test(luks, what_is_not_brought_back)
{
	struct img_store *st = new_store(), *other = new_store(), *file;
	struct img_luks_volume one = format(st, kinds[0]), two = format(other, kinds[0]);
	struct img_err err = { 0 };

	img_luks_volume_close(&one);
	img_luks_volume_close(&two);
	file = back_up(other);
	cr_assert_not(restore(st, 0, file, false, &err));
	cr_assert_eq(err.code, IMG_E_MISMATCH, "%s", err.text);
	expect_opens(st, "one");
	/* Less room than the header has, in an image around it or at the end of the file. */
	cr_assert_not(restore(st, 1 << 20, file, true, &err));
	cr_assert_eq(err.code, IMG_E_ARGUMENT, "%s", err.text);
	cr_assert(img_store_resize(st, 1 << 20, &err), "%s", err.text);
	cr_assert_not(restore(st, 0, file, true, &err));
	cr_assert_eq(err.code, IMG_E_ARGUMENT, "%s", err.text);
	put_byte(other, 0, 'X');
	cr_assert_not(restore(other, 0, file, false, &err));
	cr_assert_eq(err.code, IMG_E_NOT_THIS_FORMAT, "%s", err.text);
	cr_assert(restore(other, 0, file, true, &err), "%s", err.text);
	expect_opens(other, "one");
	img_store_close(file);
	img_store_close(other);
	img_store_close(st);
}
