/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end of a new image: its index and its header.  Until the header is there it is no image. */
#include <inttypes.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/cloop/new.h"

enum {
	MOVE_BYTES = 4 << 20,		/* at once */
	RUN_ENTRIES = 128 << 10,
};

/* Moves the blocks, which lie in [from, from + len), up by `up` bytes, the last ones first. */
static bool move_up(struct img_store *st, uint64_t from, uint64_t len, uint64_t up,
		    struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *buf = img_alloc_aligned(MOVE_BYTES, err);

	if (!buf)
		return false;
	while (len) {
		const size_t some = img_min_u64(len, MOVE_BYTES);
		const uint64_t at = from + len - some;

		if (!img_store_read(st, at, buf, some, err) ||
		    !img_store_write(st, at + up, buf, some, err))
			return false;
		len -= some;
	}
	return true;
}

/* When nobody knew how many blocks come there was no room for their index in front of them. */
static bool make_room(struct cloop *c, struct img_store *st, struct img_err *err)
{
	struct cloop_new *fresh = c->fresh;
	const uint64_t from = CLOOP_HDR_LEN + cloop_index_len(&c->header, 0);
	const uint64_t up = cloop_data_off(&c->header) - from;

	if (!move_up(st, from, fresh->end - from, up, err))
		return false;
	for (size_t i = 0; i < fresh->n_entries; i++)
		fresh->entries[i] += up;
	fresh->end += up;
	return true;
}

static bool write_index(const struct cloop *c, struct img_store *st, struct img_err *err)
{
	const struct cloop_new *fresh = c->fresh;
	const uint64_t n = (uint64_t)fresh->n_entries + 1;
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(RUN_ENTRIES * CLOOP_ENTRY_LEN, err);
	size_t run;

	if (!raw)
		return false;
	for (uint64_t first = 0; first < n; first += run) {
		run = img_min_u64(RUN_ENTRIES, n - first);
		for (size_t i = 0; i < run; i++)
			img_put_be64(raw + i * CLOOP_ENTRY_LEN, first + i < fresh->n_entries
				     ? fresh->entries[first + i] : fresh->end);
		if (!img_store_write(st, c->header.index_off + first * CLOOP_ENTRY_LEN, raw,
				     run * CLOOP_ENTRY_LEN, err))
			return false;
	}
	return true;
}

static bool write_header(const struct cloop *c, struct img_store *st, struct img_err *err)
{
	const struct cloop_header *hdr = &c->header;
	uint8_t raw[CLOOP_HDR_LEN];

	cloop_header_encode(hdr, raw);
	return img_store_write(st, hdr->at_end
			       ? hdr->index_off + cloop_index_len(hdr, hdr->n_blocks) : 0,
			       raw, sizeof(raw), err);
}

/* Zeros at the end were not written. */
static bool set_length(struct img_store *st, uint64_t end, struct img_err *err)
{
	uint64_t length;

	if (!(st->caps & IMG_STORE_RESIZE))
		return true;
	return img_store_size(st, &length, err) &&
	       (length >= end || img_store_resize(st, end, err));
}

bool cloop_finish(struct img_layer *ly, struct img_err *err)
{
	struct cloop *c = ly->priv;
	struct cloop_header *hdr = &c->header;
	const uint64_t n = img_div_up(ly->size, hdr->block_size);

	if (n > UINT32_MAX)
		return img_fail(err, IMG_E_RANGE, _("the disk has more blocks of %" PRIu32
				" bytes than an image can have"), hdr->block_size);
	hdr->n_blocks = (uint32_t)n;
	hdr->size = ly->size;
	if (!cloop_add_zeros(ly, n - c->fresh->n_entries, err) ||
	    !set_length(ly->store, c->fresh->end, err))
		return false;
	if (hdr->at_end)
		hdr->index_off = c->fresh->end;
	else if (!c->fresh->size_known && !make_room(c, ly->store, err))
		return false;
	return write_index(c, ly->store, err) && write_header(c, ly->store, err);
}
