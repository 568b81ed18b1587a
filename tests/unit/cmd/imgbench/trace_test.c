/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include "imgbench/trace.h"

#define HEADER "# recdisk 1 size 1048576\n"

/* Writes bytes into a file, has it read as a trace and removes it. */
static bool read_bytes(const void *bytes, size_t len, struct trace *trace, struct img_err *err)
{
	char path[] = "/tmp/imgbench-test.XXXXXX";
	const int fd = mkstemp(path);
	bool ok;

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
	close(fd);
	*err = (struct img_err){ 0 };
	ok = trace_read(trace, path, err);
	unlink(path);
	return ok;
}

static bool read_text(const char *text, struct trace *trace, struct img_err *err)
{
	return read_bytes(text, strlen(text), trace, err);
}

static void expect_requests(const struct trace *trace)
{
	const struct request *r = trace->requests;

	cr_assert_eq(trace->size, 1048576);
	cr_assert_eq(trace->n, 5);
	cr_expect(r[0].kind == REQUEST_READ && r[0].at == 512 && r[0].len == 1024);
	cr_expect(r[1].kind == REQUEST_WRITE && r[1].at == 1044480 && r[1].len == 4096);
	cr_expect(r[1].percent == 39 && !r[1].runs);
	cr_expect(r[2].kind == REQUEST_ZERO && r[2].len == 1048576 && r[2].unmap);
	cr_expect(r[3].kind == REQUEST_ZERO && r[3].len == 4096 && !r[3].unmap);
	cr_expect(r[4].kind == REQUEST_FLUSH);
}

static const char good[] = HEADER
	"R 512 1024 0 0\n"
	"W 1044480 4096 d 39 1 1\n"
	"# a remark\n"
	"Z 0 1048576 u 2 0\n"
	"Z 4096 4096 k 3 0\n"
	"F 4 9";

Test(trace, plain)
{
	struct trace trace;
	struct img_err err;

	cr_assert(read_text(good, &trace, &err), "%s", err.text);
	expect_requests(&trace);
	trace_free(&trace);
}

