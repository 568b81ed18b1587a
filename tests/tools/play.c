/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * play: what a guest does to its disk, for scripts.  It uses libimg.h alone.
 *
 *	play fill RAW BYTES
 *		Makes a raw disk whose first three quarters are written.
 *	play run IMAGE MODEL GRAIN SEED REQUESTS CACHE
 *		Does so many random requests to IMAGE and the same to the raw file MODEL, which holds
 *		the same disk.  Says "flushed N" when the first N requests are durable.
 *	play check IMAGE START GRAIN SEED N
 *		Whether IMAGE holds what such a run may leave that was killed after "flushed N"; the
 *		raw file START is what it began with.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "disk/guest.h"
#include "disk/workload.h"

#define PIECE (64 * 1024)

static const struct { const char *name; enum img_cache cache; } caches[] = {
	{ "writeback", IMG_CACHE_WRITEBACK },	{ "writethrough", IMG_CACHE_WRITETHROUGH },
	{ "none", IMG_CACHE_NONE },		{ "directsync", IMG_CACHE_DIRECTSYNC },
	{ "unsafe", IMG_CACHE_UNSAFE },
};

/* Requests as they follow from the seed, with the flushes that the model of the disk needs. */
struct player {
	struct workload load;
	struct guest guest;
	struct request waiting;		/* comes after a flush */
	bool waits;
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "play: %s: %s\n", what, why);
	exit(1);
}

/* ---- Files --------------------------------------------------------------------------------------- */

static uint8_t *read_raw(const char *path, uint64_t *size)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes;

	if (!f || fseek(f, 0, SEEK_END))
		die(path, strerror(errno));
	*size = (uint64_t)ftell(f);
	rewind(f);
	bytes = malloc(*size + 1);
	if (!bytes || fread(bytes, 1, *size, f) != *size)
		die(path, "cannot be read");
	fclose(f);
	return bytes;
}

static void write_raw(const char *path, const uint8_t *bytes, uint64_t size)
{
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(bytes, 1, size, f) != size || fclose(f))
		die(path, strerror(errno));
}

static struct img *open_image(const char *path, unsigned flags, enum img_cache cache)
{
	const struct img_open how = {
		.path = path, .flags = flags, .cache = cache, .gate = &img_gate_local,
	};
	struct img_err err = { 0 };
	struct img *im = img_open(&how, &err);

	if (!im)
		die("opening", err.text);
	return im;
}

/* ---- The workload -------------------------------------------------------------------------------- */

static void player_init(struct player *player, const uint8_t *bytes, uint64_t size, uint32_t grain,
			uint64_t seed)
{
	*player = (struct player){ .waits = false };
	guest_init_from(&player->guest, bytes, size);
	workload_init(&player->load, size, grain, seed);
	/* Not to be taken for what an earlier run has written. */
	player->load.seq = (uint32_t)(seed * 100000 % (1 << 23));
}

static void player_free(struct player *player)
{
	guest_free(&player->guest);
	workload_free(&player->load);
}

static struct request player_next(struct player *player)
{
	static const struct request flush = { .kind = REQUEST_FLUSH };
	struct request req = player->waits ? player->waiting : workload_next(&player->load);

	player->waits = guest_is_crowded(&player->guest, &req);
	if (!player->waits)
		return req;
	player->waiting = req;
	return flush;
}

static bool is_flush(const struct request *req)
{
	return req->kind == REQUEST_FLUSH || req->kind == REQUEST_REOPEN;
}

static void player_done(struct player *player, const struct request *req)
{
	guest_end(&player->guest, req);
	if (is_flush(req))
		guest_flushed(&player->guest);
}

/* ---- run ----------------------------------------------------------------------------------------- */

struct run {
	const char *path;
	enum img_cache cache;
	struct img *im;
	struct player player;
	uint8_t *model;
};

static void do_request(struct run *run, const struct request *req)
{
	struct img_err err = { 0 };

	if (req->kind == REQUEST_REOPEN) {
		if (!img_finish(run->im, &err))
			die("finishing", err.text);
		img_close(run->im);
		run->im = open_image(run->path, IMG_OPEN_WRITE, run->cache);
	} else if (!workload_do(&run->player.load, run->im, req, &err)) {
		die("request", err.text);
	}
	if (req->kind == REQUEST_WRITE)
		guest_fill(run->model + req->at, req->at, req->len, req->seq);
	else if (req->kind < REQUEST_DISCARD)
		memset(run->model + req->at, 0, req->len);
	else if (req->kind == REQUEST_DISCARD &&
		 !img_read(run->im, req->at, run->model + req->at, req->len, &err))
		die("reading", err.text);
}

