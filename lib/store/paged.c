/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pages of a table: which are in memory, and their way to the file and back. */
#include "store/paged.h"

#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "base/zero.h"

enum {
	PAGE_BITS_MIN	= 12,
	PAGES_MIN	= 4,		/* in memory */
	CHUNK_BITS	= 8 << PAGE_BITS_MIN,
	PAGES_MOST	= 1 << 16,	/* of a table: pages of a longer one are larger */
};

bool img_paged_init(struct img_paged *table, struct img_store *file, uint64_t off, uint64_t len,
		    uint64_t memory, struct img_err *err)
{
	unsigned bits = PAGE_BITS_MIN;

	while (len >> bits >= PAGES_MOST)
		bits++;
	*table = (struct img_paged){
		.file = file, .off = off, .len = len, .page_bits = bits,
		.page_mask = (UINT64_C(1) << bits) - 1,
		.n_pages = (len >> bits) + 1, .most = img_max_u64(memory >> bits, PAGES_MIN),
	};
	table->pages = img_calloc(table->n_pages, sizeof(*table->pages), err);
	table->changed = img_calloc(table->n_pages, 1, err);
	table->spare = img_calloc(1, UINT64_C(1) << bits, err);
	return table->pages && table->changed && table->spare;
}

void img_paged_clear(struct img_paged *table)
{
	for (size_t i = 0; table->pages && i < table->n_pages; i++)
		free(table->pages[i]);
	free(table->pages);
	free(table->changed);
	free(table->spare);
	if (table->temporary)
		img_store_close(table->file);
	*table = (struct img_paged){ 0 };
}

bool img_bits_init(struct img_paged *bits, uint64_t n, uint64_t memory, struct img_err *err)
{
	return img_paged_init(bits, NULL, 0, n / 8 + 1, memory, err);
}

static void note_failure(struct img_paged *table, const struct img_err *why)
{
	if (!table->failed)
		table->why = *why;
	table->failed = true;
}

/* Bytes of the page that the table has. */
static size_t page_len(const struct img_paged *table, size_t number)
{
	const uint64_t start = (uint64_t)number << table->page_bits;

	return img_min_u64(UINT64_C(1) << table->page_bits, table->len - start);
}

static uint64_t page_off(const struct img_paged *table, size_t number)
{
	return table->off + ((uint64_t)number << table->page_bits);
}

static bool make_file(struct img_paged *table, struct img_err *err)
{
	if (table->file)
		return true;
	table->file = img_store_temporary(NULL, err);
	table->temporary = table->file;
	return table->file;
}

static bool put(struct img_paged *table, size_t number, struct img_err *err)
{
	if (!table->changed[number])
		return true;
	table->changed[number] = false;
	return make_file(table, err) && img_store_write(table->file, page_off(table, number),
							table->pages[number],
							page_len(table, number), err);
}

/* The memory of a page that goes. */
static uint8_t *evict(struct img_paged *table)
{
	struct img_err why = { 0 };
	uint8_t *page;

	while (!table->pages[table->hand])
		table->hand = (table->hand + 1) % table->n_pages;
	page = table->pages[table->hand];
	if (!put(table, table->hand, &why))
		note_failure(table, &why);
	table->pages[table->hand] = NULL;
	table->n_here--;
	return page;
}

/* Where there is no more memory than this the table does with it. */
static uint8_t *room(struct img_paged *table)
{
	uint8_t *page = table->spare;

	table->spare = NULL;
	if (!page && table->n_here < table->most)
		page = img_calloc(1, UINT64_C(1) << table->page_bits, NULL);
	return page ? page : evict(table);
}

uint8_t *img_paged_fetch(struct img_paged *table, size_t number)
{
	const size_t len = page_len(table, number);
	uint8_t *page = room(table);
	struct img_err why = { 0 };
	size_t got = 0;

	if (table->file &&
	    !img_store_read_some(table->file, page_off(table, number), page, len, &got, &why)) {
		note_failure(table, &why);
		got = 0;
	}
	memset(page + got, 0, (UINT64_C(1) << table->page_bits) - got);
	table->pages[number] = page;
	table->n_here++;
	return page;
}

bool img_paged_flush(struct img_paged *table, struct img_err *err)
{
	struct img_err why = { 0 };

	for (size_t i = 0; i < table->n_pages; i++)
		if (table->pages[i] && !put(table, i, &why))
			note_failure(table, &why);
	return img_paged_worked(table, err);
}

bool img_paged_worked(const struct img_paged *table, struct img_err *err)
{
	if (table->failed && err)
		*err = table->why;
	return !table->failed;
}

uint64_t img_bits_next(struct img_paged *bits, uint64_t from, uint64_t end)
{
	while (from < end) {
		if (from % CHUNK_BITS == 0 && end - from >= CHUNK_BITS &&
		    img_is_zero(img_paged_at(bits, from / 8, false), CHUNK_BITS / 8))
			from += CHUNK_BITS;
		else if (img_bits_get(bits, from))
			return from;
		else
			from++;
	}
	return end;
}

uint64_t img_bits_next_clear(struct img_paged *bits, uint64_t from, uint64_t end)
{
	while (from < end) {
		const uint8_t byte = *img_paged_at(bits, from / 8, false);

		if (byte == UINT8_MAX)
			from = img_round_down(from, 8) + 8;
		else if (byte >> from % 8 & 1)
			from++;
		else
			return from;
	}
	return end;
}
