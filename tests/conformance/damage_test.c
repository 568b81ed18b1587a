/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every driver on what is broken, foreign or fails while it is read: an error, never a crash. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/num.h"
#include "conformance/samples.h"
#include "unit/fake/key.h"

#define PIECE (1024 * 1024)
#define MAX_CALLS 400		/* faults are injected into as many calls of one kind at most */

/* Reads what extents call data, up to 16 MiB; false at the first loss or error. */
static bool reads_whole(struct img *im, struct img_err *err)
{
	uint8_t *buf = malloc(PIECE);
	uint64_t left = 16 * PIECE;
	bool ok = true;

	for (uint64_t at = 0; ok && left && at < img_size(im);) {
		struct img_extent ex;

		ok = img_extent(im, at, img_size(im), &ex, err);
		if (!ok)
			break;
		if (ex.kind != IMG_EXTENT_HOLE && ex.kind != IMG_EXTENT_ZERO) {
			ex.len = img_min_u64(img_min_u64(ex.len, PIECE), left);
			left -= ex.len;
			ok = img_read(im, at, buf, ex.len, err);
		}
		at += ex.len;
	}
	free(buf);
	return ok;
}

static void check_error(const struct sample *sample, const struct img_err *err)
{
	cr_assert(err->code != IMG_OK && err->text[0], "%s: no reason is given", sample->name);
}

static bool tells(struct img *im, struct img_err *err)
{
	struct img_node *root = img_node_root("image");
	const bool ok = img_info(im, false, root, err);

	img_node_free(root);
	return ok;
}

static void check_bad(const struct sample *sample)
{
	struct img_err err;
	struct img *im = samples_open(sample, &err);

	if (im)
		cr_assert_not(reads_whole(im, &err) && tells(im, &err),
			      "%s: nothing is wrong with it", sample->name);
	check_error(sample, &err);
	img_close(im);
}

Test(damage, bad_samples_are_an_error_when_opened_read_or_told_about)
{
	samples_each(NULL, BAD, check_bad);
}

static void check_unsupported(const struct sample *sample)
{
	struct img_err err;
	struct img *im = samples_open(sample, &err);

	/* What is encrypted can be told about, and fails where it is read. */
	cr_assert(!im || !reads_whole(im, &err), "%s", sample->name);
	img_close(im);
	cr_assert_eq(err.code, IMG_E_UNSUPPORTED, "%s: %s", sample->name, err.text);
}

Test(damage, unsupported_samples_are_refused_as_such)
{
	samples_each(NULL, UNSUPPORTED, check_unsupported);
}

/* ---- Failing reads ---------------------------------------------------------------------------- */

/* Opens and reads all of the bytes; true when nothing failed.  script: NULL for no fault. */
static bool survives(const struct sample *sample, const uint8_t *bytes, size_t len,
		     const char *script, struct img_err *err)
{
	const struct img_open how = { .format = sample->format->name, .keys = fake_keys() };
	struct img_store *st = img_store_mem(bytes, len, err);
	struct img im = { .n_layers = 1 };
	const char *doubt = NULL;
	struct img_layer layer;
	bool ok;

	cr_assert(st);
	if (script)
		st = img_store_fault(st, script, err);
	cr_assert(st);
	if (!img_layer_open(&layer, st, &how, NULL, &doubt, err))
		return false;
	im.layers = &layer;
	ok = reads_whole(&im, err);
	img_layer_close(&layer);
	return ok;
}

static void inject(const struct sample *sample, const uint8_t *bytes, size_t len, const char *call,
		   const char *outcome)
{
	for (unsigned nth = 1; nth <= MAX_CALLS; nth++) {
		struct img_err err = { 0 };
		char script[64];

		snprintf(script, sizeof(script), "%s:%u%s", call, nth, outcome);
		if (survives(sample, bytes, len, script, &err))
			break;
		check_error(sample, &err);
	}
}

static void check_faults(const struct sample *sample)
{
	size_t len;
	uint8_t *bytes = samples_bytes(sample, &len);
	struct img_err err = { 0 };

	/* What needs other files is tested on the files themselves. */
	if (survives(sample, bytes, len, NULL, &err)) {
		inject(sample, bytes, len, "read", "");
		inject(sample, bytes, len, "read", "=short");
		inject(sample, bytes, len, "size", "");
		inject(sample, bytes, len, "extent", "");
	}
	free(bytes);
}

Test(damage, every_failing_read_is_an_error)
{
	samples_each(NULL, GOOD, check_faults);
}

/* ---- Cut files -------------------------------------------------------------------------------- */

static void check_cut(const struct sample *sample)
{
	size_t len;
	uint8_t *bytes = samples_bytes(sample, &len);

	for (size_t cut = 0; cut < len; cut = cut < 256 ? cut + 1 : cut * 3 / 2) {
		/* A copy of exactly this length: a sanitizer sees who reads on. */
		uint8_t *part = malloc(cut ? cut : 1);
		struct img_err err = { 0 };

		memcpy(part, bytes, cut);
		if (!survives(sample, part, cut, NULL, &err))
			check_error(sample, &err);
		free(part);
	}
	free(bytes);
}

Test(damage, a_file_cut_anywhere_never_crashes)
{
	samples_each(NULL, GOOD, check_cut);
}
