/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target: an archive, or what is compressed, of any content.  All members are listed; what is said to
 * lie in place must be what reading gives; and what looks like an image is unpacked as an image is opened.
 */
#include <stdlib.h>
#include <string.h>
#include "fuzz/fuzz.h"
#include "image/image.h"
#include "store/archive.h"

enum { MEMBERS = 64, WINDOW = 64 * 1024, MOST = 4 << 20 };

/* Aborts when a member in place is something else than its bytes. */
static void compare(struct img_store *st, const struct img_member *m, const uint8_t *bytes, size_t len)
{
	static uint8_t there[WINDOW];
	size_t got;

	if (!m->in_place || !img_store_read_some(st, m->at, there, len, &got, NULL))
		return;
	if (got != len || memcmp(there, bytes, len))
		abort();
}

static void list(struct img_store *st)
{
	static uint8_t bytes[WINDOW];
	const struct img_pull in = { .st = st };
	struct img_archive *archive = img_archive_read_from(&in, IMG_ARCHIVE_MEMBERS, false, NULL);
	struct img_member m;
	bool end = !archive;
	size_t got;

	for (int i = 0; i < MEMBERS && !end; i++) {
		if (!img_archive_next(archive, &m, &end, NULL))
			break;
		if (!end && img_archive_read(archive, bytes, sizeof(bytes), &got, NULL))
			compare(st, &m, bytes, got);
	}
	img_archive_close(archive);
}

/* As an image is opened; the stream ends or fails within MOST bytes. */
static void unpack(struct img_store *st, const char *member)
{
	static uint8_t bytes[WINDOW];
	const struct img_open how = { .member = member, .max_size = MOST, .flags = IMG_OPEN_ONCE };
	struct img_store *in = img_unpack(st, &how, NULL);
	size_t got = sizeof(bytes);

	for (uint64_t at = 0; in && got == sizeof(bytes) && at < 2 * MOST; at += got)
		if (!img_store_read_some(in, at, bytes, sizeof(bytes), &got, NULL))
			break;
	img_store_close(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct img_store *st = img_store_mem(data, len, NULL);

	if (!st)
		return 0;
	list(st);
	unpack(img_store_hold(st), NULL);
	unpack(img_store_hold(st), "1");
	unpack(st, "*");
	return 0;
}