static void run(const char *path, const char *model, uint32_t grain, uint64_t seed,
		unsigned requests, enum img_cache cache)
{
	struct run run = { .path = path, .cache = cache };
	struct img_err err = { 0 };
	uint64_t size;

	run.model = read_raw(model, &size);
	player_init(&run.player, run.model, size, grain, seed);
	run.im = open_image(path, IMG_OPEN_WRITE, cache);
	if (img_size(run.im) != size)
		die(path, "has another size than the model");
	for (unsigned i = 0; i < requests; i++) {
		const struct request req = player_next(&run.player);

		guest_begin(&run.player.guest, &req);
		do_request(&run, &req);
		player_done(&run.player, &req);
		if (is_flush(&req))
			printf("flushed %u\n", i + 1);
		fflush(stdout);
	}
	if (!img_finish(run.im, &err))
		die("finishing", err.text);
	img_close(run.im);
	write_raw(model, run.model, size);
	player_free(&run.player);
	free(run.model);
}

/* ---- check --------------------------------------------------------------------------------------- */

static void expect_content(struct img *im, const struct guest *guest)
{
	static uint8_t buf[PIECE];
	struct img_err err = { 0 };
	uint64_t wrong;

	for (uint64_t at = 0; at < guest->size; at += PIECE) {
		const size_t len = guest->size - at < PIECE ? guest->size - at : PIECE;

		if (!img_read(im, at, buf, len, &err))
			die("reading", err.text);
		if (!guest_allows(guest, GUEST_AFTER_CUT, at, buf, len, &wrong))
			die("content", guest_complaint(guest, GUEST_AFTER_CUT, wrong,
						       buf + (wrong - at)));
	}
}

static void check(const char *path, const char *start, uint32_t grain, uint64_t seed,
		  unsigned durable)
{
	struct img *im = open_image(path, 0, IMG_CACHE_DEFAULT);
	struct player player;
	struct request req = { .kind = REQUEST_WRITE };
	uint64_t size;
	uint8_t *bytes = read_raw(start, &size);

	player_init(&player, bytes, size, grain, seed);
	for (unsigned i = 0; i < durable; i++) {
		req = player_next(&player);
		guest_begin(&player.guest, &req);
		player_done(&player, &req);
	}
	/* Up to the next flush, of which nothing was heard. */
	do {
		req = player_next(&player);
		guest_begin(&player.guest, &req);
		guest_end(&player.guest, &req);
	} while (!is_flush(&req));
	expect_content(im, &player.guest);
	img_close(im);
	player_free(&player);
	free(bytes);
}

/* ---- The command --------------------------------------------------------------------------------- */

static void fill(const char *path, uint64_t size)
{
	uint8_t *bytes = calloc(1, size);

	if (!bytes)
		die(path, "too large");
	guest_fill(bytes, 0, size / 4 * 3 / SECTOR * SECTOR, 0);
	write_raw(path, bytes, size);
	free(bytes);
}

static enum img_cache cache_named(const char *name)
{
	for (size_t i = 0; i < sizeof(caches) / sizeof(caches[0]); i++)
		if (!strcmp(caches[i].name, name))
			return caches[i].cache;
	die(name, "no cache mode");
	return IMG_CACHE_DEFAULT;
}

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 10);
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "fill"))
		fill(argv[2], number(argv[3]));
	else if (argc == 8 && !strcmp(argv[1], "run"))
		run(argv[2], argv[3], (uint32_t)number(argv[4]), number(argv[5]),
		    (unsigned)number(argv[6]), cache_named(argv[7]));
	else if (argc == 7 && !strcmp(argv[1], "check"))
		check(argv[2], argv[3], (uint32_t)number(argv[4]), number(argv[5]),
		      (unsigned)number(argv[6]));
	else
		die("usage", "see the head of play.c");
	return 0;
}
