/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every driver that makes images: what goes in comes out again, with each of its options, with any
 * number of threads the same bytes, and a failing target is an error.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "conformance/samples.h"
#include "copy/copy.h"
#include "extent/extent.h"
#include "unit/fake/fake.h"
#include "unit/fake/files.h"
#include "unit/fake/key.h"

#define BLOCK 65536
#define SECTOR 512

TestSuite(writing, .init = files_enter, .fini = files_leave);

/* Contents, and how many bytes the last block lacks. */
static const struct disk {
	const char *drawing;
	unsigned cut;
} disks[] = {
	{ "", 0 },
	{ "a", BLOCK - 1 },
	{ "a", BLOCK - 512 },
	{ ".", 0 },
	{ "abcq", 0 },
	{ "a.0z-bQ!q", 0 },
	{ "..........................a", 0 },
	{ "aaaaaaaaaaaaaaaaaaaaaaqqqqqqqqqqqqqqqq....................bbcc--qq", 1000 },
};

static uint64_t size_of(const struct disk *disk)
{
	return strlen(disk->drawing) * (uint64_t)BLOCK - disk->cut;
}

static bool copy(struct img *src, struct img *dst, bool compress, unsigned threads,
		 struct img_err *err)
{
	const struct img_copy what = {
		.src = src, .dst = dst, .threads = threads, .compress = compress,
		.zero_grain = 4096, .salvage = true,
	};
	struct img_copy_stats stats;

	return img_copy_run(&what, NULL, &stats, err);
}

/* Makes path; false when the driver refuses what it is asked for before anything is written. */
static bool make(const struct img_format *format, const char *path, const char *options,
		 const struct disk *disk, bool compress, unsigned threads)
{
	char all[128];
	const struct img_create what = {
		.path = path, .format = format->name, .size = size_of(disk),
		.options = fake_hasty(format->name, options, all, sizeof(all)),
		.compressed = compress, .key = fake_key(),
	};
	struct img_err err = { 0 };
	struct img *dst = img_create(&what, &err);
	struct img *src;

	if (!dst) {
		cr_assert(err.code == IMG_E_ARGUMENT || err.code == IMG_E_RANGE ||
			  err.code == IMG_E_UNSUPPORTED, "%s -o %s: %s", format->name,
			  options ? options : "", err.text);
		cr_assert_not(files_exist(path));
		return false;
	}
	src = fake_disk(disk->drawing, BLOCK, size_of(disk));
	cr_assert(copy(src, dst, compress, threads, &err) && img_finish(dst, &err),
		  "%s -o %s \"%s\": %s", format->name, options ? options : "", disk->drawing,
		  err.text);
	img_close(src);
	img_close(dst);
	return true;
}

/* Formats that count in sectors end with zeros; bytes holds the disk and nothing else. */
static bool holds(const uint8_t *bytes, uint64_t len, const struct disk *disk)
{
	const uint64_t size = size_of(disk);
	uint8_t *want = fake_content(disk->drawing, BLOCK, size);
	const bool same = len >= size && len - size < SECTOR && !memcmp(bytes, want, size) &&
			  img_is_zero(bytes + size, len - size);

	free(want);
	return same;
}

/* Copies im to a raw file and reads that. */
static uint8_t *back_to_raw(struct img *im, size_t *len)
{
	const struct img_create what = {
		.path = "back.raw", .format = "raw", .size = img_size(im),
	};
	struct img_err err = { 0 };
	struct img *raw = img_create(&what, &err);

	cr_assert(raw && copy(im, raw, false, 2, &err) && img_finish(raw, &err), "%s", err.text);
	img_close(raw);
	return files_read("back.raw", len);
}

/* path holds the disk, by whatever way it is looked at. */
static void check_image(const struct img_format *format, const char *path, const char *options,
			const struct disk *disk)
{
	const struct img_open how = {
		.path = path, .gate = &img_gate_local, .keys = fake_keys(),
	};
	const char *said = options ? options : "";
	struct img_err err = { 0 };
	struct img *im = img_open(&how, &err);
	uint8_t *seen;
	size_t len;

	cr_assert(im, "%s -o %s: %s", format->name, said, err.text);
	cr_assert_eq(img_layer_format(im, 0), format);
	seen = malloc(img_size(im) + 1);
	cr_assert(img_read(im, 0, seen, img_size(im), &err), "%s -o %s: %s", format->name, said,
		  err.text);
	cr_assert(holds(seen, img_size(im), disk), "%s -o %s \"%s\"", format->name, said,
		  disk->drawing);
	free(seen);
	seen = back_to_raw(im, &len);
	cr_assert(holds(seen, len, disk), "%s -o %s \"%s\"", format->name, said, disk->drawing);
	free(seen);
	img_close(im);
}

static void round_trip(const struct img_format *format, const char *options, bool compress)
{
	for (size_t i = 0; i < sizeof(disks) / sizeof(disks[0]); i++) {
		if (!make(format, "image", options, &disks[i], compress, 2))
			continue;
		check_image(format, "image", options, &disks[i]);
		remove("image");
	}
}

static void each_creator(void (*what)(const struct img_format *format))
{
	for (size_t i = 0; i < img_format_count(); i++)
		if (img_format_caps(img_format_at(i)) & IMG_FMT_CREATE)
			what(img_format_at(i));
}

static void round_trip_plain(const struct img_format *format)
{
	round_trip(format, NULL, false);
	if (img_format_caps(format) & IMG_FMT_COMPRESS)
		round_trip(format, NULL, true);
}

