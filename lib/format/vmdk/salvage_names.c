/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A descriptor that is gone: the files beside it that have the names which it would have given. */
#include <inttypes.h>
#include <string.h>
#include "base/mem.h"
#include "format/vmdk/salvage.h"

enum { NAMES_MAX = 9999 };

/* How extents are named by those who make them; without a letter there is one, "-flat". */
static const struct { char letter; const char *type; } kinds[] = {
	{ '\0', "FLAT" }, { 'f', "FLAT" }, { 's', "SPARSE" },
};

/* The size of the disk in a file beside the image; 0: it is not there, or says nothing. */
static bool size_beside(struct vmdk_salvage *s, const char *name, bool flat, uint64_t *size,
			struct img_err *err)
{
	struct vmdk_part part = { .name = name };
	struct img_err why = { 0 };
	struct vmdk_header hdr = { .capacity = 0 };
	uint8_t raw[VMDK_HEAD_BYTES];
	size_t got;
	bool ok;

	*size = 0;
	if (!vmdk_salvage_file(s, &part, &why))
		return !vmdk_salvage_stops(why.code) || why.code == IMG_E_DENIED ||
		       img_fail(err, why.code, "%s", why.text);
	ok = flat ? img_store_size(part.file, size, err)
		  : img_store_read_some(part.file, 0, raw, sizeof(raw), &got, err);
	if (ok && !flat && vmdk_header_decode(raw, got, &hdr, NULL))
		*size = hdr.capacity;
	img_store_close(part.file);
	return ok;
}

struct naming {
	const char *base;		/* name of the image without its folder */
	int len;			/* ... and without what is behind the last dot */
	char *text;			/* a descriptor; owned */
	bool several;			/* files, of which the last ones may be lost */
};

static bool add_line(struct naming *n, const char *type, uint64_t size, const char *name,
		     struct img_err *err)
{
	char *longer = img_format_text(err, "%sRW %" PRIu64 " %s \"%s\" 0\n", n->text ? n->text : "",
				       size / VMDK_SECTOR, type, name);

	if (!longer)
		return false;
	free(n->text);
	n->text = longer;
	return true;
}

static char *name_of(const struct naming *n, char letter, int number, struct img_err *err)
{
	return letter ? img_format_text(err, "%.*s-%c%03d.vmdk", n->len, n->base, letter, number)
		      : img_format_text(err, "%.*s-flat.vmdk", n->len, n->base);
}

/* Adds a line for each file of one kind, up to the first that is not there. */
static bool try_names(struct vmdk_salvage *s, struct naming *n, size_t kind, struct img_err *err)
{
	const bool flat = kinds[kind].letter != 's';

	for (int i = 1; i <= (kinds[kind].letter ? NAMES_MAX : 1); i++) {
		IMG_AUTO_FREE char *name = name_of(n, kinds[kind].letter, i, err);
		uint64_t size;

		if (!name || !size_beside(s, name, flat, &size, err))
			return false;
		if (size < VMDK_SECTOR)
			return true;
		if (!add_line(n, kinds[kind].type, size, name, err))
			return false;
		n->several = kinds[kind].letter;
	}
	return true;
}

bool vmdk_salvage_names(struct vmdk_salvage *s, struct img_store *own, struct img_err *err)
{
	const char *slash = strrchr(own->name, '/');
	struct naming n = { .base = slash ? slash + 1 : own->name };
	const char *dot = strrchr(n.base, '.');
	bool ok = true;

	n.len = dot ? (int)(dot - n.base) : (int)strlen(n.base);
	for (size_t i = 0; ok && !n.text && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		ok = try_names(s, &n, i, err);
	if (ok && n.text) {
		s->v->has_desc = vmdk_descriptor_parse((uint8_t *)n.text, strlen(n.text),
						       &s->v->desc, err);
		s->told->size_guessed |= n.several;
		ok = s->v->has_desc && vmdk_salvage_note(s, &vmdk_noted_names, IMG_NOWHERE,
							 s->v->desc.n_extents, err);
	}
	free(n.text);
	return ok;
}
