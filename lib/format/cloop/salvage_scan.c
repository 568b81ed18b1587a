/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Header and index are gone: streams that follow each other are the blocks of the disk.  How many
 * there were where one does not follow the other is a guess, by how long the others are.
 */
#include <inttypes.h>
#include "base/num.h"
#include "format/cloop/salvage.h"

/* What all blocks give, of which the first is `first`. */
static bool can_be_blocks(const struct cloop_stream *first)
{
	return first->got >= CLOOP_SECTOR && first->got % CLOOP_SECTOR == 0;
}

/* Sets the size of a block from the first two streams that agree; a disk may have one block alone. */
static bool find_block_size(struct cloop_salvage *s, struct cloop_stream *first,
			    struct img_err *err)
{
	struct cloop_stream next;
	uint64_t at = 0;

	do {
		if (!cloop_scan_next(&s->scan, at, s->file_size, first, err))
			return false;
		at = first->host + first->len;
		if (!first->got)
			return img_fail(err, IMG_E_CORRUPT,
					_("no blocks compressed with zlib or xz are found in it"));
		if (at >= s->file_size)
			break;
		if (!cloop_scan_here(&s->scan, at, s->file_size, &next, err))
			return false;
	} while (!can_be_blocks(first) || (next.got && next.got != first->got));
	s->hdr.block_size = (uint32_t)img_round_up(first->got, CLOOP_SECTOR);
	return true;
}

/* Noise is stored as it is: what is as long as so many blocks is taken for them. */
static bool add_plain(struct cloop_salvage *s, uint64_t from, uint64_t to, struct img_err *err)
{
	const uint32_t len = s->hdr.block_size;

	for (; from < to; from += len)
		if (!cloop_salvage_add(s, (struct cloop_place){ .compressor = CLOOP_NONE,
								.host = from, .len = len }, err))
			return false;
	return true;
}

/* Blocks that may have been in [from, to). */
static bool add_gap(struct cloop_salvage *s, uint64_t from, uint64_t to, uint64_t stored,
		    struct img_err *err)
{
	const uint64_t each = stored / s->n, n = img_max_u64(1, (to - from + each / 2) / each);

	s->guessed_from = img_min_u64(s->guessed_from, s->n * (uint64_t)s->hdr.block_size);
	if (!cloop_salvage_note(s, &cloop_noted_gap, from, s->n, err))
		return false;
	if ((to - from) % s->hdr.block_size == 0)
		return add_plain(s, from, to, err);
	for (uint64_t i = 0; i < n; i++)
		if (!cloop_salvage_add(s, (struct cloop_place){ .host = from,
								.bad = &cloop_noted_lost }, err))
			return false;
	return true;
}

bool cloop_salvage_scan(struct cloop_salvage *s, struct img_err *err)
{
	struct cloop_stream stream;
	uint64_t end, stored = 0;

	if (!find_block_size(s, &stream, err))
		return false;
	end = stream.host;
	while (stream.got) {
		const bool is_block = stream.got == s->hdr.block_size ||
				      stream.host + stream.len == s->file_size;

		if (is_block && stream.host > end && !add_gap(s, end, stream.host, stored, err))
			return false;
		if (is_block && !cloop_salvage_add(s, cloop_place_of_stream(&stream), err))
			return false;
		const uint64_t at = stream.host + stream.len;
		if (is_block) {
			stored += stream.len;
			end = at;
		}
		if (!cloop_scan_next(&s->scan, at, s->file_size, &stream, err))
			return false;
	}
	return true;
}