Test(writing, what_goes_in_comes_out)
{
	each_creator(round_trip_plain);
}

/* ---- Options ---------------------------------------------------------------------------------- */

/* The values of one row that are worth a try: "a|b|c".  Texts name files or people: not tried. */
static const char *values_of(const struct img_option *row)
{
	switch (row->type) {
	case IMG_OPT_CHOICE:
		return row->choices;
	case IMG_OPT_FLAG:
		return "on|off";
	case IMG_OPT_SIZE:
		return "0|512|4k|64k|1M|2M";
	case IMG_OPT_NUMBER:
		return "0|1|2|8|16|64";
	case IMG_OPT_TEXT:
		break;
	}
	return "";
}

static void try_options(const struct img_format *format)
{
	for (const struct img_option *row = img_format_options(format); row && row->name; row++) {
		const char *values = values_of(row);

		while (*values) {
			const size_t len = strcspn(values, "|");
			char option[128];

			snprintf(option, sizeof(option), "%s=%.*s", row->name, (int)len, values);
			round_trip(format, option, false);
			if (img_format_caps(format) & IMG_FMT_COMPRESS)
				round_trip(format, option, true);
			values += len + (values[len] == '|');
		}
	}
}

Test(writing, each_value_of_each_option_holds_the_disk)
{
	each_creator(try_options);
}

/* ---- Threads ---------------------------------------------------------------------------------- */

/* What keeps chance out of an image of that format, or NULL: there is none in it. */
static const char *repeatable(const struct img_format *format)
{
	static const struct { const char *name, *option; } chances[] = {
		{ "uuid", "uuid=8a7e1f4c-93b5-4c1e-a1d0-6f2b5e3c9d70" },
		{ "cid", "cid=6f2b5e3c" },
	};

	for (const struct img_option *row = img_format_options(format); row && row->name; row++)
		for (size_t i = 0; i < sizeof(chances) / sizeof(chances[0]); i++)
			if (!strcmp(row->name, chances[i].name))
				return chances[i].option;
	return NULL;
}

/* The key of each new image is another one. */
static bool is_encrypted(const struct img_format *format)
{
	return !strcmp(format->name, "luks");
}

static void check_threads(const struct img_format *format)
{
	const char *options = repeatable(format);
	const struct disk *disk = &disks[sizeof(disks) / sizeof(disks[0]) - 1];
	const bool can_compress = img_format_caps(format) & IMG_FMT_COMPRESS;

	for (int compress = 0; compress <= can_compress && !is_encrypted(format); compress++) {
		uint8_t *one, *many;
		size_t len, len_many;

		if (!make(format, "image", options, disk, compress, 1)) {
			cr_assert(compress, "%s", format->name);
			continue;	/* only some of its types hold compressed units */
		}
		one = files_read("image", &len);
		for (unsigned threads = 2; threads <= 7; threads += 5) {
			cr_assert(make(format, "image", options, disk, compress, threads));
			many = files_read("image", &len_many);
			cr_assert(len == len_many && !memcmp(one, many, len), "%s, %u threads",
				  format->name, threads);
			free(many);
		}
		free(one);
		remove("image");
	}
}

Test(writing, the_bytes_never_depend_on_threads)
{
	each_creator(check_threads);
}

/* ---- Failing targets -------------------------------------------------------------------------- */

/* One copy into a store that fails as script says; true when nothing failed. */
static bool write_with(const struct img_format *format, bool compress, const char *script,
		       struct img_err *err)
{
	const struct disk *disk = &disks[5];
	char options[32];
	struct img_settings *set = img_settings_parse(
		img_format_options(format),
		fake_hasty(format->name, NULL, options, sizeof(options)), err);
	const struct img_layer_create what = {
		.size = size_of(disk), .settings = set, .compressed = compress, .key = fake_key(),
	};
	struct img *src = fake_disk(disk->drawing, BLOCK, 0);
	struct img *dst = calloc(1, sizeof(*dst));
	struct img_store *st = img_store_fault(img_store_mem(NULL, 0, err), script, err);
	bool ok;

	cr_assert(st && set);
	dst->layers = calloc(1, sizeof(*dst->layers));
	dst->target = calloc(1, sizeof(*dst->target));
	dst->n_layers = 1;
	dst->layers[0].store = st;
	ok = format->create(&dst->layers[0], &what, err);
	if (ok) {
		dst->layers[0].format = format;
		ok = copy(src, dst, compress, 2, err) && img_finish(dst, err);
	}
	img_settings_free(set);
	img_close(src);
	img_close(dst);
	return ok;
}

static void fail_each_call(const struct img_format *format)
{
	static const char *const calls[] = {
		"write:%u", "write:%u=short", "write:%u=ENOSPC", "read:%u", "zero:%u", "resize:%u",
		"preallocate:%u", "size:%u", "sync:%u", "publish:%u",
	};
	const bool can_compress = img_format_caps(format) & IMG_FMT_COMPRESS;

	for (size_t c = 0; c < 2 * sizeof(calls) / sizeof(calls[0]); c++) {
		const bool compress = c % 2;

		for (unsigned nth = 1; nth < 1000 && (!compress || can_compress); nth++) {
			struct img_err err = { 0 };
			char script[64];

			snprintf(script, sizeof(script), calls[c / 2], nth);
			if (write_with(format, compress, script, &err))
				break;
			cr_assert(err.code != IMG_OK && err.text[0], "%s: %s", format->name,
				  script);
		}
	}
}

Test(writing, every_failing_call_is_an_error)
{
	each_creator(fail_each_call);
}
