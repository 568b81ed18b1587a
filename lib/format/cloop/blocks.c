/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading compressed blocks: neighbours come with one read, and each is decoded straight to where it
 * is wanted.
 */
#include <inttypes.h>
#include <string.h>
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "extent/extent.h"
#include "format/cloop/cloop.h"

enum {
	BLOCKS_MAX = 64,		/* looked up at once */
	GROUP_BYTES = 2 << 20,		/* read at once, unless a single block is larger */
	ZEROS_MAX = 2048,		/* stored bytes of a block of zeros that are kept */
	ALIKE_BYTES = 64 << 10,		/* compared at once */
};

/* ---- Readers --------------------------------------------------------------------------------- */

/* Of one thread at a time.  All of it is made when it is first needed. */
struct reader {
	struct reader *next;		/* on the shelf */
	void *contexts[CLOOP_COMPRESSORS];
	uint8_t *stored;		/* what was read of the file */
	size_t room;
	uint8_t *block;			/* one that is not wanted whole */
	/* The last whole block of zeros as it is stored: of an empty disk all others are the same. */
	uint8_t zeros[ZEROS_MAX];
	size_t zeros_len;		/* 0: none was seen yet */
	enum cloop_compressor zeros_by;
};

struct cloop_shelf {
	uint32_t block_size;
	pthread_mutex_t lock;		/* guards what follows */
	struct reader *idle;
};

struct cloop_shelf *cloop_shelf_new(uint32_t block_size, struct img_err *err)
{
	struct cloop_shelf *shelf = img_calloc(1, sizeof(*shelf), err);

	if (!shelf)
		return NULL;
	shelf->block_size = block_size;
	pthread_mutex_init(&shelf->lock, NULL);
	return shelf;
}

static struct reader *take(struct cloop_shelf *shelf, struct img_err *err)
{
	pthread_mutex_lock(&shelf->lock);
	struct reader *r = shelf->idle;
	if (r)
		shelf->idle = r->next;
	pthread_mutex_unlock(&shelf->lock);
	return r ? r : img_calloc(1, sizeof(*r), err);
}

static void put_back(struct cloop_shelf *shelf, struct reader *r)
{
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&shelf->lock);

	r->next = shelf->idle;
	shelf->idle = r;
}

static void reader_free(struct reader *r)
{
	for (unsigned id = 0; id < CLOOP_COMPRESSORS; id++)
		if (r->contexts[id])
			img_codec_named(cloop_compressor_name(id))->close(r->contexts[id]);
	free(r->stored);
	free(r->block);
	free(r);
}

void cloop_shelf_free(struct cloop_shelf *shelf)
{
	struct reader *r;

	if (!shelf)
		return;
	while ((r = shelf->idle)) {
		shelf->idle = r->next;
		reader_free(r);
	}
	pthread_mutex_destroy(&shelf->lock);
	free(shelf);
}

static bool make_room(struct reader *r, size_t len, struct img_err *err)
{
	uint8_t *stored;

	if (len <= r->room)
		return true;
	stored = img_alloc_aligned(len, err);
	if (!stored)
		return false;
	free(r->stored);
	r->stored = stored;
	r->room = len;
	return true;
}

static bool read_stored(struct cloop *c, struct reader *r, uint64_t host, size_t len,
			struct img_err *err)
{
	return make_room(r, len, err) &&
	       img_store_read(c->index.file, host, r->stored, len, err);
}

/* ---- Decoding -------------------------------------------------------------------------------- */

/* *codec stays NULL for blocks that are as they are. */
static bool prepare(struct cloop *c, struct reader *r, enum cloop_compressor id,
		    const struct img_codec **codec, struct img_err *err)
{
	if (!cloop_codec(id, codec, err))
		return false;
	if (*codec && !r->contexts[id])
		r->contexts[id] = (*codec)->open((*codec)->level_default, c->header.block_size, err);
	return !*codec || r->contexts[id];
}

static bool prepare_block(struct cloop *c, struct reader *r, struct img_err *err)
{
	if (!r->block)
		r->block = img_alloc_aligned(c->header.block_size, err);
	return r->block;
}

/* All that block i gives. */
static uint32_t whole_len(const struct cloop *c, uint32_t i)
{
	return i + 1 == c->header.n_blocks ? c->last_len : c->header.block_size;
}

static bool is_known_zeros(const struct reader *r, const struct cloop_place *place,
			   const uint8_t *stored)
{
	return r->zeros_len && place->len == r->zeros_len && place->compressor == r->zeros_by &&
	       !memcmp(stored, r->zeros, r->zeros_len);
}

