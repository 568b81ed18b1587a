/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stands in for libFuzzer where there is none: runs the target on each file named, and on simple
 * changes of it that are the same in every run.  Also the program that AFL++ runs.  What makes the
 * target fail is left in crash-input.
 *
 * usage: image [-m N] FILE...	N changes of each file, by default none
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "fuzz/fuzz.h"

#define SECONDS_PER_INPUT 20	/* more is a hang */
#define HEADER 1024		/* most changes of bytes hit these: the rest is mostly content */

/* What runs now, for the handler of signals. */
static const uint8_t *running;
static size_t running_len;

/* Leaves the input that made it fail, as libFuzzer does. */
static void leave_input(int signal)
{
	const int fd = open("crash-input", O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd >= 0 && write(fd, running, running_len) >= 0)
		close(fd);
	_exit(128 + signal);
}

/* An exact copy for each run: a sanitizer sees who reads on. */
static void run(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, bytes, len);
	running = bytes;
	running_len = len;
	alarm(SECONDS_PER_INPUT);
	LLVMFuzzerTestOneInput(copy, len);
	alarm(0);
	free(copy);
}

/* Where eight bytes stand that are not all zero, as entries of tables do; 0 when none was hit. */
static size_t find_entry(const uint8_t *bytes, size_t len, unsigned *seed)
{
	static const uint8_t zero[8];

	for (int tries = 0; len >= 8 && tries < 64; tries++) {
		const size_t at = (size_t)rand_r(seed) % (len / 8) * 8;

		if (memcmp(bytes + at, zero, 8))
			return at;
	}
	return 0;
}

/* An entry gets another bit, becomes another one, or is lost. */
static void change_entry(uint8_t *bytes, size_t len, unsigned *seed)
{
	const size_t at = find_entry(bytes, len, seed);
	const int how = rand_r(seed) % 4;

	if (how == 0)
		memset(bytes + at, 0, at ? 8 : 0);
	else if (how == 1)
		memmove(bytes + at, bytes + find_entry(bytes, len, seed), at ? 8 : 0);
	else
		bytes[at + (size_t)rand_r(seed) % 8 % len] ^= (uint8_t)(1 << rand_r(seed) % 8);
}

/* A byte, a bit or a number becomes another. */
static void change_bytes(uint8_t *bytes, size_t len, unsigned *seed)
{
	static const uint8_t odd[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	const size_t room = rand_r(seed) % 4 && len > HEADER ? HEADER : len;
	const size_t at = (size_t)rand_r(seed) % room;
	const size_t run = 1u << rand_r(seed) % 4;

	if (rand_r(seed) % 2)
		bytes[at] ^= (uint8_t)(1 << rand_r(seed) % 8);
	else
		memset(bytes + at, odd[(size_t)rand_r(seed) % sizeof(odd)],
		       run < len - at ? run : len - at);
}

/* One to four changes; now and then the end is cut off. */
static size_t change(uint8_t *bytes, size_t len, unsigned *seed)
{
	for (int n = 1 + rand_r(seed) % 4; n > 0; n--) {
		if (rand_r(seed) % 3 == 0)
			change_entry(bytes, len, seed);
		else
			change_bytes(bytes, len, seed);
	}
	return rand_r(seed) % 16 ? len : (size_t)rand_r(seed) % len;
}

static uint8_t *read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes = NULL;
	long end;

	if (f && !fseek(f, 0, SEEK_END) && (end = ftell(f)) >= 0) {
		rewind(f);
		bytes = malloc((size_t)end + 1);
		*len = fread(bytes, 1, (size_t)end, f);
	}
	if (f)
		fclose(f);
	return bytes;
}

static void run_file(const char *path, const uint8_t *bytes, size_t len, int changes)
{
	uint8_t *changed = malloc(len + 1);
	unsigned seed = (unsigned)len;

	fprintf(stderr, "%s\n", path);
	run(bytes, len);
	for (int i = 0; len && i < changes; i++) {
		memcpy(changed, bytes, len);
		run(changed, change(changed, len, &seed));
	}
	free(changed);
}

int main(int argc, char **argv)
{
	static const int signals[] = { SIGABRT, SIGALRM };
	const int changes = argc > 2 && !strcmp(argv[1], "-m") ? atoi(argv[2]) : 0;

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		signal(signals[i], leave_input);
	for (int i = changes ? 3 : 1; i < argc; i++) {
		size_t len;
		uint8_t *bytes = read_file(argv[i], &len);

		if (!bytes) {
			perror(argv[i]);
			return 1;
		}
		run_file(argv[i], bytes, len, changes);
		free(bytes);
	}
	return 0;
}
