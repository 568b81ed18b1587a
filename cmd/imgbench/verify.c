/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See verify.h.  For each grain of the disk the number of the request that changed it last is kept,
 * in pages that exist only where something was changed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "common/text.h"
#include "imgbench/content.h"
#include "imgbench/verify.h"

enum { PAGE_GRAINS = 1024, ALIGNMENT = 4096 };

struct books {
	uint64_t size;		/* bytes of the disk */
	uint32_t grain;
	size_t n_pages;
	uint32_t **pages;	/* of PAGE_GRAINS numbers plus one each, 0: not changed; or NULL */
	uint8_t *got;		/* what a page of the disk holds */
};

static uint64_t page_bytes(const struct books *b)
{
	return (uint64_t)b->grain * PAGE_GRAINS;
}

/* ---- Who changed what ------------------------------------------------------------------------ */

static bool note(struct books *b, uint64_t grain, uint32_t mark, struct img_err *err)
{
	uint32_t **page = &b->pages[grain / PAGE_GRAINS];

	if (!*page)
		*page = calloc(PAGE_GRAINS, sizeof(**page));
	if (!*page)
		return out_of_memory(err);
	(*page)[grain % PAGE_GRAINS] = mark;
	return true;
}

static bool note_all(struct books *b, const struct verify *v, struct img_err *err)
{
	struct request r;

	for (uint32_t number = 0; number < v->n_done; number++) {
		load_get(v->load, number, &r);
		if (!request_changes(&r))
			continue;
		for (uint64_t at = r.at; at < r.at + r.len; at += b->grain)
			if (!note(b, at / b->grain, number + 1, err))
				return false;
	}
	return true;
}

static void books_free(struct books *b)
{
	for (size_t i = 0; b->pages && i < b->n_pages; i++)
		free(b->pages[i]);
	free(b->pages);
	free(b->got);
}

static bool books_init(struct books *b, const struct verify *v, uint64_t size,
		       struct img_err *err)
{
	struct load_summary sum;

	load_sum_up(v->load, &sum);
	*b = (struct books){ .size = size, .grain = sum.grain };
	b->n_pages = size / page_bytes(b) + 1;
	b->pages = calloc(b->n_pages, sizeof(*b->pages));
	b->got = aligned_alloc(ALIGNMENT, page_bytes(b));
	return (b->pages && b->got) || out_of_memory(err);
}

/* ---- Comparing ------------------------------------------------------------------------------- */

static bool differs(const char *name, uint64_t at, uint32_t mark, struct img_err *err)
{
	if (!mark)
		return img_fail(err, IMG_E_CORRUPT, _("%s: byte %" PRIu64 " of the disk is not "
				"zero, and no request changed it"), name, at);
	return img_fail(err, IMG_E_CORRUPT, _("%s: byte %" PRIu64 " of the disk is not what "
			"request %" PRIu32 " left there"), name, at, mark - 1);
}

/* The bytes that must be there; false: anything may be. */
static bool expect(const struct verify *v, uint32_t mark, uint64_t at, size_t len, uint8_t *want)
{
	struct request r = { .kind = REQUEST_ZERO };

	if (mark)
		load_get(v->load, mark - 1, &r);
	else if (!v->blank)
		return false;
	if (r.kind == REQUEST_DISCARD)
		return false;
	if (r.kind == REQUEST_WRITE)
		content_fill(v->load->seed, mark - 1, &r, at, (uint32_t)len, want);
	else
		memset(want, 0, len);
	return true;
}

static bool compare_page(struct verify *v, const struct books *b, size_t page, const char *name,
			 struct img_err *err)
{
	const uint64_t start = page * page_bytes(b);
	uint8_t want[REQUEST_BLOCK];

	for (size_t i = 0; i < PAGE_GRAINS && start + i * b->grain < b->size; i++) {
		const uint64_t at = start + i * b->grain;
		const uint8_t *got = b->got + i * b->grain;
		const size_t len = b->size - at < b->grain ? b->size - at : b->grain;
		const uint32_t mark = b->pages[page] ? b->pages[page][i] : 0;
		size_t same = 0;

		if (!expect(v, mark, at, len, want))
			continue;
		v->bytes += len;
		if (!memcmp(got, want, len))
			continue;
		while (got[same] == want[same])
			same++;
		return differs(name, at + same, mark, err);
	}
	return true;
}

/* Whether [from, to) is known to read as zeros. */
static bool known_zero(struct img *im, uint64_t from, uint64_t to, bool *zero,
		       struct img_err *err)
{
	struct img_extent extent;

	*zero = true;
	while (from < to && *zero) {
		if (!img_extent(im, from, to, &extent, err))
			return false;
		*zero = extent.kind == IMG_EXTENT_HOLE || extent.kind == IMG_EXTENT_ZERO;
		from = extent.start + extent.len;
	}
	return true;
}

static bool check_page(struct verify *v, const struct books *b, size_t page, struct img *im,
		       struct img_err *err)
{
	const uint64_t start = page * page_bytes(b);
	const uint64_t left = b->size - start;
	const size_t len = left < page_bytes(b) ? left : page_bytes(b);
	bool zero;

	if (!b->pages[page]) {
		if (!v->blank)
			return true;
		if (!known_zero(im, start, start + len, &zero, err))
			return false;
		v->bytes += zero ? len : 0;
		if (zero)
			return true;
	}
	return img_read(im, start, b->got, len, err) &&
	       compare_page(v, b, page, img_layer_name(im, 0), err);
}

static bool check_all(struct verify *v, const struct books *b, struct img *im,
		      struct img_err *err)
{
	for (size_t page = 0; page * page_bytes(b) < b->size; page++) {
		if (v->job->cancelled(v->job->ctx))
			return img_fail(err, IMG_E_CANCELLED, _("interrupted"));
		if (!check_page(v, b, page, im, err))
			return false;
		if (v->job->progress)
			v->job->progress(v->job->ctx, page * page_bytes(b), b->size);
	}
	return true;
}

bool verify_is_blank(struct img *im, bool *blank, struct img_err *err)
{
	return known_zero(im, 0, img_size(im), blank, err);
}

bool verify_image(struct verify *v, struct img *im, struct img_err *err)
{
	struct books books;
	bool ok;

	v->bytes = 0;
	ok = books_init(&books, v, img_size(im), err) && note_all(&books, v, err) &&
	     check_all(v, &books, im, err);
	books_free(&books);
	return ok;
}