static size_t pack(const char *text, uint8_t *out, size_t room)
{
	z_stream z = {
		.next_in = (Bytef *)text, .avail_in = (uInt)strlen(text), .next_out = out,
		.avail_out = (uInt)room,
	};

	cr_assert_eq(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

Test(trace, gzipped)
{
	uint8_t packed[1000];
	const size_t len = pack(good, packed, sizeof(packed));
	struct trace trace;
	struct img_err err;

	cr_assert(read_bytes(packed, len, &trace, &err), "%s", err.text);
	expect_requests(&trace);
	trace_free(&trace);
	cr_expect_not(read_bytes(packed, len - 12, &trace, &err));
	trace_free(&trace);
	packed[len - 6] ^= 1;
	cr_expect_not(read_bytes(packed, len, &trace, &err));
	cr_expect(strstr(err.text, "cannot be unpacked"), "%s", err.text);
	trace_free(&trace);
}

Test(trace, maps)
{
	static const struct { const char *map; const char *want; } cases[] = {
		{ "d", "dddddddd" }, { "z", "zzzzzzzz" }, { "d3z1d4", "dddzdddd" },
		{ "z1d7", "zddddddd" }, { "d7z1", "dddddddz" }, { "d2d6", "dddddddd" },
		{ "d4z", "ddddzzzz" }, { "z1z1d", "zzdddddd" }, { "d8", "dddddddd" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[100], found[9] = "dddddddd";
		struct trace trace;
		struct img_err err;
		size_t n = 0;

		snprintf(text, sizeof(text), HEADER "W 0 32768 %s 50 0 0\n", cases[i].map);
		cr_assert(read_text(text, &trace, &err), "%s", err.text);
		for (const uint32_t *run = trace.requests[0].runs; run && n < 8; run++)
			for (uint32_t k = 0; k < *run; k++)
				found[n++] = (run - trace.requests[0].runs) % 2 ? 'z' : 'd';
		cr_expect_str_eq(found, cases[i].want, "%s", cases[i].map);
		trace_free(&trace);
	}
}

Test(trace, what_is_wrong_is_said_with_its_line)
{
	static const struct { const char *line, *what; } cases[] = {
		{ "X 0 4096 0 0", "\"X\" is none of R, W, Z and F" },
		{ "", "is none of" },
		{ "Read 0 4096 0 0", "is none of" },
		{ "R 0 4096 0", "has 5 words, not 4" },
		{ "R 0 4096 0 0 0", "has 5 words, not 6" },
		{ "R 0 4096 0 0 0 0 0 0 0 0", "has 5 words" },
		{ "F 0", "has 3 words, not 2" },
		{ "R  0 4096 0 0", "has 5 words, not 6" },
		{ "R 0 4096 0 x", "\"x\" is not a number" },
		{ "R 0 4096 0 ", "\"\" is not a number" },
		{ "R -512 4096 0 0", "\"-512\" is not a number" },
		{ "R 0x200 4096 0 0", "\"0x200\" is not a number" },
		{ "R 99999999999999999999 4096 0 0", "is not a number" },
		{ "R 0 0 0 0", "must be multiples of 512" },
		{ "R 3 512 0 0", "must be multiples of 512" },
		{ "R 0 513 0 0", "must be multiples of 512" },
		{ "W 512 4096 d 0 0 0", "must be multiples of 4096" },
		{ "Z 0 512 u 0 0", "must be multiples of 4096" },
		{ "R 1048576 512 0 0", "not inside the disk of 1048576 bytes" },
		{ "R 1048064 1024 0 0", "not inside the disk of 1048576 bytes" },
		{ "W 9223372036854771712 4096 d 0 0 0", "not inside the disk" },
		{ "W 0 134217728 d 0 0 0", "is not a number from 0 to 67108864" },
		{ "W 0 4096 d 101 0 0", "is not a number from 0 to 100" },
		{ "W 0 8192 d1 50 0 0", "the map \"d1\" does not fit 2 blocks" },
		{ "W 0 8192 d3 50 0 0", "does not fit" },
		{ "W 0 8192 d1z2 50 0 0", "does not fit" },
		{ "W 0 8192 d0z2 50 0 0", "does not fit" },
		{ "W 0 8192 d2z 50 0 0", "does not fit" },
		{ "W 0 8192 dz 50 0 0", "does not fit" },
		{ "W 0 8192 2d 50 0 0", "does not fit" },
		{ "W 0 8192  50 0 0", "does not fit" },
		{ "W 0 8192 d99999999999999999999 50 0 0", "does not fit" },
		{ "Z 0 4096 x 0 0", "\"x\" is neither u nor k" },
		{ "Z 0 4096 uk 0 0", "is neither u nor k" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[200];
		struct trace trace;
		struct img_err err;

		snprintf(text, sizeof(text), HEADER "F 0 0\n%s\nF 0 0\n", cases[i].line);
		cr_expect_not(read_text(text, &trace, &err), "%s", cases[i].line);
		cr_expect_eq(err.code, IMG_E_CORRUPT);
		cr_expect(strstr(err.text, "/tmp/imgbench-test."), "%s", err.text);
		cr_expect(strstr(err.text, ": line 3: "), "%s", err.text);
		cr_expect(strstr(err.text, cases[i].what), "%s: %s", cases[i].line, err.text);
		trace_free(&trace);
	}
}

Test(trace, the_header_must_be_there)
{
	static const char *const texts[] = {
		"", "\n", "F 0 0\n", "# recdisk 2 size 1048576\n", "# recdisk 1 size 1M\n",
		"# recdisk 1 size \n", "# recdisk 1 size 18446744073709551615\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct trace trace;
		struct img_err err;

		cr_expect_not(read_text(texts[i], &trace, &err), "%s", texts[i]);
		trace_free(&trace);
	}
}

Test(trace, lines_end)
{
	static const char zero_byte[] = HEADER "F 0\0 0\n";
	static char long_line[40000] = HEADER;
	struct trace trace;
	struct img_err err;

	cr_expect_not(read_bytes(zero_byte, sizeof(zero_byte) - 1, &trace, &err));
	trace_free(&trace);
	memset(long_line + strlen(long_line), '#', sizeof(long_line) - strlen(long_line));
	cr_expect_not(read_bytes(long_line, sizeof(long_line), &trace, &err));
	cr_expect(strstr(err.text, "line 2: this is not a line of a trace"), "%s", err.text);
	trace_free(&trace);
	cr_expect_not(trace_read(&trace, "/", &err));
	trace_free(&trace);
	cr_expect_not(trace_read(&trace, "/nowhere/at/all", &err));
	cr_expect(strstr(err.text, "/nowhere/at/all: cannot be opened: "), "%s", err.text);
	trace_free(&trace);
}
