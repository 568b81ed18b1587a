/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A salvage from beginning to end.  See salvage.h. */
#include "format/cloop/salvage.h"

#include "base/mem.h"
#include "base/num.h"

enum { NOTES_MOST = 1000 };	/* of each kind */

#define CLOOP_SALVAGE_NOTE(name, id, text) \
	const struct img_finding_kind cloop_noted_##name = { id, IMG_NOTE, text };
CLOOP_SALVAGE_NOTES(CLOOP_SALVAGE_NOTE)
#undef CLOOP_SALVAGE_NOTE

bool cloop_salvage_note(struct cloop_salvage *s, const struct img_finding_kind *kind, uint64_t host,
			uint64_t block, struct img_err *err)
{
	const uint64_t guest = s->hdr.block_size ? block * s->hdr.block_size : IMG_NOWHERE;

	return img_salvaged_note(s->told, kind, host, guest, 0, err);
}

bool cloop_salvage_add(struct cloop_salvage *s, struct cloop_place place, struct img_err *err)
{
	struct cloop_place *v;

	if (s->n >= CLOOP_PLACES_MOST)
		return img_fail(err, IMG_E_RANGE, _("it has too many blocks to be salvaged"));
	v = img_grow_by_one(s->places, s->n, &s->cap, sizeof(*v), err);
	if (!v)
		return false;
	s->places = v;
	v[s->n++] = place;
	return true;
}

struct cloop_place cloop_place_of_stream(const struct cloop_stream *stream)
{
	return (struct cloop_place){
		.compressor = stream->compressor, .host = stream->host, .len = stream->len,
	};
}

/* Whether the failure is that of the image, and no matter of this machine or this library. */
static bool is_damage(enum img_code code)
{
	return code == IMG_E_NOT_THIS_FORMAT || code == IMG_E_CORRUPT || code == IMG_E_INCOMPLETE ||
	       code == IMG_E_IO;
}

static bool without_header(struct cloop_salvage *s, struct img_err *err)
{
	s->hdr = (struct cloop_header){ .version = CLOOP_V4 };
	if (!cloop_salvage_note(s, &cloop_noted_header, 0, 0, err) || !cloop_salvage_scan(s, err))
		return false;
	s->hdr.n_blocks = (uint32_t)s->n;
	s->told->size_guessed = true;
	return true;
}

static bool rebuild(struct cloop_salvage *s, bool with_header, struct img_err *err)
{
	struct img_err why = { 0 };

	if (cloop_header_read(s->scan.file, &s->hdr, &why))
		return cloop_salvage_index(s, err);
	if (!with_header && is_damage(why.code))
		return without_header(s, err);
	if (err)
		*err = why;
	return false;
}

bool cloop_salvage_run(struct cloop_salvage *s, struct img_store *file, bool with_header,
		       struct img_err *err)
{
	s->guessed_from = UINT64_MAX;
	s->told->notes.most = NOTES_MOST;
	return cloop_scan_init(&s->scan, file, err) && img_store_size(file, &s->file_size, err) &&
	       rebuild(s, with_header, err);
}

void cloop_salvage_clear(struct cloop_salvage *s)
{
	cloop_scan_clear(&s->scan);
	free(s->places);
}

bool cloop_salvage_start(struct cloop *c, struct img_layer *ly, struct img_err *err)
{
	struct cloop_salvage s = { .told = &ly->salvaged };
	const bool ok = cloop_salvage_run(&s, ly->store, false, err);

	if (ok) {
		c->header = s.hdr;
		c->guessed_from = s.guessed_from;
		c->index.places = s.places;
		c->index.n_places = s.n;
		s.places = NULL;
	}
	cloop_salvage_clear(&s);
	return ok;
}
