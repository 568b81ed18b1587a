/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cloop driver: probing, opening, extents, and the table that ties its files together. */
#include <inttypes.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/cloop/new.h"
#include "format/cloop/stream.h"

/* A header that is the last of the file counts less: the guest may have written it there. */
enum { SURE = 100, AT_THE_END = 50 };

static int cloop_probe(const struct img_peek *peek)
{
	const size_t head_len = img_min_u64(peek->head_len, CLOOP_DECODE_LEN);
	struct cloop_header hdr;

	/* Other producers have other scripts; then all else must be right. */
	if (cloop_is_script(peek->head, head_len) ||
	    cloop_header_decode(peek->head, head_len, 0, &hdr, NULL))
		return SURE;
	if (peek->tail && peek->tail_len >= CLOOP_HDR_LEN &&
	    cloop_header_decode(peek->tail + peek->tail_len - CLOOP_HDR_LEN, CLOOP_HDR_LEN,
				peek->size, &hdr, NULL))
		return AT_THE_END;
	return 0;
}

/*
 * What comes first where the header comes last: a block, of which zlib and xz have a mark.  Of the checks of
 * xz the kernel knows CRC32 alone, and the xz command makes another one.
 */
static bool cloop_needs_end(const uint8_t *head, size_t len)
{
	enum { XZ_CHECK_AT = 7, XZ_CRC32 = 1 };
	enum cloop_compressor id;

	return cloop_is_stream(head, len, &id) &&
	       (id != CLOOP_XZ || len <= XZ_CHECK_AT || head[XZ_CHECK_AT] <= XZ_CRC32);
}

void cloop_free(struct cloop *c)
{
	if (!c)
		return;
	cloop_index_clear(&c->index);
	cloop_shelf_free(c->shelf);
	cloop_new_free(c->fresh);
	free(c);
}

/* ---- Opening --------------------------------------------------------------------------------- */

/* What the writer filled the last block up with is no part of the disk. */
static bool take_size(struct cloop *c, uint64_t size, struct img_err *err)
{
	const uint64_t before = (uint64_t)(c->header.n_blocks - 1) * c->header.block_size;

	if (size > c->size || size <= before)
		return img_fail(err, IMG_E_ARGUMENT, _("a disk of %" PRIu64 " bytes does not end in "
				"the last block, which ends at %" PRIu64), size, c->size);
	c->size = size;
	return true;
}

static bool find_size(struct cloop *c, struct img_err *err)
{
	const struct cloop_header *hdr = &c->header;

	c->last_len = hdr->block_size;
	c->size = hdr->size;
	if (hdr->size || !hdr->n_blocks)
		return true;
	if (!cloop_last_len(c, &c->last_len, err))
		return false;
	c->size = (uint64_t)(hdr->n_blocks - 1) * hdr->block_size + c->last_len;
	return true;
}

static bool find_index(struct cloop *c, struct img_layer *ly, bool once, struct img_err *err)
{
	bool passes = false;
	uint64_t file_size;

	if (once && !cloop_coming(c, ly->store, &passes, err))
		return false;
	if (passes) {
		ly->pass = IMG_PASS_ORDERED;
		return true;
	}
	return img_store_size(ly->store, &file_size, err) &&
	       cloop_index_init(&c->index, &c->header, ly->store, file_size, err);
}

static bool start(struct cloop *c, struct img_layer *ly, bool salvage, bool once,
		  struct img_err *err)
{
	c->guessed_from = UINT64_MAX;
	if (!(salvage ? cloop_salvage_start(c, ly, err)
		      : cloop_header_read(ly->store, &c->header, err)) ||
	    !find_index(c, ly, once && !salvage, err))
		return false;
	c->shelf = cloop_shelf_new(c->header.block_size, err);
	return c->shelf && find_size(c, err);
}

static bool open_image(struct img_layer *ly, const struct img_layer_open *how, bool salvage,
		       struct img_err *err)
{
	const bool once = (how->flags & IMG_OPEN_ONCE) && (ly->store->caps & IMG_STORE_COMING);
	struct cloop *c;

	if (how->snapshot)
		return img_fail(err, IMG_E_UNSUPPORTED, _("cloop images have no snapshots"));
	c = img_calloc(1, sizeof(*c), err);
	if (!c)
		return false;
	if (!start(c, ly, salvage, once, err) ||
	    (how->size && !salvage && !take_size(c, how->size, err))) {
		cloop_free(c);
		return false;
	}
	ly->priv = c;
	ly->size = c->size;
	/* Blocks need not be a power of two long. */
	ly->unit = c->header.block_size & -c->header.block_size;
	return true;
}

static bool cloop_open(struct img_layer *ly, const struct img_layer_open *how, struct img_err *err)
{
	return open_image(ly, how, false, err);
}

static bool cloop_salvage(struct img_layer *ly, const struct img_layer_open *how,
			  struct img_err *err)
{
	if (!open_image(ly, how, true, err))
		return false;
	/* What is longer than all blocks is left to the layers above: it reads as zeros. */
	if (how->size && how->size < ly->size) {
		ly->size = how->size;
		ly->salvaged.size_guessed = false;
	}
	return true;
}

static void cloop_close(struct img_layer *ly)
{
	cloop_free(ly->priv);
	ly->priv = NULL;
}

/* ---- Extents --------------------------------------------------------------------------------- */