static void remember_zeros(struct reader *r, const struct cloop_place *place,
			   const uint8_t *stored)
{
	memcpy(r->zeros, stored, place->len);
	r->zeros_len = place->len;
	r->zeros_by = place->compressor;
}

/* A whole block by its codec; to compare a few bytes is quicker than to unpack them. */
static bool decode_whole(struct cloop *c, struct reader *r, const struct img_codec *codec,
			 const struct cloop_place *place, const uint8_t *stored, uint8_t *out,
			 struct img_err *err)
{
	const uint32_t len = c->header.block_size;

	if (is_known_zeros(r, place, stored)) {
		memset(out, 0, len);
		return true;
	}
	if (!codec->decode(r->contexts[place->compressor], stored, place->len, out, len, err))
		return false;
	if (place->len <= ZEROS_MAX && img_is_zero(out, len))
		remember_zeros(r, place, stored);
	return true;
}

static bool decode(struct cloop *c, struct reader *r, const struct cloop_place *place, uint32_t i,
		   const uint8_t *stored, uint8_t *out, struct img_err *err)
{
	const struct img_codec *codec;

	if (!prepare(c, r, place->compressor, &codec, err))
		return false;
	if (codec && whole_len(c, i) == c->header.block_size)
		return decode_whole(c, r, codec, place, stored, out, err);
	if (codec)
		return codec->decode(r->contexts[place->compressor], stored, place->len, out,
				     whole_len(c, i), err);
	if (place->len != whole_len(c, i))
		return img_fail(err, IMG_E_CORRUPT, "%s", _(cloop_found_index_size.text));
	memcpy(out, stored, place->len);
	return true;
}

/* A request, and where it stands. */
struct request {
	struct cloop *c;
	struct reader *r;
	uint64_t at;			/* guest */
	uint8_t *buf;
	size_t len;
};

/* The part of one block that is wanted. */
static bool read_block(struct request *rq, const struct cloop_place *place, const uint8_t *stored,
		       struct img_err *err)
{
	struct cloop *c = rq->c;
	const uint32_t i = (uint32_t)(rq->at / c->header.block_size);
	const uint32_t skip = (uint32_t)(rq->at % c->header.block_size), whole = whole_len(c, i);
	const size_t len = img_min_u64(whole - skip, rq->len);
	const bool direct = !skip && len == whole;

	if ((!direct && !prepare_block(c, rq->r, err)) ||
	    !decode(c, rq->r, place, i, stored, direct ? rq->buf : rq->r->block, err))
		return img_within(err, _("block %" PRIu32 " at 0x%" PRIx64), i, place->host);
	if (!direct)
		memcpy(rq->buf, rq->r->block + skip, len);
	rq->at += len;
	rq->buf += len;
	rq->len -= len;
	return true;
}

/* Looks up the blocks that the request needs and that lie close enough for one read. */
static bool find_group(const struct request *rq, struct cloop_place *places, size_t *n,
		       struct img_err *err)
{
	struct cloop *c = rq->c;
	const uint32_t first = (uint32_t)(rq->at / c->header.block_size);
	const uint64_t wanted = (rq->at + rq->len - 1) / c->header.block_size - first + 1;
	uint64_t bytes = 0;

	for (*n = 0; *n < img_min_u64(wanted, BLOCKS_MAX); (*n)++) {
		struct cloop_place *place = &places[*n];

		if (!cloop_index_get(&c->index, first + (uint32_t)*n, place, err))
			return false;
		if (*n && (place->bad || place->host != place[-1].host + place[-1].len ||
			   bytes + place->len > GROUP_BYTES))
			break;
		bytes += place->len;
	}
	return !places[0].bad || img_fail(err, IMG_E_CORRUPT, "%s", _(places[0].bad->text));
}

static bool read_group(struct request *rq, struct img_err *err)
{
	struct cloop_place places[BLOCKS_MAX];
	size_t n;

	if (!find_group(rq, places, &n, err))
		return false;
	const uint64_t start = places[0].host;
	if (!read_stored(rq->c, rq->r, start, places[n - 1].host + places[n - 1].len - start, err))
		return false;
	for (size_t k = 0; k < n; k++)
		if (!read_block(rq, &places[k], rq->r->stored + (places[k].host - start), err))
			return false;
	return true;
}

bool cloop_blocks_read(struct cloop *c, uint64_t at, uint8_t *buf, size_t len,
		       struct img_err *err)
{
	struct request rq = { .c = c, .r = take(c->shelf, err), .at = at, .buf = buf, .len = len };

	if (!rq.r)
		return false;
	while (rq.len && read_group(&rq, err))
		;
	put_back(c->shelf, rq.r);
	return !rq.len;
}

/* ---- Blocks as they are stored --------------------------------------------------------------- */

