/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is wrong with an image: the whole index, read in bulk, against itself and the file.  Nothing
 * here writes, and the index that readers use is not used.  That each block gives what it should is
 * found out by reading it, as for all formats.
 */
#include "base/job.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/cloop/cloop.h"

enum { RUN_ENTRIES = 128 << 10 };	/* of the index that are read at once */

struct check {
	struct cloop_header hdr;
	struct img_store *file;
	uint64_t file_size;
	struct img_findings *out;
	uint64_t n_there;		/* entries that the file has */
	uint64_t before;		/* the entry before the one that comes next */
	uint64_t packed;		/* blocks that are compressed */
};

static bool tell(struct check *c, const struct img_finding_kind *kind, uint64_t host,
		 uint64_t guest, uint64_t expected, uint64_t found, struct img_err *err)
{
	const struct img_finding one = {
		.kind = kind, .n = 1, .host = host, .guest = guest, .expected = expected,
		.found = found,
	};

	return img_findings_add(c->out, one, 0, err);
}

/* ---- The header ------------------------------------------------------------------------------ */

/* Whether the failure is that of the image, and no matter of this machine or this library. */
static bool is_damage(enum img_code code)
{
	return code == IMG_E_NOT_THIS_FORMAT || code == IMG_E_CORRUPT || code == IMG_E_INCOMPLETE;
}

/* *usable: there is a header to go on from. */
static bool check_header(struct check *c, bool *usable, struct img_err *err)
{
	struct img_err why = { 0 };
	struct img_finding one = {
		.kind = &cloop_found_header_broken, .n = 1, .host = 0, .guest = IMG_NOWHERE,
		.expected = IMG_NOWHERE, .found = IMG_NOWHERE,
	};

	*usable = cloop_header_read(c->file, &c->hdr, &why);
	if (*usable)
		return true;
	if (!is_damage(why.code)) {
		if (err)
			*err = why;
		return false;
	}
	one.detail = img_strdup(why.text, err);
	return one.detail && img_findings_add(c->out, one, 0, err);
}

/* ---- The index ------------------------------------------------------------------------------- */

static uint64_t entry_off(const struct check *c, uint64_t i)
{
	return c->hdr.index_off + i * cloop_entry_len(&c->hdr);
}

/* Of block i, whose entry is the one before. */
static bool check_block(struct check *c, uint32_t i, uint64_t next, struct img_err *err)
{
	struct cloop_place place = cloop_place_of(&c->hdr, i, c->before, next);

	if (!place.bad && place.host + place.len > cloop_data_end(&c->hdr, c->file_size))
		place.bad = &cloop_found_block_outside;
	if (place.bad)
		return tell(c, place.bad, entry_off(c, i), (uint64_t)i * c->hdr.block_size,
			    IMG_NOWHERE, c->before, err);
	c->packed += place.compressor != CLOOP_NONE;
	return true;
}

/* The place that the entry before names. */
static uint64_t host_before(const struct check *c)
{
	return c->hdr.version == CLOOP_V4 ? c->before & CLOOP_ENTRY_HOST : c->before;
}

/* cloop-utils never seek: to them the first block lies behind the index, whatever that says. */
static bool check_first(struct check *c, struct img_err *err)
{
	const uint64_t host = host_before(c), expected = cloop_data_off(&c->hdr);

	return c->hdr.at_end || host <= expected || host > c->file_size ||
	       tell(c, &cloop_found_index_gap, entry_off(c, 0), IMG_NOWHERE, expected, host, err);
}

static bool check_run(struct check *c, uint64_t first, size_t n, const uint8_t *raw,
		      struct img_err *err)
{
	for (size_t k = 0; k < n; k++) {
		const uint64_t entry = cloop_entry_decode(&c->hdr,
							  raw + k * cloop_entry_len(&c->hdr));

		if (first + k && !check_block(c, (uint32_t)(first + k - 1), entry, err))
			return false;
		c->before = entry;
		if (!(first + k) && !check_first(c, err))
			return false;
	}
	return true;
}

static bool check_index(struct check *c, const struct img_job *job, struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *raw = img_alloc_aligned(RUN_ENTRIES * CLOOP_ENTRY_LEN, err);
	size_t run;

	if (!raw)
		return false;
	for (uint64_t i = 0; i < c->n_there; i += run) {
		run = img_min_u64(RUN_ENTRIES, c->n_there - i);
		if (!img_job_goes_on(job, err))
			return false;
		if (!img_store_read(c->file, entry_off(c, i), raw, run * cloop_entry_len(&c->hdr),
				    err) ||
		    !check_run(c, i, run, raw, err))
			return false;
	}
	return true;
}

/* Entries that there should be and are not. */
static bool check_cut(struct check *c, struct img_err *err)
{
	const uint64_t n = (uint64_t)c->hdr.n_blocks + 1;
	const uint64_t blocks = c->n_there ? c->n_there - 1 : 0;

	return c->n_there == n ||
	       tell(c, &cloop_found_index_cut, c->file_size, blocks * c->hdr.block_size, n,
		    c->n_there, err);
}

/* Where the blocks end by the index, when there is such an entry; else where the file does. */
static uint64_t end_of_blocks(const struct check *c)
{
	return c->n_there == (uint64_t)c->hdr.n_blocks + 1 ? host_before(c) : c->file_size;
}

/* A header that is the last of the file has the index in front of it. */
static bool check_end(struct check *c, struct img_err *err)
{
	const uint64_t end = end_of_blocks(c);

	return c->hdr.at_end || c->file_size <= end ||
	       tell(c, &cloop_found_header_behind, end, IMG_NOWHERE, IMG_NOWHERE, c->file_size,
		    err);
}

static void count_entries(struct check *c)
{
	const uint64_t left = c->hdr.index_off < c->file_size ? c->file_size - c->hdr.index_off : 0;

	c->n_there = img_min_u64((uint64_t)c->hdr.n_blocks + 1, left / cloop_entry_len(&c->hdr));
}

static bool cloop_check(struct img_layer *ly, const struct img_checking *how,
			struct img_findings *out, struct img_check_result *result,
			struct img_err *err)
{
	struct check c = { .file = ly->store, .out = out };
	bool usable;

	if (!img_store_size(c.file, &c.file_size, err) || !check_header(&c, &usable, err))
		return false;
	if (!usable)
		return true;
	count_entries(&c);
	if (!check_index(&c, how->job, err) || !check_cut(&c, err) || !check_end(&c, err))
		return false;
	result->total = result->allocated = c.hdr.n_blocks;
	result->compressed = c.packed;
	result->fragmented = 0;		/* blocks lie one behind the other, or are damaged */
	result->image_end = c.hdr.at_end ? c.file_size : end_of_blocks(&c);
	ly->stands_alone = true;
	img_findings_sort(out, cloop_finding_kinds);
	return true;
}

const struct img_check_ops cloop_check_ops = {
	.kinds = cloop_finding_kinds,
	.check = cloop_check,
	.repair = cloop_repair,
};
