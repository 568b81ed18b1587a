/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The recording store. */
#include "disk/recorder.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/num.h"

struct recorder_store {
	struct img_store st;
	struct recorder *rec;
};

static struct record *add(struct history *history)
{
	struct record *record;

	if (history->n == history->room) {
		history->room = history->room ? 2 * history->room : 1024;
		history->v = realloc(history->v, history->room * sizeof(*history->v));
		cr_assert_not_null(history->v);
	}
	record = &history->v[history->n++];
	*record = (struct record){ 0 };
	return record;
}

void history_guest(struct history *history, enum record_kind kind, const struct request *req)
{
	struct record *record = add(history);

	record->kind = kind;
	if (req)
		record->req = *req;
}

void history_clear(struct history *history)
{
	for (size_t i = 0; i < history->n; i++)
		free(history->v[i].bytes);
	free(history->v);
	*history = (struct history){ 0 };
}

/* ---- The file ------------------------------------------------------------------------------------ */

static struct recorder *recorder_of(struct img_store *st)
{
	return ((struct recorder_store *)st)->rec;
}

/* What is new is zero. */
static void set_len(struct recorder *rec, uint64_t len)
{
	const uint64_t room = img_round_up(len, SECTOR);

	if (room > rec->room) {
		rec->bytes = realloc(rec->bytes, 2 * room);
		cr_assert_not_null(rec->bytes);
		memset(rec->bytes + rec->room, 0, 2 * room - rec->room);
		rec->room = 2 * room;
	}
	if (len < rec->len)
		memset(rec->bytes + len, 0, rec->len - len);
	rec->len = len;
}

/* NULL: nothing is remembered. */
static struct record *add_change(struct recorder *rec, enum record_kind kind, uint64_t at,
				 uint64_t len)
{
	struct record *record = rec->history ? add(rec->history) : NULL;

	if (!record)
		return NULL;
	record->kind = kind;
	record->file = rec->file;
	record->at = at;
	record->len = len;
	return record;
}

/* The range has changed. */
static void record_change(struct recorder *rec, uint64_t at, uint64_t len)
{
	const uint64_t first = at / SECTOR * SECTOR, end = img_round_up(at + len, SECTOR);
	struct record *record = add_change(rec, RECORD_WRITE, at, len);

	if (!record)
		return;
	record->bytes = malloc(end - first);
	cr_assert_not_null(record->bytes);
	memcpy(record->bytes, rec->bytes + first, end - first);
}

static bool recorder_size(struct img_store *st, uint64_t *bytes, struct img_err *err)
{
	(void)err;
	*bytes = recorder_of(st)->len;
	return true;
}

static bool recorder_read(struct img_store *st, uint64_t at, void *buf, size_t len, size_t *got,
			  struct img_err *err)
{
	const struct recorder *rec = recorder_of(st);

	(void)err;
	*got = at < rec->len ? img_min_u64(len, rec->len - at) : 0;
	if (*got)
		memcpy(buf, rec->bytes + at, *got);
	return true;
}

static bool recorder_write(struct img_store *st, uint64_t at, const void *buf, size_t len,
			   struct img_err *err)
{
	struct recorder *rec = recorder_of(st);

	(void)err;
	if (at + len > rec->len)
		set_len(rec, at + len);
	memcpy(rec->bytes + at, buf, len);
	record_change(rec, at, len);
	return true;
}

static bool recorder_zero(struct img_store *st, uint64_t at, uint64_t len, bool keep_space,
			  struct img_err *err)
{
	struct recorder *rec = recorder_of(st);

	(void)keep_space;
	(void)err;
	if (at + len > rec->len)
		set_len(rec, at + len);
	memset(rec->bytes + at, 0, len);
	if ((at | len) % SECTOR == 0)
		add_change(rec, RECORD_WRITE, at, len);
	else
		record_change(rec, at, len);
	return true;
}

static bool recorder_resize(struct img_store *st, uint64_t bytes, struct img_err *err)
{
	struct recorder *rec = recorder_of(st);

	(void)err;
	set_len(rec, bytes);
	add_change(rec, RECORD_RESIZE, 0, bytes);
	return true;
}

/* Space that is set aside reads as zeros; what lies there stays. */
static bool recorder_preallocate(struct img_store *st, uint64_t at, uint64_t len,
				 enum img_preallocation how, struct img_err *err)
{
	(void)how;
	return at + len <= recorder_of(st)->len || recorder_resize(st, at + len, err);
}

static bool recorder_sync(struct img_store *st, struct img_err *err)
{
	(void)err;
	add_change(recorder_of(st), RECORD_SYNC, 0, 0);
	return true;
}

static void recorder_close(struct img_store *st)
{
	free(st);
}

static const struct img_store_ops recorder_ops = {
	.kind = "recorder",
	.size = recorder_size,
	.read = recorder_read,
	.write = recorder_write,
	.zero = recorder_zero,
	.resize = recorder_resize,
	.preallocate = recorder_preallocate,
	.sync = recorder_sync,
	.close = recorder_close,
};

void recorder_init(struct recorder *rec, struct history *history, unsigned file,
		   const uint8_t *content, uint64_t len)
{
	const uint64_t room = img_round_up(len, SECTOR);

	*rec = (struct recorder){ .history = history, .file = file, .len = len, .room = room };
	rec->bytes = calloc(1, room + 1);
	cr_assert_not_null(rec->bytes);
	if (len)
		memcpy(rec->bytes, content, len);
}

void recorder_free(struct recorder *rec)
{
	free(rec->bytes);
	rec->bytes = NULL;
}

struct img_store *recorder_store(struct recorder *rec)
{
	struct recorder_store *store = calloc(1, sizeof(*store));

	cr_assert_not_null(store);
	store->rec = rec;
	store->st = (struct img_store){
		.ops = &recorder_ops, .name = strdup(rec->file ? "data" : "image"), .align = 1,
		.caps = IMG_STORE_WRITE | IMG_STORE_SEEK | IMG_STORE_PARALLEL | IMG_STORE_ZERO |
			IMG_STORE_RESIZE,
		.cache = IMG_CACHE_WRITEBACK,
	};
	return &store->st;
}
