/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A target that remembers what it was told, checks the rules of writing, and fails when told to. */
#include <stdlib.h>
#include <string.h>
#include "base/bytes.h"
#include "base/num.h"
#include "unit/fake/fake.h"

/* ---- Codec: (length, byte) pairs -------------------------------------------------------------- */

#define PAIR 3

static void *codec_open(int level, size_t unit, struct img_err *err)
{
	(void)level;
	(void)unit;
	(void)err;
	return malloc(1);
}

static bool codec_encode(void *cx, const void *in, size_t n, void *out, size_t cap, size_t *used,
			 struct img_err *err)
{
	const uint8_t *from = in;
	uint8_t *to = out;
	size_t len = 0;

	(void)cx;
	(void)err;
	*used = 0;
	for (size_t i = 0, run; i < n; i += run, len += PAIR) {
		for (run = 1; i + run < n && run < UINT16_MAX && from[i + run] == from[i]; run++)
			;
		if (len + PAIR > cap)
			return true;
		img_put_be16(to + len, (uint16_t)run);
		to[len + 2] = from[i];
	}
	*used = len;
	return true;
}

static bool codec_decode(void *cx, const void *in, size_t n, void *out, size_t want,
			 struct img_err *err)
{
	const uint8_t *from = in;
	uint8_t *to = out;
	size_t done = 0;

	(void)cx;
	for (size_t i = 0; i + PAIR <= n && done < want; i += PAIR) {
		const size_t run = img_min_u64(img_get_be16(from + i), want - done);

		memset(to + done, from[i + 2], run);
		done += run;
	}
	return done == want || img_fail(err, IMG_E_CORRUPT, "fake: short");
}

const struct img_codec FAKE_CODEC = {
	.name = "fake",
	.open = codec_open,
	.encode = codec_encode,
	.decode = codec_decode,
	.close = free,
};

/* ---- Writing ---------------------------------------------------------------------------------- */

/* Counts a call; *ok is false when it is the one that fails. */
static struct fake_target *enter(struct img_layer *ly, enum fake_step step, bool one_caller,
				 bool *ok, struct img_err *err)
{
	struct fake_target *t = ly->priv;
	const unsigned call = atomic_fetch_add(&t->calls[step], 1) + 1;

	if (one_caller && atomic_exchange(&t->inside[step], true))
		t->disorder = true;
	*ok = step != t->fail_step || call != t->fail_call ||
	      img_fail(err, IMG_E_IO, "fake: step %d", (int)step);
	return t;
}

static bool leave(struct fake_target *t, enum fake_step step, bool ok)
{
	t->inside[step] = false;
	return ok;
}

static bool target_announce(struct img_layer *ly, uint64_t at, uint64_t len,
			    enum img_extent_kind kind, struct img_err *err)
{
	bool ok;
	struct fake_target *t = enter(ly, FAKE_ANNOUNCE, true, &ok, err);

	if (at != t->announced_to || !len ||
	    (kind != IMG_EXTENT_DATA && kind != IMG_EXTENT_ZERO))
		t->disorder = true;
	t->announced_to = at + len;
	return leave(t, FAKE_ANNOUNCE, ok);
}

static bool target_begin(struct img_layer *ly, struct img_err *err)
{
	bool ok;
	struct fake_target *t = enter(ly, FAKE_BEGIN, true, &ok, err);

	if (t->calls[FAKE_RESERVE] || t->announced_to != ly->size)
		t->disorder = true;
	return leave(t, FAKE_BEGIN, ok);
}

static bool target_reserve(struct img_layer *ly, struct img_slot *slots, size_t n,
			   struct img_err *err)
{
	bool ok;
	struct fake_target *t = enter(ly, FAKE_RESERVE, true, &ok, err);

	for (size_t i = 0; i < n; i++) {
		if (slots[i].at < t->reserved_to || slots[i].at % ly->unit || !slots[i].len)
			t->disorder = true;
		t->reserved_to = slots[i].at + slots[i].len;
		slots[i].store = ly->store;
		slots[i].host = t->next_host;
		t->next_host += slots[i].stored_len;
	}
	return leave(t, FAKE_RESERVE, ok);
}

static bool target_store(struct img_layer *ly, const struct img_slot *slot, const void *bytes,
			 struct img_err *err)
{
	bool ok;

	enter(ly, FAKE_STORE, false, &ok, err);
	return ok && img_store_write(slot->store, slot->host, bytes, slot->stored_len, err);
}

static void add_piece(struct fake_target *t, const struct fake_piece *piece)
{
	if (piece->at < t->published_to)
		t->disorder = true;
	t->published_to = piece->at + piece->len;
	t->v = realloc(t->v, (t->n + 1) * sizeof(*t->v));
	t->v[t->n++] = *piece;
}

