/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files after a loss of power: the durable bytes and, over them, a pointer for each sector that
 * something else survived in.  So a cut costs as much as what happened since the last sync.
 */
#include "disk/power.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/num.h"

static const uint8_t zero_sector[SECTOR];

/* How many of the last operations CUT_ONE_KEPT and CUT_ONE_LOST choose from, as a rule. */
#define RECENT 4

/* ---- What is durable ----------------------------------------------------------------------------- */

static uint64_t longest(const struct history *history, unsigned file, uint64_t len)
{
	for (size_t i = 0; i < history->n; i++) {
		const struct record *r = &history->v[i];

		if (r->file == file && r->kind <= RECORD_RESIZE)
			len = img_max_u64(len, r->at + r->len);
	}
	return len;
}

void power_init(struct power *power, const struct history *history, size_t n_files,
		uint8_t *const *starts, const uint64_t *lens)
{
	*power = (struct power){ .history = history, .n_files = n_files };
	for (unsigned i = 0; i < n_files; i++) {
		struct power_file *file = &power->files[i];

		file->room = img_round_up(longest(history, i, lens[i]), SECTOR);
		file->base = calloc(1, file->room + 1);
		file->over = calloc(file->room / SECTOR + 1, sizeof(*file->over));
		file->changed = calloc(file->room / SECTOR + 1, sizeof(*file->changed));
		cr_assert(file->base && file->over && file->changed);
		if (lens[i])
			memcpy(file->base, starts[i], lens[i]);
		file->base_len = file->len = lens[i];
	}
}

void power_free(struct power *power)
{
	for (size_t i = 0; i < power->n_files; i++) {
		free(power->files[i].base);
		free(power->files[i].over);
		free(power->files[i].changed);
	}
}

static void forget_cut(struct power_file *file)
{
	for (size_t i = 0; i < file->n_changed; i++)
		file->over[file->changed[i]] = NULL;
	file->n_changed = 0;
	file->len = file->base_len;
}

static void resize_base(struct power_file *file, uint64_t len)
{
	if (len < file->base_len)
		memset(file->base + len, 0, file->base_len - len);
	file->base_len = len;
}

static void make_durable(struct power_file *file, const struct record *r)
{
	const uint64_t first = r->at / SECTOR * SECTOR;
	const uint64_t len = img_round_up(r->at + r->len, SECTOR) - first;

	if (r->kind == RECORD_RESIZE) {
		resize_base(file, r->len);
		return;
	}
	if (r->bytes)
		memcpy(file->base + first, r->bytes, len);
	else
		memset(file->base + first, 0, len);
	file->base_len = img_max_u64(file->base_len, r->at + r->len);
}

static bool is_change(const struct record *r, unsigned file)
{
	return r->kind <= RECORD_RESIZE && r->file == file;
}

const struct record *power_step(struct power *power)
{
	const struct record *now = &power->history->v[power->at++];

	if (now->kind != RECORD_SYNC)
		return now;
	struct power_file *file = &power->files[now->file];
	forget_cut(file);
	for (; file->synced < power->at; file->synced++)
		if (is_change(&power->history->v[file->synced], now->file))
			make_durable(file, &power->history->v[file->synced]);
	file->len = file->base_len;
	return now;
}

/* ---- The cut ------------------------------------------------------------------------------------- */

/* What becomes of the operations; drawn once for each cut. */
struct fate {
	enum cut_kind kind;
	unsigned percent;		/* SOME_LOST, TORN: so many are kept */
	size_t chosen;			/* ONE_KEPT, ONE_LOST */
	struct random *random;
};

/* Of 100 sectors so many are kept; anything between is for a torn write. */
static unsigned kept_of(const struct fate *fate, size_t index)
{
	static const unsigned mixed[] = { 0, 100, 50 };

	switch (fate->kind) {
	case CUT_NOTHING_LOST:
		return 100;
	case CUT_ALL_LOST:
		return 0;
	case CUT_ONE_KEPT:
		return index == fate->chosen ? 100 : 0;
	case CUT_ONE_LOST:
		return index == fate->chosen ? 0 : 100;
	case CUT_SOME_LOST:
		return random_chance(fate->random, fate->percent) ? 100 : 0;
	case CUT_TORN:
		return fate->percent;
	default:
		return mixed[random_below(fate->random, 3)];
	}
}

static void put_over(struct power_file *file, size_t sector, const uint8_t *bytes)
{
	if (!file->over[sector])
		file->changed[file->n_changed++] = sector;
	file->over[sector] = bytes;
}

