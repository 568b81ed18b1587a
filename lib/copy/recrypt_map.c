/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the disk lies in a file that holds more than it: a map of so much of the file as fits into some
 * memory, made anew from the tables, which stay as they are, when windows leave it behind.
 */
#include <inttypes.h>
#include <stdlib.h>
#include "base/mem.h"
#include "base/num.h"
#include "copy/recrypt.h"

/* 16 MiB of map are for 128 GiB of a file in the usual units, and for 1 GiB in the smallest. */
enum { MAP_UNITS = 2 << 20 };

#define NOWHERE UINT64_MAX

/* ---- Making it ----------------------------------------------------------------------------------- */

/* Units that have two places on the disk have two IVs, and would be lost. */
static bool note(void *ctx, uint64_t host, uint64_t guest, uint64_t len, struct img_err *err)
{
	struct img_recrypt_run *run = ctx;
	const uint64_t unit = run->seen.unit;

	for (uint64_t done = 0; done < len; done += unit) {
		uint64_t *known = &run->map.guest[(host + done - run->map.from) / unit];

		if (run->hdr.legacy && *known != NOWHERE && *known != guest + done)
			return img_fail(err, IMG_E_UNSUPPORTED, _("bytes at 0x%" PRIx64 " of the file are at "
					"several places of the disk"), host + done);
		*known = guest + done;
	}
	return true;
}

static bool fill(struct img_recrypt_run *run, struct img_err *err)
{
	struct img_recrypt_visit visit = {
		.from = run->map.from, .to = run->map.to, .found = note, .ctx = run,
		/* What was there once is in clear still. */
		.unread = run->hdr.kind == IMG_RECRYPT_ENCRYPT,
	};

	if (!run->format->recrypt->visit(&run->view, &visit, err))
		return false;
	run->packed = run->hdr.kind == IMG_RECRYPT_ENCRYPT ? visit.packed : 0;
	return !visit.packed || run->hdr.kind != IMG_RECRYPT_CHANGE ||
	       img_fail(err, IMG_E_UNSUPPORTED, _("it has compressed clusters, which are never enciphered; "
			"\"imgcrypt encrypt\" with another name makes a copy without them"));
}

void img_recrypt_map_drop(struct img_recrypt_run *run)
{
	free(run->map.guest);
	run->map = (struct img_recrypt_map){ 0 };
}

bool img_recrypt_map_load(struct img_recrypt_run *run, uint64_t from, uint64_t to, struct img_err *err)
{
	struct img_recrypt_map *map = &run->map;
	const uint64_t unit = run->seen.unit, end = img_round_up(run->hdr.len, unit);
	size_t n;

	if (map->guest && from >= map->from && to <= map->to)
		return true;
	img_recrypt_map_drop(run);
	map->from = img_round_down(from, unit);
	n = img_min_u64(MAP_UNITS, (end - map->from) / unit);
	map->to = map->from + n * unit;
	map->guest = img_grow(NULL, n, sizeof(*map->guest), err);
	if (!map->guest)
		return false;
	for (size_t i = 0; i < n; i++)
		map->guest[i] = NOWHERE;
	if (fill(run, err))
		return true;
	img_recrypt_map_drop(run);
	return false;
}

/* ---- Asking it ----------------------------------------------------------------------------------- */

/* Whether unit i goes on with the one in front of it, under the same cipher. */
static bool goes_on(const struct img_recrypt_run *run, size_t i)
{
	const uint64_t *guest = run->map.guest;

	return guest[i] != NOWHERE && (!run->hdr.legacy || guest[i] == guest[i - 1] + run->seen.unit);
}

void img_recrypt_next_part(const struct img_recrypt_run *run, uint64_t at, uint64_t limit,
			   struct img_recrypt_part *out)
{
	const struct img_recrypt_map *map = &run->map;
	const uint64_t unit = run->seen.unit;

	*out = (struct img_recrypt_part){ .at = at, .iv = at };
	if (!run->hdr.inside) {
		out->len = limit - at;
		return;
	}
	size_t i = (at - map->from) / unit;
	const size_t end = img_div_up(limit - map->from, unit);

	while (i < end && map->guest[i] == NOWHERE)
		i++;
	if (i == end)
		return;
	out->at = img_max_u64(at, map->from + i * unit);
	out->iv = run->hdr.legacy ? map->guest[i] + (out->at - map->from) % unit : out->at;
	for (i++; i < end && goes_on(run, i); i++)
		;
	out->len = img_min_u64(map->from + i * unit, limit) - out->at;
}

bool img_recrypt_each_part(struct img_recrypt_run *run,
			   bool (*call)(void *ctx, const struct img_recrypt_part *part, struct img_err *err),
			   void *ctx, struct img_err *err)
{
	struct img_recrypt_part part;

	for (uint64_t from = 0; from < run->hdr.len; from = run->map.to) {
		if (!img_recrypt_map_load(run, from, from + 1, err))
			return false;
		for (uint64_t at = from; at < run->map.to; at = part.at + part.len) {
			img_recrypt_next_part(run, at, run->map.to, &part);
			if (!part.len)
				break;
			if (!call(ctx, &part, err))
				return false;
		}
	}
	return true;
}
