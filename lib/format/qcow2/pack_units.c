/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a part of the file holds, unit by unit, and the room for it. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/num.h"
#include "format/qcow2/pack.h"

/* A compressed cluster may go on in so many clusters behind the one in which it begins. */
enum { REACH = 2 };

/* ---- What refers to what -------------------------------------------------------------------------- */

static unsigned bits_of(const struct qcow2_window *w)
{
	return w->q->geo.cluster_bits;
}

static bool fail(struct qcow2_window *w)
{
	w->failed = true;
	return false;
}

static void mark(struct qcow2_window *w, uint8_t *bits, uint64_t host, uint64_t len)
{
	const uint64_t end = img_min_u64(((host + len - 1) >> bits_of(w)) + 1, w->pic.n);

	for (uint64_t c = host >> bits_of(w); c < end; c++)
		img_picture_set(bits, c, true);
}

/* Tables. */
static uint64_t see_table(void *ctx, uint64_t host, uint64_t len, bool data)
{
	struct qcow2_window *w = ctx;

	(void)data;
	mark(w, w->other, host, len);
	for (uint64_t c = host >> bits_of(w); c < (host + len - 1) >> bits_of(w); c++)
		img_picture_set(w->pic.tied, c, true);
	return host;
}

/* What the entry says of the length is rounded up, maybe to more than the file has. */
static bool see_packed(struct qcow2_window *w, const struct qcow2_cluster *c)
{
	const uint64_t end = img_min_u64(c->host + c->stored_len, w->q->map.file_size);
	const struct img_pack_unit one = {
		.kind = IMG_PACK_PACKED, .host = c->host, .len = (uint32_t)(end - c->host),
		.align = 1,
	};

	if (c->host >= end)
		return !img_fail(&w->why, IMG_E_INCOMPLETE,
				 _("compressed clusters lie behind the end of the file")) && fail(w);
	mark(w, w->packed, one.host, one.len);
	/* Neighbours of the window say how long its own are. */
	if (one.host >> bits_of(w) > w->to + REACH || (one.host >> bits_of(w)) + REACH < w->from)
		return false;
	return !img_pack_units_see(&w->units, one, &w->why) && fail(w);
}

/* Zeros that have a place cannot be compressed, nor can a cluster of which only a part counts. */
static bool see_cluster(void *ctx, struct qcow2_cluster *c)
{
	struct qcow2_window *w = ctx;

	if (w->failed)
		return false;
	if (c->kind == QCOW2_CLUSTER_COMPRESSED)
		return see_packed(w, c);
	mark(w, c->kind == QCOW2_CLUSTER_DATA ? w->plain : w->other, c->host,
	     qcow2_cluster_size(&w->q->geo));
	return false;
}

/* ---- The picture ---------------------------------------------------------------------------------- */

static bool is_in_use(const struct qcow2_window *w, uint64_t c)
{
	return img_picture_get(w->pic.used, c);
}

static bool draw(struct qcow2_window *w, struct img_err *err)
{
	const uint64_t n = qcow2_refs_clusters(w->refs);

	if (!img_picture_start(&w->pic, n, err))
		return false;
	w->plain = img_calloc(n / 8 + 1, 1, err);
	w->packed = img_calloc(n / 8 + 1, 1, err);
	w->other = img_calloc(n / 8 + 1, 1, err);
	return w->plain && w->packed && w->other && qcow2_draw_counts(w->q, &w->pic, err);
}

/* What is free costs nothing, so that each window goes on behind what the last one left. */
static void choose_end(struct qcow2_window *w, uint64_t most)
{
	const uint64_t clusters = img_max_u64(most >> bits_of(w), 1);
	uint64_t n = 0;

	/* The first one may hold the end of what was packed before. */
	for (w->to = w->from; w->to < w->pic.n && n <= clusters; w->to++)
		n += is_in_use(w, w->to);
}

static bool see_all(struct qcow2_window *w, struct img_err *err)
{
	const struct qcow2_referring how = {
		.refer = see_table, .recast = see_cluster, .ctx = w,
	};

	if (!qcow2_references_visit(&w->q->header, w->q->map.file, w->refs, &how, err))
		return false;
	if (w->failed)
		return img_fail(err, w->why.code, "%s", w->why.text);
	/* A table stays whole. */
	while (w->to && w->to < w->pic.n && img_picture_get(w->pic.tied, w->to - 1))
		w->to++;
	return true;
}

/* ---- Units ---------------------------------------------------------------------------------------- */

