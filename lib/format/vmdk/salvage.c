/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From what is left of a descriptor to parts that can be read; what cannot be is lost. */
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/vmdk/salvage.h"

enum { NOTES_MOST = 1000 };

#define VMDK_NOTE(name, id, text) \
	const struct img_finding_kind vmdk_noted_##name = { id, IMG_NOTE, text };
VMDK_NOTES(VMDK_NOTE)
#undef VMDK_NOTE

bool vmdk_salvage_note(struct vmdk_salvage *s, const struct img_finding_kind *kind, uint64_t host,
		       uint64_t found, struct img_err *err)
{
	const struct img_finding one = {
		.kind = kind, .n = 1, .host = host, .guest = IMG_NOWHERE, .expected = IMG_NOWHERE,
		.found = found,
	};

	return img_findings_add(&s->told->notes, one, sizeof(uint32_t), err);
}

bool vmdk_is_text(uint8_t byte)
{
	return byte >= ' ' ? byte != 0x7f : byte == '\n' || byte == '\r' || byte == '\t';
}

/* ---- The descriptor -------------------------------------------------------------------------- */

/* *doubtful: it was about an extent, or nobody knows about what. */
static void keep_line(char *line, char *kept, size_t *n, bool *doubtful)
{
	IMG_AUTO_FREE char *copy = img_strdup(line, NULL);
	struct vmdk_extent_line parsed = { 0 };
	const size_t len = strlen(line);

	if (!copy || !vmdk_is_extent_line(copy))
		return;
	if (!vmdk_extent_line_parse(copy, &parsed, NULL)) {
		*doubtful = true;
		return;
	}
	free(parsed.name);
	memcpy(kept + *n, line, len);
	kept[*n + len] = '\n';
	*n += len + 1;
}

/* The lines about extents that can be understood, whatever the others say. */
static char *keep_extents(const uint8_t *raw, size_t len, bool *doubtful, struct img_err *err)
{
	IMG_AUTO_FREE char *text = img_calloc(len + 1, 1, err);
	char *kept = text ? img_calloc(len + 2, 1, err) : NULL;
	char *next = text, *line;
	size_t n = 0;

	if (!kept)
		return NULL;
	memcpy(text, raw, len);
	while (len && !text[len - 1])
		len--;
	for (size_t i = 0; i < len; i++) {
		if (vmdk_is_text(raw[i]))
			continue;
		text[i] = '\n';
		*doubtful = true;
	}
	while ((line = strsep(&next, "\n"))) {
		line[strcspn(line, "\r")] = '\0';
		keep_line(line, kept, &n, doubtful);
	}
	return kept;
}

/* v->desc as far as it goes; no extents: nothing of it is left. */
static bool read_text(struct vmdk_salvage *s, struct img_store *file, uint64_t at, uint64_t most,
		      struct img_err *err)
{
	const size_t wanted = img_min_u64(most, VMDK_DESCRIPTOR_MAX);
	IMG_AUTO_FREE uint8_t *text = img_alloc_aligned(wanted, err);
	IMG_AUTO_FREE char *kept = NULL;
	size_t got;

	if (!text || !img_store_read_some(file, at, text, wanted, &got, err))
		return false;
	s->v->has_desc = vmdk_descriptor_parse(text, got, &s->v->desc, NULL);
	if (s->v->has_desc)
		return true;
	vmdk_descriptor_clear(&s->v->desc);
	kept = keep_extents(text, got, &s->doubtful, err);
	if (!kept)
		return false;
	if (!*kept || !vmdk_descriptor_parse((uint8_t *)kept, strlen(kept), &s->v->desc, NULL)) {
		vmdk_descriptor_clear(&s->v->desc);
		return true;
	}
	s->v->has_desc = true;
	return vmdk_salvage_note(s, &vmdk_noted_descriptor, at, s->v->desc.n_extents, err);
}

/* ---- Files ----------------------------------------------------------------------------------- */

bool vmdk_salvage_stops(enum img_code code)
{
	return code == IMG_E_NOMEM || code == IMG_E_DENIED || code == IMG_E_BUSY;
}

/* A part that is nowhere is a flat one without a byte. */
static bool lose_part(struct vmdk_salvage *s, struct vmdk_part *part, struct img_err *err)
{
	if (part->own_file)
		img_store_close(part->file);
	img_store_close(part->beneath);
	vmdk_sparse_clear(&part->sparse);
	*part = (struct vmdk_part){
		.type = VMDK_EXTENT_FLAT, .start = part->start, .len = part->len,
		.name = part->name,
	};
	return vmdk_salvage_note(s, &vmdk_noted_extent, IMG_NOWHERE, part->start, err);
}

bool vmdk_salvage_file(struct vmdk_salvage *s, struct vmdk_part *part, struct img_err *err)
{
	const struct img_reference ref = { .kind = IMG_REF_EXTENT, .name = part->name };
	const struct img_opener *opener = s->how->opener;

	if (!opener)
		return img_fail(err, IMG_E_DENIED, _("the file \"%s\" may not be opened"),
				part->name);
	part->own_file = opener->open(opener, &ref, &part->file, err);
	return part->own_file;
}

static bool salvage_named(struct vmdk_salvage *s, struct vmdk_part *part, struct img_err *err)
{
	if (!vmdk_salvage_file(s, part, err))
		return false;
	return part->type == VMDK_EXTENT_FLAT ? img_store_size(part->file, &part->file_size, err)
					      : vmdk_salvage_part(s, part, part->len, err);
}

