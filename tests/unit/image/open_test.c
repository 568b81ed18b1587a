/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening a stack: chains, loops, gates, probing, pipes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "image/image.h"
#include "unit/fake/files.h"

TestSuite(open, .init = files_enter, .fini = files_leave);

static struct img *open_local(const char *path, struct img_err *err)
{
	const struct img_open how = { .path = path, .gate = &img_gate_local };

	*err = (struct img_err){ 0 };
	return img_open(&how, err);
}

static uint8_t first_byte(struct img *im)
{
	struct img_err err = { 0 };
	uint8_t byte = 0;

	cr_assert(img_read(im, 0, &byte, 1, &err), "%s", err.text);
	return byte;
}

Test(open, follows_a_chain)
{
	struct img_err err;
	struct img *im;

	files_write_qcow2("base.qcow2", NULL, NULL, 'b');
	files_write_qcow2("mid.qcow2", "base.qcow2", "qcow2", 0);
	files_write_qcow2("top.qcow2", "mid.qcow2", NULL, 0);
	im = open_local("top.qcow2", &err);
	cr_assert(im, "%s", err.text);
	cr_assert_eq(img_depth(im), 3);
	cr_assert_str_eq(img_layer_name(im, 2), "base.qcow2");
	cr_assert_eq(first_byte(im), 'b');
	img_close(im);
}

Test(open, takes_the_format_that_the_image_names)
{
	struct img_err err;
	struct img *im;

	files_write_qcow2("base.qcow2", NULL, NULL, 'b');
	files_write_qcow2("top.qcow2", "base.qcow2", "raw", 0);
	im = open_local("top.qcow2", &err);
	cr_assert(im, "%s", err.text);
	cr_assert_eq(first_byte(im), 'Q');
	img_close(im);
}

Test(open, leaves_the_chain_when_told)
{
	const struct img_open how = { .path = "top.qcow2", .flags = IMG_OPEN_NO_BACKING };
	struct img_err err = { 0 };
	struct img *im;

	files_write_qcow2("top.qcow2", "base.qcow2", NULL, 0);
	im = img_open(&how, &err);
	cr_assert(im, "%s", err.text);
	cr_assert_eq(img_depth(im), 1);
	cr_assert_eq(first_byte(im), 0);
	img_close(im);
}

Test(open, asks_the_gate)
{
	const struct img_open how = { .path = "top.qcow2" };
	struct img_err err = { 0 };

	files_write_qcow2("base.qcow2", NULL, NULL, 'b');
	files_write_qcow2("top.qcow2", "base.qcow2", NULL, 0);
	cr_assert_null(img_open(&how, &err));
	cr_assert_eq(err.code, IMG_E_DENIED);
	cr_assert(strstr(err.text, "top.qcow2") && strstr(err.text, "base.qcow2"), "%s", err.text);
}

