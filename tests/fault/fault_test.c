/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whole copies in which the n-th call of one kind fails, for n = 1, 2, ... until none is left to
 * fail.  A copy either gives all of the content, or an error and leaves the old target as it was.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "copy/copy.h"
#include "failing_malloc.h"
#include "unit/fake/key.h"

#define DISK_BYTES (3 * 1024 * 1024 + 1536)
#define MOST_CALLS 2000

/* How an image is written; the same again for reading it. */
struct shape { const char *name, *format, *options; bool compress; };

static const struct shape shapes[] = {
	{ "raw", "raw", NULL, false },
	{ "raw, space set aside", "raw", "preallocation=falloc", false },
	{ "qcow2", "qcow2", "cluster_size=4k", false },
	{ "compressed qcow2", "qcow2", "cluster_size=64k", true },
	{ "extended L2", "qcow2", "extended_l2=on,cluster_size=16k", false },
	{ "qcow2, space set aside", "qcow2", "preallocation=falloc", false },
	{ "VMDK", "vmdk", NULL, false },
	{ "VMDK, all grains have their places", "vmdk", "preallocation=metadata", false },
	{ "VMDK stream", "vmdk", "subformat=streamOptimized", false },
	{ "LUKS", "luks", "iter-time=1", false },
};

#define N_SHAPES (sizeof(shapes) / sizeof(shapes[0]))

/* What a parameterized test gets: pointers would not survive on their way to its process. */
static size_t numbers[N_SHAPES] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };

static char dir[64];
static char source_path[80], target_path[80];
static uint8_t *disk;

