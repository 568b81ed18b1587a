/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A new image: which layout it gets, and the header that follows from it. */
#include <inttypes.h>
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/cow/cow.h"

const struct img_option cow_create_options[] = {
	{ "layout", IMG_OPT_CHOICE, "auto|uml-1|uml-2|uml-3|qemu", "auto",
	  N_("whose image it is to be; auto: uml-3 over a raw file of the same size, else qemu") },
	{ "alignment", IMG_OPT_SIZE, NULL, "4k",
	  N_("what bitmap and data are aligned to, 512 to 1G; for uml-3 alone") },
	{ NULL },
};

/* What is known about the file below. */
struct base {
	bool raw;			/* and to be read as such */
	uint64_t size;
	int64_t time;
};

static bool look_at_base(const struct img_layer_create *what, struct base *base,
			 struct img_err *err)
{
	const struct img_reference ref = {
		.kind = IMG_REF_BACKING, .name = what->backing, .format = what->backing_format,
	};
	const struct img_format *seen = &img_format_raw;
	struct img_store *st;
	bool ok;

	*base = (struct base){ 0 };
	if (!what->backing)
		return true;
	if (!what->backing_format && !img_backing_probe(what, &seen, err))
		return false;
	base->raw = what->backing_format ? !strcmp(what->backing_format, "raw")
					 : seen == &img_format_raw;
	if (!what->opener->open(what->opener, &ref, &st, err))
		return false;
	ok = img_store_size(st, &base->size, err) && img_store_time(st, &base->time, err);
	img_store_close(st);
	return ok;
}

static bool choose_kind(const struct img_layer_create *what, const struct base *base,
			struct cow_header *hdr, struct img_err *err)
{
	const char *wish = img_settings_text(what->settings, "layout");
	const bool fits = what->backing && base->raw && base->size == what->size;

	hdr->kind = fits ? COW_UML3 : COW_QEMU;
	if (!strcmp(wish, "auto"))
		return true;
	for (hdr->kind = COW_UML1; strcmp(cow_layouts[hdr->kind].name, wish);)
		hdr->kind++;
	return hdr->kind == COW_QEMU || fits ||
	       img_fail(err, IMG_E_ARGUMENT, _("User-Mode Linux reads images over a raw file of the "
			"same size as the disk, and no others"));
}

static bool choose_name(const struct img_layer_create *what, struct cow_header *hdr,
			struct img_err *err)
{
	const size_t room = cow_layouts[hdr->kind].name_len;

	if (!what->backing)
		return true;
	if (strlen(what->backing) >= room)
		return img_fail(err, IMG_E_ARGUMENT,
				_("the name of the backing file has more than %zu bytes"), room - 1);
	strcpy(hdr->name, what->backing);
	return cow_is_uml(hdr) || img_backing_check_probed(what, err);
}

static bool choose_places(const struct img_layer_create *what, struct cow_header *hdr,
			  struct img_err *err)
{
	const uint64_t align = img_settings_number(what->settings, "alignment");

	if (!img_is_pow2(align) || align < COW_SECTOR || align > COW_ALIGN_MAX)
		return img_fail(err, IMG_E_ARGUMENT,
				_("alignment is a power of two from 512 to 1G, not %" PRIu64), align);
	hdr->sector = COW_SECTOR;
	hdr->align = cow_layouts[hdr->kind].align_off ? (uint32_t)align : COW_SECTOR;
	return cow_header_resize(hdr, what->size, err);
}

static bool has_size(const struct img_layer_create *what, struct img_err *err)
{
	return what->size != IMG_SIZE_UNKNOWN ||
	       img_fail(err, IMG_E_UNSUPPORTED, _("where the data of a cow image begin follows "
			"from the size of the disk, which must be known beforehand"));
}

static bool fill_header(const struct img_layer_create *what, struct cow_header *hdr,
			struct img_err *err)
{
	struct base base;

	if (!has_size(what, err) || !look_at_base(what, &base, err) ||
	    !choose_kind(what, &base, hdr, err) || !choose_name(what, hdr, err))
		return false;
	/* Version 1 is that of the usual machine. */
	hdr->little = hdr->kind == COW_UML1;
	hdr->time = cow_time(hdr->kind, base.time);
	return choose_places(what, hdr, err);
}

static bool tell_backing(struct img_layer *ly, const struct img_layer_create *what,
			 const struct cow_header *hdr, struct img_err *err)
{
	const char *format = cow_is_uml(hdr) ? "raw" : what->backing_format;

	if (!what->backing)
		return true;
	ly->backing = img_strdup(what->backing, err);
	if (format)
		ly->backing_format = img_strdup(format, err);
	return ly->backing && (!format || ly->backing_format);
}

static bool start(struct img_layer *ly, const struct img_layer_create *what, struct img_err *err)
{
	struct cow *cow = ly->priv;

	if (!fill_header(what, &cow->header, err) ||
	    !cow_map_init(&cow->map, &cow->header, ly->store, 0, err) ||
	    !tell_backing(ly, what, &cow->header, err))
		return false;
	cow->map.file_size = 0;		/* nothing of a new bitmap is in the file */
	cow->fresh = (ly->store->caps & IMG_STORE_FRESH) || what->reads_as_zero;
	cow->hides = what->backing;
	ly->size = what->size;
	ly->unit = cow->header.sector;
	ly->takes_plain = true;
	ly->reads_as_zero = !what->backing;
	return true;
}

bool cow_create(struct img_layer *ly, const struct img_layer_create *what, struct img_err *err)
{
	struct cow *cow = img_calloc(1, sizeof(*cow), err);

	ly->priv = cow;
	if (cow && start(ly, what, err))
		return true;
	cow_free(cow);
	free(ly->backing);
	free(ly->backing_format);
	ly->priv = ly->backing = ly->backing_format = NULL;
	return false;
}