static enum img_code loss_of(const struct img_finding_kind *why)
{
	return why == &cloop_found_index_cut || why == &cloop_found_block_outside
		? IMG_E_INCOMPLETE : IMG_E_CORRUPT;
}

static void lose(struct img_extent *ex, const struct img_finding_kind *why)
{
	ex->kind = IMG_EXTENT_LOST;
	ex->loss = loss_of(why);
	ex->why = why->text;
}

/* Bytes as they are, from skip on in their block, as far as that goes. */
static void show_plain(const struct cloop_place *place, uint32_t skip, struct img_extent *ex)
{
	if (skip >= place->len) {
		lose(ex, &cloop_found_index_size);
		return;
	}
	ex->kind = IMG_EXTENT_DATA;
	ex->len = ex->host_len = img_min_u64(ex->len, place->len - skip);
	ex->host = place->host + skip;
}

/* What is in one block, from at to limit or to the block's end. */
static bool block_extent(struct cloop *c, uint64_t at, uint64_t limit, struct img_extent *ex,
			 struct img_err *err)
{
	const uint32_t skip = (uint32_t)(at % c->header.block_size);
	struct cloop_place place;

	*ex = (struct img_extent){
		.start = at, .len = img_min_u64(c->header.block_size - skip, limit - at),
		.guessed = at >= c->guessed_from,
	};
	if (!cloop_index_get(&c->index, (uint32_t)(at / c->header.block_size), &place, err))
		return false;
	if (place.bad) {
		/* Behind the end of the index there are no others: nothing walks over them. */
		if (place.bad == &cloop_found_index_cut)
			ex->len = limit - at;
		lose(ex, place.bad);
		return true;
	}
	if (place.compressor == CLOOP_NONE) {
		show_plain(&place, skip, ex);
	} else {
		ex->kind = IMG_EXTENT_ENCODED;
		ex->host = place.host;
		ex->host_len = place.len;
	}
	if (ex->kind != IMG_EXTENT_LOST)
		ex->store = c->index.file;
	return true;
}

/* A block that is followed by the same ones: an empty part of a disk is zeros, and need not be read. */
static bool take_alike(struct cloop *c, uint64_t limit, struct img_extent *ex, struct img_err *err)
{
	const uint32_t block_size = c->header.block_size;
	uint32_t n;
	bool zeros;

	if (!ex->guessed)
		limit = img_min_u64(limit, c->guessed_from);
	if (ex->start % block_size || limit - ex->start < 2 * (uint64_t)block_size)
		return true;
	if (!cloop_blocks_alike(c, (uint32_t)(ex->start / block_size),
				(uint32_t)(limit / block_size), &n, &zeros, err))
		return false;
	ex->len = (uint64_t)n * block_size;
	ex->host_len *= n;
	if (zeros)
		*ex = (struct img_extent){ .start = ex->start, .len = ex->len,
					   .kind = IMG_EXTENT_ZERO, .guessed = ex->guessed };
	return true;
}

/* Holes of the file are zeros that need not be read. */
static bool look_for_holes(struct img_extent *ex, struct img_err *err)
{
	struct img_extent stored;

	if (ex->kind != IMG_EXTENT_DATA || !(ex->store->caps & IMG_STORE_EXTENTS))
		return true;
	if (!img_store_extent(ex->store, ex->host, ex->host + ex->len, &stored, err))
		return false;
	ex->kind = stored.kind;
	ex->zero_in_store = stored.zero_in_store;
	ex->len = ex->host_len = stored.len;
	return true;
}

static bool cloop_extent(struct img_layer *ly, uint64_t at, uint64_t limit, struct img_extent *out,
			 struct img_err *err)
{
	struct cloop *c = ly->priv;
	struct img_extent next;

	if (!block_extent(c, at, limit, out, err))
		return false;
	/* Of what still comes nothing is read in advance. */
	if (out->kind == IMG_EXTENT_ENCODED)
		return ly->pass || take_alike(c, limit, out, err);
	/* Neighbours cost nothing as long as they are in memory. */
	while (out->start + out->len < limit &&
	       (out->start + out->len) / c->header.block_size % CLOOP_PIECE_BLOCKS) {
		if (!block_extent(c, out->start + out->len, limit, &next, err))
			return false;
		if (!img_extent_join(out, &next))
			break;
	}
	return look_for_holes(out, err);
}

static bool cloop_read(struct img_layer *ly, uint64_t at, void *buf, size_t len,
		       struct img_err *err)
{
	return cloop_blocks_read(ly->priv, at, buf, len, err);
}

const struct img_format img_format_cloop = {
	.name = "cloop",
	.extensions = "cloop|cloop2|cloop4",
	.size_unsaid = true,
	.caps = IMG_FMT_CREATE | IMG_FMT_COMPRESS | IMG_FMT_SEQUENTIAL,
	.create_options = cloop_create_options,
	.probe = cloop_probe,
	.remains = cloop_remains,
	.needs_end = cloop_needs_end,
	.open = cloop_open,
	.salvage = cloop_salvage,
	.create = cloop_create,
	.sequential = cloop_sequential,
	.close = cloop_close,
	.extent = cloop_extent,
	.read = cloop_read,
	.packed = cloop_packed,
	.info = cloop_info,
	.write = &cloop_write_ops,
	.check = &cloop_check_ops,
};