static void keep_sectors(struct power_file *file, const struct record *r, unsigned percent,
			 struct random *random)
{
	const size_t first = r->at / SECTOR, end = img_round_up(r->at + r->len, SECTOR) / SECTOR;

	for (size_t i = first; i < end; i++) {
		if (percent < 100 && !random_chance(random, percent))
			continue;
		put_over(file, i, r->bytes ? r->bytes + (i - first) * SECTOR : zero_sector);
		file->len = img_max_u64(file->len,
					img_min_u64((i + 1) * SECTOR, r->at + r->len));
	}
}

static void keep_resize(struct power_file *file, uint64_t len)
{
	for (size_t i = img_round_up(len, SECTOR) / SECTOR; i * SECTOR < file->len; i++)
		put_over(file, i, zero_sector);
	file->len = len;
}

static void cut_file(struct power *power, unsigned number, const struct fate *fate)
{
	struct power_file *file = &power->files[number];

	forget_cut(file);
	for (size_t i = file->synced; i < power->at; i++) {
		const struct record *r = &power->history->v[i];
		unsigned percent;

		if (!is_change(r, number))
			continue;
		percent = kept_of(fate, i);
		if (r->kind == RECORD_WRITE && percent)
			keep_sectors(file, r, percent, fate->random);
		else if (r->kind == RECORD_RESIZE && random_below(fate->random, 100) < percent)
			keep_resize(file, r->len);
	}
}

/* One of the operations that may be lost; mostly a late one. */
static size_t choose(const struct power *power, struct random *random)
{
	size_t late[64], n = 0;

	for (size_t i = power->at; i-- > 0 && n < 64;) {
		const struct record *r = &power->history->v[i];

		if (r->kind <= RECORD_RESIZE && i >= power->files[r->file].synced)
			late[n++] = i;
	}
	if (!n)
		return 0;
	if (n > RECENT && random_chance(random, 50))
		n = RECENT;
	return late[random_below(random, n)];
}

void power_cut(struct power *power, enum cut_kind kind, struct random *random)
{
	static const unsigned parts[] = { 10, 50, 90 };
	const struct fate fate = {
		.kind = kind, .percent = parts[random_below(random, 3)],
		.chosen = choose(power, random), .random = random,
	};

	for (unsigned i = 0; i < power->n_files; i++)
		cut_file(power, i, &fate);
}

/* ---- The files after it -------------------------------------------------------------------------- */

struct view {
	struct img_store st;
	const struct power_file *file;
};

static bool view_size(struct img_store *st, uint64_t *bytes, struct img_err *err)
{
	(void)err;
	*bytes = ((struct view *)st)->file->len;
	return true;
}

static void copy_out(const struct power_file *file, uint64_t at, uint8_t *to, size_t len)
{
	while (len > 0) {
		const size_t first = at / SECTOR, within = at % SECTOR;
		const uint8_t *over = file->over[first];
		size_t n = SECTOR - within;

		while (!over && n < len && !file->over[(at + n) / SECTOR])
			n += SECTOR;
		n = img_min_u64(n, len);
		memcpy(to, over ? over + within : file->base + at, n);
		to += n;
		at += n;
		len -= n;
	}
}

static bool view_read(struct img_store *st, uint64_t at, void *buf, size_t len, size_t *got,
		      struct img_err *err)
{
	const struct power_file *file = ((struct view *)st)->file;

	(void)err;
	*got = at < file->len ? img_min_u64(len, file->len - at) : 0;
	copy_out(file, at, buf, *got);
	return true;
}

static void view_close(struct img_store *st)
{
	free(st);
}

static const struct img_store_ops view_ops = {
	.kind = "view", .size = view_size, .read = view_read, .close = view_close,
};

struct img_store *power_store(struct power *power, size_t file)
{
	struct view *view = calloc(1, sizeof(*view));

	cr_assert_not_null(view);
	view->file = &power->files[file];
	view->st = (struct img_store){
		.ops = &view_ops, .name = strdup(file ? "data" : "image"), .align = 1,
		.caps = IMG_STORE_SEEK | IMG_STORE_PARALLEL,
	};
	return &view->st;
}

uint8_t *power_bytes(const struct power *power, size_t file, uint64_t *len)
{
	uint8_t *bytes = malloc(power->files[file].len + 1);

	cr_assert_not_null(bytes);
	*len = power->files[file].len;
	copy_out(&power->files[file], 0, bytes, *len);
	return bytes;
}