bool cloop_packed(struct img_layer *ly, uint64_t at, struct img_packed *out, size_t max, size_t *n,
		  struct img_err *err)
{
	struct cloop *c = ly->priv;
	const uint32_t len = c->header.block_size;
	struct cloop_place place;

	for (*n = 0; *n < max && at % len == 0 && at / len < c->header.n_blocks; at += len) {
		const uint32_t i = (uint32_t)(at / len);

		if (!cloop_index_get(&c->index, i, &place, err))
			return false;
		if (place.bad || place.compressor == CLOOP_NONE || whole_len(c, i) != len)
			break;
		out[(*n)++] = (struct img_packed){
			.at = at, .len = len, .store = c->index.file, .host = place.host,
			.codec = img_codec_named(cloop_compressor_name(place.compressor)),
			.stored_len = (uint32_t)place.len,
		};
	}
	return true;
}

/* ---- Blocks that are the same ---------------------------------------------------------------- */

/* How many blocks from first on may be the same, by where they lie. */
static bool look_alike(struct cloop *c, uint32_t first, uint32_t limit, struct cloop_place *place,
		       uint32_t *n, struct img_err *err)
{
	struct cloop_place next;

	*n = 1;
	if (!cloop_index_get(&c->index, first, place, err))
		return false;
	if (place->bad || place->compressor == CLOOP_NONE || place->len > ZEROS_MAX)
		return true;
	for (; first + *n < limit && (*n + 1) * place->len <= ALIKE_BYTES; (*n)++) {
		if (!cloop_index_get(&c->index, first + *n, &next, err))
			return false;
		if (next.bad || next.len != place->len || next.compressor != place->compressor ||
		    next.host != place->host + *n * place->len)
			break;
	}
	return true;
}

/* How many of n blocks have the bytes of the first one; 1 where they cannot be read, either. */
static uint32_t count_same(struct cloop *c, struct reader *r, const struct cloop_place *place,
			   uint32_t n)
{
	const size_t len = (size_t)place->len;
	uint32_t same = 1;

	if (!read_stored(c, r, place->host, n * len, NULL))
		return 1;
	while (same < n && !memcmp(r->stored + same * len, r->stored, len))
		same++;
	return same;
}

bool cloop_blocks_alike(struct cloop *c, uint32_t first, uint32_t limit, uint32_t *n, bool *zeros,
			struct img_err *err)
{
	struct cloop_place place;
	struct reader *r;

	*zeros = false;
	limit = (uint32_t)img_min_u64(limit, c->header.n_blocks - 1);
	if (!look_alike(c, first, limit, &place, n, err))
		return false;
	if (*n == 1)
		return true;
	r = take(c->shelf, err);
	if (!r)
		return false;
	/* Two first: most blocks that are as long as their neighbours are others. */
	*n = count_same(c, r, &place, 2) == 2 ? count_same(c, r, &place, *n) : 1;
	/* What cannot be decoded is no zeros; who reads it is told. */
	*zeros = *n > 1 && prepare_block(c, r, NULL) &&
		 decode(c, r, &place, first, r->stored, r->block, NULL) &&
		 img_is_zero(r->block, c->header.block_size);
	put_back(c->shelf, r);
	return true;
}

/* ---- The end of the disk ---------------------------------------------------------------------- */

static bool measure(struct cloop *c, struct reader *r, const struct cloop_place *place,
		    size_t *len, struct img_err *err)
{
	const struct img_codec *codec;
	size_t used;

	if (!prepare(c, r, place->compressor, &codec, err) || !prepare_block(c, r, err) ||
	    !read_stored(c, r, place->host, place->len, err))
		return false;
	return codec->measure(r->contexts[place->compressor], r->stored, place->len, r->block,
			      c->header.block_size, &used, len, err);
}

bool cloop_last_len(struct cloop *c, uint32_t *len, struct img_err *err)
{
	struct img_err why = { 0 };
	struct cloop_place place;
	struct reader *r;
	size_t got = 0;

	*len = c->header.block_size;
	if (!c->header.n_blocks)
		return true;
	if (!cloop_index_get(&c->index, c->header.n_blocks - 1, &place, err))
		return false;
	if (place.bad)
		return true;
	if (place.compressor == CLOOP_NONE) {
		*len = (uint32_t)place.len;
		return true;
	}
	r = take(c->shelf, err);
	if (!r)
		return false;
	const bool ok = measure(c, r, &place, &got, &why);
	put_back(c->shelf, r);
	if (ok && got)
		*len = (uint32_t)got;
	if (ok || why.code == IMG_E_CORRUPT || why.code == IMG_E_UNSUPPORTED)
		return true;	/* what is wrong with it shows where it is read */
	if (err)
		*err = why;
	return false;
}