static void make_folder(void)
{
	/* In memory if possible: each of thousands of copies is synced. */
	snprintf(dir, sizeof(dir), "%s/imgtools-fault.XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(source_path, sizeof(source_path), "%s/source", dir);
	snprintf(target_path, sizeof(target_path), "%s/target", dir);
	disk = calloc(1, DISK_BYTES);
	cr_assert_not_null(disk);
	/* Noise, text and zeros, in pieces that start and end anywhere. */
	for (uint32_t at = 1000, x = 1; at < DISK_BYTES; at++) {
		x = x * 1664525 + 1013904223;
		if (at / 300000 % 3 != 2)
			disk[at] = at / 300000 % 3 ? (uint8_t)"text "[at % 5] : x >> 24;
	}
}

static void remove_folder(void)
{
	unlink(source_path);
	unlink(target_path);
	cr_expect_eq(rmdir(dir), 0, "%s: something is left in it", dir);
	free(disk);
}

TestSuite(fault, .init = make_folder, .fini = remove_folder, .timeout = 300);

/* An image of one layer whose store fails as script says; NULL: a failure. */
static struct img *open_image(const char *path, const char *script, struct img_err *err)
{
	const struct img_open how = { .path = path, .keys = fake_keys() };
	struct img *im = calloc(1, sizeof(*im));
	struct img_store *file = img_store_file(path, 0, IMG_CACHE_DEFAULT, err);
	const char *doubt;

	cr_assert(im && file);
	im->layers = calloc(1, sizeof(*im->layers));
	cr_assert_not_null(im->layers);
	if (!img_layer_open(&im->layers[0], img_store_fault(file, script, err), &how, NULL, &doubt, err)) {
		img_close(im);
		return NULL;
	}
	im->n_layers = 1;
	return im;
}

static struct img *create_image(const char *path, const struct shape *shape, const char *script,
				struct img_err *err)
{
	const struct img_format *format = img_format_named(shape->format);
	struct img_settings *set = img_settings_parse(format->create_options, shape->options, err);
	const struct img_layer_create what = {
		.size = DISK_BYTES, .settings = set, .compressed = shape->compress,
		.key = fake_key(),
	};
	struct img *im = calloc(1, sizeof(*im));
	struct img_store *file = img_store_file_new(path, IMG_CACHE_WRITEBACK, err);

	cr_assert(im && file && set, "%s", err->text);
	im->layers = calloc(1, sizeof(*im->layers));
	im->target = calloc(1, sizeof(*im->target));
	cr_assert(im->layers && im->target);
	im->n_layers = 1;
	im->layers[0].store = img_store_fault(file, script, err);
	cr_assert_not_null(im->layers[0].store, "%s", err->text);
	if (format->create(&im->layers[0], &what, err)) {
		im->layers[0].format = format;
	} else {
		img_close(im);
		im = NULL;
	}
	img_settings_free(set);
	return im;
}

static bool copy(struct img *src, struct img *dst, bool compress, unsigned threads,
		 struct img_err *err)
{
	const struct img_copy what = {
		.src = src, .dst = dst, .threads = threads, .zero_grain = 4096,
		.compress = compress, .digest = "sha256",
	};
	struct img_copy_stats stats;

	return img_copy_run(&what, NULL, &stats, err) && img_finish(dst, err);
}

/* A copy with faults on either side; false: one was met. */
static bool attempt(const char *read_script, const struct shape *shape, const char *write_script,
		    unsigned threads, struct img_err *err)
{
	struct img *src = open_image(source_path, read_script, err);
	struct img *dst = src ? create_image(target_path, shape, write_script, err) : NULL;
	const bool ok = dst && copy(src, dst, shape->compress, threads, err);

	img_close(dst);
	img_close(src);
	return ok;
}

static void put_old_target(void)
{
	FILE *f = fopen(target_path, "w");

	cr_assert_not_null(f);
	fputs("old", f);
	fclose(f);
}

static void expect_old_target(const char *script)
{
	char content[8] = "";
	FILE *f = fopen(target_path, "r");

	cr_assert_not_null(f, "%s: the old target has gone", script);
	cr_expect_eq(fread(content, 1, sizeof(content), f), 3, "%s", script);
	cr_expect_str_eq(content, "old", "%s", script);
	fclose(f);
}

static void expect_content(const char *script)
{
	struct img_err err = { 0 };
	struct img *im = open_image(target_path, "", &err);
	uint8_t *found = malloc(DISK_BYTES);

	cr_assert(im && found, "%s: %s", script, err.text);
	cr_assert_eq(img_size(im), DISK_BYTES, "%s", script);
	cr_assert(img_read(im, 0, found, DISK_BYTES, &err), "%s: %s", script, err.text);
	cr_expect_eq(memcmp(found, disk, DISK_BYTES), 0, "%s: wrong content", script);
	free(found);
	img_close(im);
}

/* Fails the n-th call for each n; two copies in a row that succeed: there is none left. */
static void fail_each(const struct shape *shape, const char *call, const char *outcome,
		      bool in_source, unsigned threads)
{
	struct img_err err = { 0 };
	int succeeded = 0;

	for (unsigned n = 1; succeeded < 2; n++) {
		char script[64];

		cr_assert_lt(n, MOST_CALLS, "%s, %s: %s", shape->name, call, err.text);
		err = (struct img_err){ 0 };
		snprintf(script, sizeof(script), "%s:%u%s", call, n, outcome);
		put_old_target();
		if (attempt(in_source ? script : "", shape, in_source ? "" : script, threads,
			    &err)) {
			expect_content(script);
			succeeded++;
			continue;
		}
		succeeded = 0;
		cr_expect_neq(err.code, IMG_OK, "%s, %s: no error is given", shape->name, script);
		cr_expect_neq(err.text[0], '\0', "%s, %s: no message", shape->name, script);
		expect_old_target(script);
	}
}

static void make_source(const struct shape *shape)
{
	struct img_err err = { 0 };
	FILE *f = fopen(source_path, "w");

	cr_assert_not_null(f);
	cr_assert_eq(fwrite(disk, 1, DISK_BYTES, f), DISK_BYTES);
	cr_assert_eq(fclose(f), 0);
	cr_assert(attempt("", shape, "", 1, &err), "%s", err.text);
	cr_assert_eq(rename(target_path, source_path), 0);
}

ParameterizedTestParameters(fault, source)
{
	return cr_make_param_array(size_t, numbers, N_SHAPES);
}

ParameterizedTest(size_t *number, fault, source)
{
	const struct shape target = { "target", "raw", NULL, false };

	make_source(&shapes[*number]);
	fail_each(&target, "read", "", true, 1);
	fail_each(&target, "read", "=short", true, 3);
	fail_each(&target, "size", "", true, 1);
	fail_each(&target, "extent", "", true, 3);
}

ParameterizedTestParameters(fault, target)
{
	return cr_make_param_array(size_t, numbers, N_SHAPES);
}

ParameterizedTest(size_t *number, fault, target)
{
	static const char *const calls[] = {
		"read", "size", "zero", "resize", "preallocate", "sync", "publish", "copy",
	};
	const struct shape raw = { "source", "raw", NULL, false };
	const struct shape *shape = &shapes[*number];

	make_source(&raw);
	fail_each(shape, "write", "", false, 1);
	fail_each(shape, "write", "=short", false, 1);
	fail_each(shape, "write", "=ENOSPC", false, 3);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		fail_each(shape, calls[i], "", false, 1);
}

ParameterizedTestParameters(fault, memory)
{
	return cr_make_param_array(size_t, numbers, N_SHAPES);
}

/* The n-th allocation of opening, creating and copying fails. */
ParameterizedTest(size_t *number, fault, memory)
{
	const struct shape *shape = &shapes[*number];
	const struct img_open from = { .path = source_path, .keys = fake_keys() };
	const struct img_create to = {
		.path = target_path, .format = shape->format, .options = shape->options,
		.size = DISK_BYTES, .compressed = shape->compress, .key = fake_key(),
	};
	bool failed = true;

	make_source(shape);
	for (unsigned n = 1; failed; n++) {
		struct img_err err = { 0 };
		struct img *src, *dst = NULL;
		bool ok;

		put_old_target();
		fail_allocation(n);
		src = img_open(&from, &err);
		if (src)
			dst = img_create(&to, &err);
		ok = dst && copy(src, dst, shape->compress, 1, &err);
		failed = allocation_has_failed();
		img_close(dst);
		img_close(src);
		if (ok) {
			expect_content("memory");
			continue;
		}
		cr_assert(failed, "%s: %s", shape->name, err.text);
		cr_expect_eq(err.code, IMG_E_NOMEM, "%s, allocation %u: %s", shape->name, n,
			     err.text);
		expect_old_target("memory");
	}
}