/*
 * Where the next one begins in the sector in which an entry says that its cluster ends, it ends in
 * front of that: the tail of the sector is the next one's.
 */
static bool find_lengths(struct img_pack_units *packed, struct img_err *err)
{
	for (size_t i = 0; i + 1 < packed->n; i++) {
		struct img_pack_unit *one = &packed->v[i];
		const uint64_t end = one->host + one->len, next = one[1].host;

		if (next + QCOW2_SECTOR < end)
			return img_fail(err, IMG_E_CORRUPT, _("compressed clusters at offsets 0x%" PRIx64
					" and 0x%" PRIx64 " of the file overlap"), one->host, next);
		one->len = (uint32_t)(img_min_u64(next, end) - one->host);
	}
	return true;
}

static bool check_cluster(const struct qcow2_window *w, uint64_t c, struct img_err *err)
{
	const bool other = img_picture_get(w->plain, c) || img_picture_get(w->other, c);

	return !img_picture_get(w->packed, c) || !other ||
	       img_fail(err, IMG_E_CORRUPT, _("cluster %" PRIu64 " holds compressed bytes and others; "
			"the image must be repaired first"), c);
}

/* Those of cluster c on that move together. */
static bool add_clusters(struct qcow2_window *w, struct img_pack_units *all, uint64_t c, uint64_t *n,
			 struct img_err *err)
{
	const bool plain = img_picture_get(w->plain, c), other = img_picture_get(w->other, c);
	struct img_pack_unit one = {
		.host = c << bits_of(w), .align = UINT32_C(1) << bits_of(w),
		.kind = other ? IMG_PACK_AS_IT_IS : plain ? IMG_PACK_PLAIN : IMG_PACK_FIXED,
	};

	while (img_picture_get(w->pic.tied, c + *n - 1) && c + *n < w->pic.n)
		++*n;
	one.len = (uint32_t)(*n << bits_of(w));
	return img_pack_units_add(all, one, err);
}

/* Behind what the last window has left; the first one of this window. */
static size_t start(struct qcow2_window *w, const struct img_pack_units *packed)
{
	size_t p = 0;

	w->at = w->from << bits_of(w);
	for (; p < packed->n && packed->v[p].host < w->from << bits_of(w); p++)
		w->at = img_max_u64(w->at, packed->v[p].host + packed->v[p].len);
	return p;
}

static bool arrange(struct qcow2_window *w, const struct img_pack_units *packed, struct img_err *err)
{
	size_t p = start(w, packed);

	for (uint64_t c = w->from, n = 1; c < w->to; c += n, n = 1) {
		const uint64_t end = (c + 1) << bits_of(w);

		if (!check_cluster(w, c, err))
			return false;
		for (; p < packed->n && packed->v[p].host < end; p++)
			if (!img_pack_units_add(&w->units, packed->v[p], err))
				return false;
		if (is_in_use(w, c) && !img_picture_get(w->packed, c) &&
		    !add_clusters(w, &w->units, c, &n, err))
			return false;
	}
	return true;
}

bool qcow2_window_open(struct qcow2_window *w, uint64_t most, struct img_err *err)
{
	struct img_pack_units packed;

	if (!draw(w, err))
		return false;
	choose_end(w, most);
	if (!see_all(w, err))
		return false;
	packed = w->units;
	w->units = (struct img_pack_units){ 0 };
	img_pack_units_unite(&packed);
	const bool ok = find_lengths(&packed, err) && arrange(w, &packed, err);

	img_pack_units_clear(&packed);
	return ok;
}

void qcow2_window_clear(struct qcow2_window *w)
{
	qcow2_refs_free(w->refs);
	img_picture_clear(&w->pic);
	free(w->plain);
	free(w->packed);
	free(w->other);
	img_pack_units_clear(&w->units);
}

/* ---- Room ----------------------------------------------------------------------------------------- */

/* Whatever was there has moved down. */
static bool can_be_counted(const struct qcow2_window *w, uint64_t c)
{
	return c >= w->pic.n || is_in_use(w, c) || img_picture_get(w->pic.open, c);
}

uint64_t qcow2_window_room(void *ctx, uint64_t at, uint64_t len, uint32_t align)
{
	const struct qcow2_window *w = ctx;
	const uint64_t size = qcow2_cluster_size(&w->q->geo);

	at = img_round_up(at, align);
	/* The rest of a cluster that was begun is ours. */
	for (uint64_t c = img_div_up(at, size); c << bits_of(w) < at + len; c++)
		if (!can_be_counted(w, c))
			at = (c + 1) << bits_of(w);
	return at;
}
