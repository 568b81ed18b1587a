/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The header is usable.  Between two entries that can be right lie as many blocks as their numbers
 * say; where entries between them cannot be right the blocks are found from both ends, so that nothing
 * is guessed.
 */
#include "base/mem.h"
#include "base/num.h"
#include "format/cloop/salvage.h"

struct entries {
	uint64_t *raw;			/* as they are in the file; owned */
	uint64_t n;
	uint64_t end;			/* of the blocks */
};

static bool read_entries(const struct cloop_salvage *s, struct entries *e, struct img_err *err)
{
	const uint64_t at = s->hdr.index_off, len = cloop_entry_len(&s->hdr);
	const uint64_t left = at < s->file_size ? (s->file_size - at) / len : 0;
	uint8_t *bytes;

	e->n = img_min_u64((uint64_t)s->hdr.n_blocks + 1, left);
	if (e->n > CLOOP_PLACES_MOST)
		return img_fail(err, IMG_E_RANGE, _("it has too many blocks to be salvaged"));
	e->end = cloop_data_end(&s->hdr, s->file_size);
	e->raw = img_calloc(img_max_u64(e->n, 1), sizeof(*e->raw), err);
	if (!e->raw)
		return false;
	bytes = (uint8_t *)e->raw;
	if (e->n && !img_store_read(s->scan.file, at, bytes, e->n * len, err))
		return img_within(err, _("index"));
	/* From the last one on: narrow ones are spread over the room of their neighbours. */
	for (uint64_t i = e->n; i-- > 0;)
		e->raw[i] = cloop_entry_decode(&s->hdr, bytes + i * len);
	return true;
}

static uint64_t host_of(const struct cloop_salvage *s, uint64_t entry)
{
	return s->hdr.version == CLOOP_V4 ? entry & CLOOP_ENTRY_HOST : entry;
}

/* Whether entry i can be right when `before`, of block j, is. */
static bool is_likely(const struct cloop_salvage *s, const struct entries *e, uint64_t i,
		      uint64_t before, uint64_t j)
{
	const uint64_t host = host_of(s, e->raw[i]);
	const uint64_t most = 2 * (uint64_t)s->hdr.block_size + CLOOP_SECTOR;

	if (host < before + (i - j) || host > e->end || host - before > (i - j) * most)
		return false;
	/* One that is too high would make all behind it too low. */
	return i + 1 >= e->n || host < host_of(s, e->raw[i + 1]) ||
	       (i + 2 < e->n && host < host_of(s, e->raw[i + 2]));
}

static bool is_whole(const struct cloop_salvage *s, uint64_t block, size_t got)
{
	return got == s->hdr.block_size ||
	       (block + 1 == s->hdr.n_blocks && got && got < s->hdr.block_size);
}

static bool lose(struct cloop_salvage *s, uint64_t host, uint64_t end, struct img_err *err)
{
	while (s->n < end)
		if (!cloop_salvage_note(s, &cloop_noted_lost, host, s->n, err) ||
		    !cloop_salvage_add(s, (struct cloop_place){ .host = host,
								.bad = &cloop_noted_lost }, err))
			return false;
	return true;
}

static bool take(struct cloop_salvage *s, const struct cloop_stream *stream, struct img_err *err)
{
	return cloop_salvage_note(s, &cloop_noted_index, stream->host, s->n, err) &&
	       cloop_salvage_add(s, cloop_place_of_stream(stream), err);
}

/* Blocks from the next one to the one before last, as long as one follows the other. */
static bool take_forward(struct cloop_salvage *s, uint64_t *at, uint64_t limit, uint64_t last,
			 struct img_err *err)
{
	struct cloop_stream stream;

	while (s->n < last && *at < limit) {
		if (!cloop_scan_here(&s->scan, *at, limit, &stream, err))
			return false;
		if (!is_whole(s, s->n, stream.got))
			break;
		if (!take(s, &stream, err))
			return false;
		*at = stream.host + stream.len;
	}
	return true;
}

/* Where a row of streams begins that ends exactly at limit, and how many they are. */
static bool find_tail(struct cloop_salvage *s, uint64_t at, uint64_t limit, uint64_t *start,
		      uint64_t *n, struct img_err *err)
{
	struct cloop_stream stream;
	uint64_t end = at;

	*n = 0;
	while (at < limit) {
		if (!cloop_scan_next(&s->scan, at, limit, &stream, err))
			return false;
		if (!stream.got)
			break;
		if (!*n || stream.host != end) {
			*start = stream.host;
			*n = 0;
		}
		at = end = stream.host + stream.len;
		++*n;
	}
	if (end != limit)
		*n = 0;
	return true;
}

/* Blocks up to the one before last, which lie in [at, limit). */
static bool fill(struct cloop_salvage *s, uint64_t at, uint64_t limit, uint64_t last,
		 struct img_err *err)
{
	uint64_t start, n;

	if (!take_forward(s, &at, limit, last, err))
		return false;
	if (s->n == last)
		return true;
	if (!find_tail(s, at, limit, &start, &n, err))
		return false;
	if (n > last - s->n)
		n = 0;		/* something that only looks like blocks */
	return lose(s, at, last - n, err) &&
	       (!n || take_forward(s, &start, limit, last, err)) && lose(s, at, last, err);
}

/* Blocks from the next one, which begins at `from`, to the one before i, which begins at host. */
static bool settle(struct cloop_salvage *s, const struct entries *e, uint64_t from, uint64_t i,
		   uint64_t host, struct img_err *err)
{
	if (i == s->n + 1 && from == host_of(s, e->raw[s->n]) && host == host_of(s, e->raw[i])) {
		const struct cloop_place place =
			cloop_place_of(&s->hdr, (uint32_t)s->n, e->raw[s->n], e->raw[i]);

		if (!place.bad)
			return cloop_salvage_add(s, place, err);
	}
	return fill(s, from, host, i, err);
}

static bool settle_all(struct cloop_salvage *s, const struct entries *e, struct img_err *err)
{
	uint64_t from = cloop_data_off(&s->hdr);

	/* A gap between index and blocks is legal. */
	if (e->n && is_likely(s, e, 0, from, 0))
		from = host_of(s, e->raw[0]);
	for (uint64_t i = 1; i < e->n; i++) {
		uint64_t host = host_of(s, e->raw[i]);

		if (!is_likely(s, e, i, from, s->n)) {
			if (i + 1 < e->n)
				continue;
			host = e->end;
		}
		if (host < from)
			return lose(s, from, i, err);
		if (!settle(s, e, from, i, host, err))
			return false;
		from = host;
	}
	return true;
}

bool cloop_salvage_index(struct cloop_salvage *s, struct img_err *err)
{
	struct entries e = { 0 };
	const bool ok = read_entries(s, &e, err) && settle_all(s, &e, err);

	free(e.raw);
	return ok;
}
