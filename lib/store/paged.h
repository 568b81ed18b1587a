/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A long table of bytes of which as much is in memory as is allowed: the rest is in a file, from where
 * it comes back, page by page, when it is asked for.  What it holds does not depend on how much that
 * is.
 */
#ifndef IMG_STORE_PAGED_H
#define IMG_STORE_PAGED_H

#include "store/store.h"

struct img_paged {
	struct img_store *file;		/* borrowed, unless it is a temporary one; or NULL */
	bool temporary;
	uint64_t off, len;		/* of the table in the file */
	unsigned page_bits;
	uint64_t page_mask;		/* of the bits of a place that are inside a page */
	size_t n_pages;
	uint8_t **pages;		/* by number; NULL: not in memory; owned */
	uint8_t *changed;		/* by number: is not in the file as it is here; owned */
	uint8_t *spare;			/* a page that no number has yet; owned */
	size_t n_here, most;		/* pages in memory, and how many there may be */
	size_t hand;			/* the page after the one that left memory last */
	bool failed;
	struct img_err why;
};

/*
 * len bytes that lie in file from off on; with NULL all of them are zeros, and a temporary file is
 * made when memory, in bytes, is full (it has room for four pages at least).  One thread.
 * On failure, too, img_paged_clear() frees what there is.  IMG_E_NOMEM.
 */
bool img_paged_init(struct img_paged *table, struct img_store *file, uint64_t off, uint64_t len,
		    uint64_t memory, struct img_err *err) IMG_MUST_CHECK;
/* Accepts one that is zeroed.  What the file does not have yet is gone. */
void img_paged_clear(struct img_paged *table);
/* Puts all that was changed into the file; the failures of img_paged_worked(), too. */
bool img_paged_flush(struct img_paged *table, struct img_err *err) IMG_MUST_CHECK;
/*
 * False: something could not be read or written since the beginning, and has been zeros from then
 * on.  Who uses the table asks before anything follows from what it said.  IMG_E_IO, IMG_E_NOMEM.
 */
bool img_paged_worked(const struct img_paged *table, struct img_err *err) IMG_MUST_CHECK;

/* For img_paged_at(): brings a page that is not in memory. */
uint8_t *img_paged_fetch(struct img_paged *table, size_t number);

/*
 * The byte at `at`, which may be changed if `change` says so; those that follow it in its 4 KiB are
 * behind it.  Good until the next call.
 */
static inline uint8_t *img_paged_at(struct img_paged *table, uint64_t at, bool change)
{
	const size_t number = at >> table->page_bits;
	uint8_t *page = table->pages[number];

	if (!page)
		page = img_paged_fetch(table, number);
	if (change)
		table->changed[number] = true;
	return page + (at & table->page_mask);
}

/* ---- Bits ------------------------------------------------------------------------------------ */

/* n bits, all clear, in memory bytes. */
bool img_bits_init(struct img_paged *bits, uint64_t n, uint64_t memory, struct img_err *err)
	IMG_MUST_CHECK;

static inline bool img_bits_get(struct img_paged *bits, uint64_t i)
{
	return *img_paged_at(bits, i / 8, false) >> i % 8 & 1;
}

/* The first one from `from` on that is set, or is not; end: there is none below it. */
uint64_t img_bits_next(struct img_paged *bits, uint64_t from, uint64_t end);
uint64_t img_bits_next_clear(struct img_paged *bits, uint64_t from, uint64_t end);

/* Returns what it was. */
static inline bool img_bits_set(struct img_paged *bits, uint64_t i)
{
	uint8_t *byte = img_paged_at(bits, i / 8, true);
	const bool was = *byte >> i % 8 & 1;

	*byte |= (uint8_t)(1 << i % 8);
	return was;
}

static inline void img_bits_clear(struct img_paged *bits, uint64_t i)
{
	*img_paged_at(bits, i / 8, true) &= (uint8_t)~(1 << i % 8);
}

#endif