static bool add_part(struct vmdk_salvage *s, const struct vmdk_extent_line *line,
		     struct img_err *err)
{
	struct vmdk_part *part = &s->v->parts[s->v->n_parts];
	const struct vmdk_part *before = s->v->n_parts ? part - 1 : NULL;
	struct img_err why = { 0 };

	*part = (struct vmdk_part){
		.type = line->type, .start = before ? before->start + before->len : 0,
		.len = line->len, .name = line->name, .at = line->at, .guessed = s->doubtful,
	};
	s->v->n_parts++;
	if (part->type == VMDK_EXTENT_ZERO || salvage_named(s, part, &why))
		return true;
	if (!vmdk_salvage_stops(why.code))
		return lose_part(s, part, err);
	img_fail(err, why.code, "%s", why.text);
	return img_within(err, _("extent \"%s\""), line->name);
}

static bool add_parts(struct vmdk_salvage *s, struct img_err *err)
{
	const struct vmdk_descriptor *desc = &s->v->desc;

	s->v->parts = img_calloc(desc->n_extents, sizeof(*s->v->parts), err);
	for (size_t i = 0; s->v->parts && i < desc->n_extents; i++)
		if (!add_part(s, &desc->extents[i], err))
			return false;
	return s->v->parts;
}

/* ---- The image's own file -------------------------------------------------------------------- */

/* The descriptor inside a file of grains: all writers put it behind the header. */
static bool read_inside(struct vmdk_salvage *s, struct img_store *own, const uint8_t *head, size_t len,
			struct img_err *err)
{
	struct vmdk_header hdr;
	uint8_t text[VMDK_SECTOR];
	size_t got;

	if (vmdk_header_decode(head, len, &hdr, NULL))
		return !hdr.desc_len || read_text(s, own, hdr.desc_at, hdr.desc_len, err);
	if (!img_store_read_some(own, VMDK_SECTOR, text, sizeof(text), &got, err))
		return false;
	return !vmdk_is_descriptor(text, got) ||
	       read_text(s, own, VMDK_SECTOR, 64 * VMDK_SECTOR, err);
}

static bool salvage_own(struct vmdk_salvage *s, struct img_store *own, struct img_err *err)
{
	struct vmdk_part *part = s->v->parts = img_calloc(1, sizeof(*part), err);
	const uint64_t described = s->how->size ? s->how->size : s->v->desc.size;

	if (!part)
		return false;
	s->v->n_parts = 1;
	part->type = VMDK_EXTENT_SPARSE;
	part->file = own;
	if (!vmdk_salvage_part(s, part, described, err))
		return false;
	part->len = part->sparse.hdr.capacity;
	return part->len || img_fail(err, IMG_E_CORRUPT, _("the disk has no size"));
}

/* A small file that is no descriptor any more was one, if there are extents beside it. */
static bool read_remains(struct vmdk_salvage *s, struct img_store *own, struct img_err *err)
{
	uint64_t size;

	if (!img_store_size(own, &size, err))
		return false;
	if (size > VMDK_DESCRIPTOR_MAX)
		return true;
	return read_text(s, own, 0, VMDK_DESCRIPTOR_MAX, err) &&
	       (s->v->has_desc || vmdk_salvage_names(s, own, err));
}

/* *inside: all lies in this file; else the descriptor names others. */
static bool find_descriptor(struct vmdk_salvage *s, struct img_store *own, bool *inside,
			    struct img_err *err)
{
	uint8_t head[IMG_PEEK_BYTES];
	size_t got;

	if (!img_store_read_some(own, 0, head, sizeof(head), &got, err))
		return false;
	*inside = false;
	if (vmdk_is_descriptor(head, got))
		return read_text(s, own, 0, VMDK_DESCRIPTOR_MAX, err) &&
		       (s->v->has_desc || vmdk_salvage_names(s, own, err));
	*inside = true;
	if (!read_inside(s, own, head, got, err))
		return false;
	if (s->v->has_desc || vmdk_kind_of(head, got) != VMDK_KIND_NONE)
		return true;
	if (!read_remains(s, own, err))
		return false;
	*inside = !s->v->has_desc;
	return true;
}

static bool salvage_all(struct vmdk_salvage *s, struct img_store *own, struct img_err *err)
{
	bool inside;

	if (!find_descriptor(s, own, &inside, err))
		return false;
	if (!inside && s->v->has_desc)
		return add_parts(s, err);
	return inside ? salvage_own(s, own, err)
		      : img_fail(err, IMG_E_CORRUPT, _("nothing of the descriptor can be used"));
}

bool vmdk_salvage(struct img_layer *ly, const struct img_layer_open *how, struct img_err *err)
{
	struct vmdk *v = img_calloc(1, sizeof(*v), err);
	struct vmdk_salvage s = { .v = v, .how = how, .told = &ly->salvaged };

	if (!v)
		return false;
	ly->salvaged.notes.most = NOTES_MOST;
	v->tables = vmdk_tables_new(how->cache_size, err);
	if (!v->tables || !salvage_all(&s, ly->store, err) || !vmdk_open_finish(v, ly, how, err)) {
		vmdk_free(v);
		return false;
	}
	return true;
}
