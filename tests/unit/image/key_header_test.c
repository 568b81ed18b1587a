/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys of images by name, wherever the header lies in them: they come, go, are kept, and what is refused. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "cipher/luks_header.h"
#include "image/image.h"
#include "unit/fake/files.h"
#include "unit/fake/key.h"

static const struct {
	const char *format, *options;
} images[] = {
	{ "luks", "iter-time=1" },
	{ "luks", "version=2,pbkdf=pbkdf2,iter-time=1" },
	{ "qcow2", "encrypt.format=luks,encrypt.iter-time=1" },
};

enum { N_IMAGES = sizeof(images) / sizeof(*images), NOBODY = IMG_LUKS_ANY };

static const struct img_key_work little = { .pbkdf = "pbkdf2", .hash = "sha256", .iterations = 1000 };
static const struct img_open to_write = { .path = "image", .flags = IMG_OPEN_WRITE };
static struct img_err err;

TestSuite(key_header, .init = files_enter, .fini = files_leave);

#define ok(what) cr_assert(what, "%s", err.text)

static void make(size_t i)
{
	const struct img_create what = {
		.path = "image", .format = images[i].format, .options = images[i].options,
		.size = 64 << 10, .key = fake_key(),
	};
	struct img *im;

	ok(im = img_create(&what, &err));
	ok(img_finish(im, &err));
	img_close(im);
}

static struct img_secret *secret(const char *text)
{
	struct img_secret *key = img_secret_new(strlen(text), &err);

	ok(key);
	memcpy(img_secret_bytes(key), text, strlen(text));
	img_secret_set_len(key, strlen(text));
	return key;
}

/* The slot that the key opens, or NOBODY. */
static uint32_t opens(struct img_key_header *kh, const struct img_secret *key)
{
	const struct img_keys keys = { &key, 1 };
	uint32_t slot = IMG_LUKS_ANY;

	err = (struct img_err){ 0 };
	if (img_key_test(kh, &keys, &slot, &err))
		return slot;
	cr_assert_eq(err.code, IMG_E_KEY, "%s", err.text);
	return NOBODY;
}

Test(key_header, keys_come_and_go)
{
	struct img_secret *other = secret("other"), *third = secret("third");
	const struct img_secret *const list[] = { other };
	const struct img_keys others = { list, 1 };

	for (size_t i = 0; i < N_IMAGES; i++) {
		struct img_key_header *kh;
		uint32_t slot = IMG_LUKS_ANY, taken = 0;

		make(i);
		ok(kh = img_key_header_open(&to_write, &err));
		cr_assert_eq(opens(kh, other), NOBODY);
		cr_assert(!img_key_add(kh, &others, third, &little, &slot, &err));
		cr_assert_eq(err.code, IMG_E_KEY, "%s", err.text);
		cr_assert(!img_key_add(kh, fake_keys(), other, &little, &taken, &err));
		cr_assert_eq(err.code, IMG_E_ARGUMENT, "%s", err.text);
		ok(img_key_add(kh, fake_keys(), other, &little, &slot, &err));
		cr_assert_eq(opens(kh, other), slot);
		cr_assert_eq(img_key_count(kh), 2);
		ok(img_key_change(kh, &others, third, &little, &slot, &err));
		cr_assert_eq(opens(kh, other), NOBODY);
		cr_assert_eq(opens(kh, third), slot);
		ok(img_key_remove(kh, slot, &err));
		cr_assert(!img_key_slot_used(kh, slot));
		cr_assert(!img_key_remove(kh, slot, &err));
		cr_assert_eq(err.code, IMG_E_ARGUMENT, "%s", err.text);
		cr_assert(!img_key_slot_used(kh, UINT32_MAX));
		cr_assert_eq(opens(kh, fake_key()), 0);
		img_key_header_close(kh);
	}
	img_secret_free(other);
	img_secret_free(third);
}

Test(key_header, comes_back_from_a_file)
{
	for (size_t i = 0; i < N_IMAGES; i++) {
		struct img_key_header *kh;

		make(i);
		ok(kh = img_key_header_open(&to_write, &err));
		ok(img_key_header_backup(kh, "kept", &err));
		ok(img_key_erase(kh, &err));
		cr_assert_eq(img_key_count(kh), 0);
		cr_assert_eq(opens(kh, fake_key()), NOBODY);
		img_key_header_close(kh);
		ok(img_key_header_restore(&to_write, "kept", false, &err));
		ok(kh = img_key_header_open(&to_write, &err));
		cr_assert_eq(opens(kh, fake_key()), 0);
		img_key_header_close(kh);
		/* The same again is another volume. */
		make(i);
		cr_assert(!img_key_header_restore(&to_write, "kept", false, &err));
		cr_assert_eq(err.code, IMG_E_MISMATCH, "%s", err.text);
		ok(img_key_header_restore(&to_write, "kept", true, &err));
		remove("kept");
	}
}

Test(key_header, others_have_none)
{
	static const uint8_t zeros[4096];

	files_write_qcow2("image", NULL, NULL, 0);
	cr_assert_null(img_key_header_open(&to_write, &err));
	cr_assert_eq(err.code, IMG_E_UNSUPPORTED, "%s", err.text);
	files_write("image", zeros, sizeof(zeros));
	cr_assert_null(img_key_header_open(&to_write, &err));
	cr_assert_eq(err.code, IMG_E_NOT_THIS_FORMAT, "%s", err.text);
}