static bool target_publish(struct img_layer *ly, const struct img_slot *slots, size_t n,
			   struct img_err *err)
{
	bool ok;
	struct fake_target *t = enter(ly, FAKE_PUBLISH, true, &ok, err);

	for (size_t i = 0; ok && i < n; i++) {
		add_piece(t, &(struct fake_piece){
			.at = slots[i].at, .len = slots[i].len, .host = slots[i].host,
			.stored_len = slots[i].stored_len, .flags = slots[i].flags,
		});
		if (t->flow)
			atomic_fetch_sub(&t->flow->now, slots[i].len);
	}
	return leave(t, FAKE_PUBLISH, ok);
}

static bool target_zero(struct img_layer *ly, uint64_t at, uint64_t len, struct img_err *err)
{
	bool ok;
	struct fake_target *t = enter(ly, FAKE_ZERO, true, &ok, err);

	if (ok)
		add_piece(t, &(struct fake_piece){ .at = at, .len = len, .zero = true });
	return leave(t, FAKE_ZERO, ok);
}

static bool target_finish(struct img_layer *ly, struct img_err *err)
{
	bool ok;
	struct fake_target *t = enter(ly, FAKE_FINISH, true, &ok, err);

	return leave(t, FAKE_FINISH, ok);
}

static void target_close(struct img_layer *ly)
{
	struct fake_target *t = ly->priv;

	free(t->v);
	free(t);
}

#define WRITE_OPS                                                                        \
	.reserve = target_reserve, .publish = target_publish, .zero = target_zero,       \
	.finish = target_finish

static const struct img_write_ops plain_ops = { WRITE_OPS };
static const struct img_write_ops own_ops = { WRITE_OPS, .store = target_store };
static const struct img_write_ops announced_ops = {
	WRITE_OPS, .announce = target_announce, .begin = target_begin,
};

static const struct img_format plain_format = {
	.name = "fake", .close = target_close, .write = &plain_ops,
};
static const struct img_format own_format = {
	.name = "fake", .close = target_close, .write = &own_ops,
};
static const struct img_format announced_format = {
	.name = "fake", .close = target_close, .write = &announced_ops,
};

struct img *fake_target(uint64_t size, uint32_t unit, unsigned flags)
{
	const unsigned seek = flags & FAKE_PIPE ? 0 : IMG_STORE_SEEK | IMG_STORE_PARALLEL;
	const uint64_t room = size == IMG_SIZE_UNKNOWN ? 64 << 20 : size + unit;
	struct fake_store *fs = fake_store_new(0, room, IMG_STORE_WRITE | IMG_STORE_RESIZE | seek);
	struct img *im = calloc(1, sizeof(*im));
	struct img_layer *ly = calloc(1, sizeof(*ly));

	*ly = (struct img_layer){
		.format = flags & FAKE_OWN_STORE   ? &own_format
			  : flags & FAKE_ANNOUNCED ? &announced_format
						   : &plain_format,
		.store = &fs->head, .priv = calloc(1, sizeof(struct fake_target)), .size = size,
		.unit = unit, .codec = flags & FAKE_COMPRESS ? &FAKE_CODEC : NULL,
		.reads_as_zero = true, .takes_plain = flags & FAKE_PLAIN,
	};
	im->layers = ly;
	im->n_layers = 1;
	im->target = calloc(1, sizeof(*im->target));
	return im;
}

struct fake_target *fake_target_of(const struct img *im)
{
	return im->layers[0].priv;
}

uint8_t *fake_target_content(const struct img *im, uint64_t size)
{
	const struct fake_target *t = fake_target_of(im);
	const struct img_layer *ly = &im->layers[0];
	uint8_t *bytes = calloc(1, size + ly->unit);
	struct img_err err = { 0 };

	for (size_t i = 0; i < t->n; i++) {
		const struct fake_piece *p = &t->v[i];
		const uint8_t *from = fake_store_of(im)->bytes + p->host;

		if (p->zero)
			memset(bytes + p->at, 0, p->len);
		else if (p->flags & IMG_SLOT_COMPRESSED)
			(void)!codec_decode(NULL, from, p->stored_len, bytes + p->at, ly->unit,
					    &err);
		else
			memcpy(bytes + p->at, from, p->len);
	}
	return bytes;
}

bool fake_targets_equal(const struct img *a, const struct img *b)
{
	const struct fake_target *ta = fake_target_of(a), *tb = fake_target_of(b);
	const struct fake_store *sa = fake_store_of(a), *sb = fake_store_of(b);

	if (ta->n != tb->n || sa->len != sb->len || memcmp(sa->bytes, sb->bytes, sa->len))
		return false;
	for (size_t i = 0; i < ta->n; i++) {
		const struct fake_piece *p = &ta->v[i], *q = &tb->v[i];

		if (p->at != q->at || p->len != q->len || p->host != q->host ||
		    p->stored_len != q->stored_len || p->flags != q->flags || p->zero != q->zero)
			return false;
	}
	return true;
}