Test(open, finds_loops)
{
	struct img_err err;

	files_write_qcow2("self.qcow2", "./self.qcow2", NULL, 0);
	cr_assert_null(open_local("self.qcow2", &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT);
	files_write_qcow2("a.qcow2", "b.qcow2", NULL, 0);
	files_write_qcow2("b.qcow2", "c.qcow2", NULL, 0);
	cr_assert_not(link("a.qcow2", "c.qcow2"));
	cr_assert_null(open_local("a.qcow2", &err));
	cr_assert_eq(err.code, IMG_E_CORRUPT);
}

Test(open, names_the_layer_that_cannot_be_opened)
{
	struct img_err err;

	files_write_qcow2("top.qcow2", "mid.qcow2", NULL, 0);
	files_write_qcow2("mid.qcow2", "gone.raw", NULL, 0);
	cr_assert_null(open_local("top.qcow2", &err));
	cr_assert_eq(err.code, IMG_E_IO);
	cr_assert(strstr(err.text, "mid.qcow2") && strstr(err.text, "gone.raw"), "%s", err.text);
}

Test(open, goes_a_hundred_layers_deep)
{
	char name[32], below[32];
	struct img_err err;
	struct img *im;

	files_write_qcow2("0.qcow2", NULL, NULL, 'b');
	for (int i = 1; i < 100; i++) {
		snprintf(name, sizeof(name), "%d.qcow2", i);
		snprintf(below, sizeof(below), "%d.qcow2", i - 1);
		files_write_qcow2(name, below, "qcow2", 0);
	}
	im = open_local("99.qcow2", &err);
	cr_assert(im, "%s", err.text);
	cr_assert_eq(img_depth(im), 100);
	cr_assert_eq(first_byte(im), 'b');
	img_close(im);
}

Test(open, refuses_a_format_that_is_none)
{
	const struct img_open how = { .path = "disk", .format = "floppy" };
	struct img_err err = { 0 };

	files_write("disk", "x", 1);
	cr_assert_null(img_open(&how, &err));
	cr_assert_eq(err.code, IMG_E_ARGUMENT);
	cr_assert(strstr(err.text, "floppy"));
}

static bool doubtful(const char *path)
{
	const char *why = NULL;
	struct img_err err;
	struct img *im = open_local(path, &err);
	bool doubt;

	cr_assert(im, "%s", err.text);
	doubt = img_probe_doubtful(im, &why);
	cr_assert_eq(doubt, why != NULL);
	img_close(im);
	return doubt;
}

Test(open, doubts_a_raw_answer_that_looks_wrong)
{
	static const uint8_t zeros[72];
	uint8_t *image;
	size_t len;

	files_write("plain.raw", zeros, sizeof(zeros));
	cr_assert_not(doubtful("plain.raw"));
	files_write("named.qcow2", zeros, sizeof(zeros));
	cr_assert(doubtful("named.qcow2"));
	files_write_qcow2("good.qcow2", NULL, NULL, 'x');
	cr_assert_not(doubtful("good.qcow2"));
	image = files_read("good.qcow2", &len);
	memset(image, 0, 512);
	files_write("headless.img", image, len);
	cr_assert(doubtful("headless.img"));
	free(image);
}

Test(open, does_not_doubt_what_it_was_told)
{
	const struct img_open how = { .path = "named.qcow2", .format = "raw" };
	struct img_err err = { 0 };
	const char *why;
	struct img *im;

	files_write("named.qcow2", "x", 1);
	im = img_open(&how, &err);
	cr_assert(im && !img_probe_doubtful(im, &why));
	img_close(im);
}

/* Makes a pipe that holds the file and is standard input. */
static void feed(const char *path)
{
	char command[128];
	FILE *from;

	snprintf(command, sizeof(command), "cat %s", path);
	from = popen(command, "r");
	cr_assert(from && dup2(fileno(from), STDIN_FILENO) == STDIN_FILENO);
}

Test(open, spools_a_pipe_for_a_format_that_seeks)
{
	struct img_err err;
	struct img *im;

	files_write_qcow2("disk.qcow2", NULL, NULL, 'p');
	feed("disk.qcow2");
	im = open_local("-", &err);
	cr_assert(im, "%s", err.text);
	cr_assert_str_eq(img_format_name(img_layer_format(im, 0)), "qcow2");
	cr_assert_eq(img_size(im), FILES_QCOW2_SIZE);
	cr_assert_eq(first_byte(im), 'p');
	img_close(im);
}

Test(open, streams_raw_from_a_pipe)
{
	struct img_err err;
	uint8_t buf[16];
	struct img *im;
	size_t got;

	files_write("disk.raw", "0123456789", 10);
	feed("disk.raw");
	im = open_local("-", &err);
	cr_assert(im, "%s", err.text);
	cr_assert_eq(img_size(im), IMG_SIZE_UNKNOWN);
	cr_assert(img_read_stream(im, 0, buf, sizeof(buf), &got, &err));
	cr_assert_eq(got, 10);
	cr_assert_arr_eq(buf, "0123456789", 10);
	cr_assert_eq(img_size(im), 10);
	img_close(im);
}

/* Bytes, and behind them a cloop image without blocks whose header comes last. */
static void write_cloop_behind_bytes(const char *bytes)
{
	static uint8_t file[5000];
	uint8_t *header = file + sizeof(file) - 136;

	memset(file, 0, sizeof(file));
	memcpy(file, bytes, strlen(bytes));
	header[-2] = (sizeof(file) - 144) >> 8;
	header[-1] = (sizeof(file) - 144) & 0xff;
	memcpy(header, "#!/bin/sh\n#V4.0 Format\n", 23);
	header[130] = 16;		/* blocks of 4096 bytes */
	files_write("end.cloop", file, sizeof(file));
	feed("end.cloop");
}

Test(open, a_pipe_that_ends_as_an_image_is_not_taken_for_raw)
{
	struct img_open how = { .path = "-" };

	for (int said = 0; said < 2; said++) {
		struct img_err err = { 0 };
		uint8_t buf[700];
		size_t got, at = 0;
		bool ok = true;

		write_cloop_behind_bytes("a block of noise");
		how.format = said ? "raw" : NULL;
		struct img *im = img_open(&how, &err);
		cr_assert(im, "%s", err.text);
		for (; ok && img_is_stream(im); at += got)
			ok = img_read_stream(im, at, buf, sizeof(buf), &got, &err);
		cr_assert_eq(ok, said);
		cr_assert(ok || err.code == IMG_E_ARGUMENT);
		img_close(im);
	}
}

Test(open, a_pipe_that_begins_with_a_block_is_read_to_its_end)
{
	struct img_err err = { 0 };

	write_cloop_behind_bytes("\x78\x9c");
	struct img *im = open_local("-", &err);
	cr_assert(im, "%s", err.text);
	cr_assert_str_eq(img_format_name(img_layer_format(im, 0)), "cloop");
	cr_assert_eq(img_size(im), 0);
	img_close(im);
}

Test(open, closes_nothing)
{
	img_close(NULL);
}
