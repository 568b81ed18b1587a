/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Encrypted images: without a key, with parts of one sector that several threads write, and damage. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/bytes.h"
#include "format/qcow2/layout.h"
#include "image/image.h"
#include "unit/fake/files.h"
#include "unit/fake/key.h"

enum { DISK = 1 << 20, ROUNDS = 3000, WRITERS = 2 };

TestSuite(encrypted, .init = files_enter, .fini = files_leave, .timeout = 60);

static void make(const char *format, const char *options)
{
	const struct img_create what = {
		.path = "image", .format = format, .size = DISK, .options = options, .key = fake_key(),
	};
	struct img_err err = { 0 };
	struct img *im = img_create(&what, &err);

	cr_assert(im && img_finish(im, &err), "%s", err.text);
	img_close(im);
}

static struct img *try_open(unsigned flags, struct img_err *err)
{
	const struct img_open how = {
		.path = "image", .flags = flags,
		.keys = flags & IMG_OPEN_NO_KEY ? NULL : fake_keys(),
	};

	*err = (struct img_err){ 0 };
	return img_open(&how, err);
}

/* ---- Threads ------------------------------------------------------------------------------------- */

struct writer {
	struct img *im;
	uint64_t at;
	uint8_t last;
	bool ok;
	pthread_t thread;
};

/* Its own byte of a sector that others write to. */
static void *write_often(void *arg)
{
	struct writer *w = arg;

	w->ok = true;
	for (unsigned i = 0; w->ok && i < ROUNDS; i++) {
		uint8_t seen;

		w->last = (uint8_t)i;
		w->ok = img_write(w->im, w->at, &w->last, 1, NULL) &&
			img_read(w->im, w->at, &seen, 1, NULL) && seen == w->last;
	}
	return NULL;
}

static void write_together(const char *format, const char *options)
{
	struct writer writers[WRITERS];
	struct img_err err;
	struct img *im;

	make(format, options);
	im = try_open(IMG_OPEN_WRITE, &err);
	cr_assert(im, "%s", err.text);
	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){ .im = im, .at = 70000 + i };
		cr_assert_eq(pthread_create(&writers[i].thread, NULL, write_often, &writers[i]), 0);
	}
	for (unsigned i = 0; i < WRITERS; i++) {
		pthread_join(writers[i].thread, NULL);
		cr_assert(writers[i].ok, "byte %u is lost", i);
	}
	cr_assert(img_finish(im, &err), "%s", err.text);
	img_close(im);
}

Test(encrypted, parts_of_a_sector_are_written_by_several_threads)
{
	write_together("qcow2", "encrypt.format=luks,encrypt.iter-time=1");
	remove("image");
	write_together("qcow2", "encrypt.format=aes");
	remove("image");
	write_together("qcow", "encrypt.format=aes");
}

/* ---- Without a key ------------------------------------------------------------------------------- */

Test(encrypted, structure_needs_no_key_and_data_do)
{
	uint8_t byte = 1;
	struct img_err err;
	struct img *im;

	make("qcow2", "encrypt.format=luks,encrypt.iter-time=1");
	im = try_open(IMG_OPEN_WRITE, &err);
	cr_assert(im && img_write(im, 0, &byte, 1, &err) && img_finish(im, &err), "%s", err.text);
	img_close(im);
	im = try_open(IMG_OPEN_WRITE | IMG_OPEN_NO_KEY, &err);
	cr_assert(im, "%s", err.text);
	cr_assert_not(img_read(im, 0, &byte, 1, &err));
	cr_assert_eq(err.code, IMG_E_KEY);
	err = (struct img_err){ 0 };
	cr_assert_not(img_write(im, 1, &byte, 1, &err));
	cr_assert_eq(err.code, IMG_E_KEY);
	err = (struct img_err){ 0 };
	cr_assert(img_read(im, DISK / 2, &byte, 1, &err) && !byte, "%s", err.text);
	cr_assert(img_write_zeros(im, 0, 65536, true, &err) && img_read(im, 0, &byte, 1, &err) && !byte,
		  "%s", err.text);
	cr_assert(img_finish(im, &err), "%s", err.text);
	img_close(im);
}

/* ---- Damage -------------------------------------------------------------------------------------- */

static const struct {
	const char *what;
	uint64_t off, len;
	enum img_code code;
} places[] = {
	{ "nowhere", 0, 4096, IMG_E_CORRUPT },
	{ "empty", 65536, 0, IMG_E_CORRUPT },
	{ "too long", 65536, UINT64_MAX, IMG_E_CORRUPT },
	{ "behind the file", UINT64_C(1) << 40, 4096, IMG_E_INCOMPLETE },
	{ "at the end of all numbers", UINT64_MAX - 4095, 4096, IMG_E_INCOMPLETE },
	{ "over the header of the image", 0x1000, 4096, IMG_E_NOT_THIS_FORMAT },
};

/* Where the extension stands: behind a version 3 header, as the first. */
static uint8_t *find_extension(uint8_t *raw, size_t len)
{
	for (size_t at = 0; at + 24 <= len; at += 8)
		if (img_get_be32(raw + at) == QCOW2_EXT_CRYPT)
			return raw + at + 8;
	cr_assert(false, "there is no encryption extension");
	return NULL;
}

Test(encrypted, a_header_in_an_impossible_place_is_no_crash)
{
	uint8_t *raw, *ext;
	struct img_err err;
	size_t len;

	make("qcow2", "encrypt.format=luks,encrypt.iter-time=1");
	raw = files_read("image", &len);
	ext = find_extension(raw, 65536);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		img_put_be64(ext + QCOW2_CRYPT_OFF, places[i].off);
		img_put_be64(ext + QCOW2_CRYPT_LEN, places[i].len);
		files_write("image", raw, len);
		cr_assert_null(try_open(0, &err), "%s", places[i].what);
		cr_expect_eq(err.code, places[i].code, "%s: %d, %s", places[i].what, err.code,
			     err.text);
	}
	free(raw);
}
