/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The log of NTFS, as far as it says whether there is anything to be done again: in the newer of the two
 * pages that it starts with.  A log that was emptied is all ones.  A system that sleeps or was shut down
 * the quick way has not closed it.
 */
#include <stdlib.h>
#include <string.h>
#include "common/text.h"
#include "guest/bytes.h"
#include "guest/free_ntfs.h"

enum {
	PAGE = 4096,
	PAGE_SIZE_AT = 16, AREA_AT = 24, MAJOR_AT = 28,	/* in a page */
	AREA_CLIENT = 12, AREA_FLAGS = 14,		/* in what it says of the state */
	AREA_LEN = 16,
	NO_CLIENT = 0xffff,
	IS_CLEAN = 2,
	QUICK = 2,		/* version of the log of a system that did not shut down */
};

static bool is_empty(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != 0xff)
			return false;
	return true;
}

/* What a page says of the state, or NULL: it is none that is understood. */
static const uint8_t *area_of(uint8_t *page)
{
	const unsigned at = get_le16(page + AREA_AT);

	if (!ntfs_restore(page, PAGE, "RSTR") || get_le32(page + PAGE_SIZE_AT) != PAGE ||
	    get_le16(page + MAJOR_AT) >= QUICK || at % 8 || at > PAGE - AREA_LEN)
		return NULL;
	return page + at;
}

static bool is_closed(const uint8_t *area)
{
	return get_le16(area + AREA_CLIENT) == NO_CLIENT || (get_le16(area + AREA_FLAGS) & IS_CLEAN);
}

/* Both pages, of which the one that was written last counts. */
static bool is_clean(uint8_t *pages)
{
	const uint8_t *a, *b;

	if (is_empty(pages, 2 * PAGE))
		return true;
	a = area_of(pages);
	b = area_of(pages + PAGE);
	return a && b && is_closed(get_le64(a) >= get_le64(b) ? a : b);
}

bool ntfs_log_is_clean(const struct ntfs *fs, struct ntfs_stream *log)
{
	struct free_place *place = fs->place;
	uint8_t *pages = free_place_room(place, 2, PAGE);
	struct ntfs_run run;
	bool ok = false;

	if (!pages)
		return false;
	if (log->len < 2 * PAGE || !ntfs_next_run(fs, log, &run) ||
	    run.n * fs->cluster < 2 * PAGE)
		free_place_doubt(place, N_("it is damaged, or newer than what is known here"));
	else if (free_place_get(place, run.first * fs->cluster, pages, (size_t)2 * PAGE))
		ok = is_clean(pages) ||
		     free_place_forced(place, N_("its journal has to be replayed"));
	free(pages);
	return ok;
}
