/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mends entries of the index whose blocks are found all the same.  Nothing is guessed: a block has a
 * checksum, gives as many bytes as it must, and lies where the blocks before and behind it leave it
 * room.
 */
#include "base/mem.h"
#include "format/cloop/salvage.h"

/* What entry i should be; that behind the last block only says where it ends. */
static uint64_t right_entry(const struct cloop_salvage *s, size_t i)
{
	const struct cloop_place *last = &s->places[s->n - 1];

	if (i == s->n)
		return last->host + last->len;
	return (uint64_t)s->places[i].compressor << CLOOP_ENTRY_SHIFT | s->places[i].host;
}

/* Whether an index can say where all blocks are: each ends where the next begins. */
static bool is_whole(const struct cloop_salvage *s)
{
	if (!s->n || s->n != s->hdr.n_blocks)
		return false;
	for (size_t i = 0; i < s->n; i++)
		if (s->places[i].bad ||
		    (i && s->places[i].host != s->places[i - 1].host + s->places[i - 1].len))
			return false;
	return true;
}

static bool mend_entry(const struct cloop_salvage *s, size_t i, struct img_err *err)
{
	const size_t len = cloop_entry_len(&s->hdr);
	const uint64_t at = s->hdr.index_off + i * len, right = right_entry(s, i);
	uint8_t raw[CLOOP_ENTRY_LEN];

	cloop_entry_encode(&s->hdr, right, raw);
	return img_store_write(s->scan.file, at, raw, len, err);
}

/* Whether an entry differs from what is in the file; of the last one the place alone counts. */
static bool is_wrong(const struct cloop_salvage *s, size_t i, const uint8_t *raw)
{
	const bool masked = i == s->n && s->hdr.version == CLOOP_V4;
	const uint64_t found = cloop_entry_decode(&s->hdr, raw);

	return (masked ? found & CLOOP_ENTRY_HOST : found) != right_entry(s, i);
}

static bool mend_all(const struct cloop_salvage *s, struct img_err *err)
{
	const size_t len = cloop_entry_len(&s->hdr);
	IMG_AUTO_FREE uint8_t *raw = img_calloc(s->n + 1, len, err);

	if (!raw || !img_store_read(s->scan.file, s->hdr.index_off, raw, (s->n + 1) * len, err))
		return false;
	for (size_t i = 0; i <= s->n; i++)
		if (is_wrong(s, i, raw + i * len) && !mend_entry(s, i, err))
			return false;
	return true;
}

bool cloop_repair(struct img_layer *ly, const struct img_checking *how,
		  enum img_repair_level level, struct img_err *err)
{
	struct img_salvaged told = { 0 };
	struct cloop_salvage s = { .told = &told };
	struct img_err why = { 0 };
	bool ok = true;

	(void)how;	/* there is nothing to share among threads */
	if (level == IMG_REPAIR_LEAKS)
		return true;
	if (!cloop_salvage_run(&s, ly->store, true, &why)) {
		/* What has no usable header is left as it is. */
		ok = why.code != IMG_E_NOMEM && why.code != IMG_E_IO;
		if (!ok && err)
			*err = why;
	} else if (is_whole(&s)) {
		ok = mend_all(&s, err);
	}
	cloop_salvage_clear(&s);
	img_findings_clear(&told.notes);
	return ok;
}
