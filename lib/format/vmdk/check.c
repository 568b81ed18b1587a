/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checking an image: its descriptor, and then each file that it is made of. */
#include <string.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/vmdk/repair.h"

/* ---- Telling --------------------------------------------------------------------------------- */

bool vmdk_tell(struct vmdk_file_check *f, const struct img_finding_kind *kind, uint64_t host,
	       uint64_t guest, uint64_t expected, uint64_t found, uint64_t step,
	       struct img_err *err)
{
	struct img_finding one = {
		.kind = kind, .n = 1, .host = host, .expected = expected, .found = found,
		.guest = guest == IMG_NOWHERE ? guest : f->start + guest,
	};

	f->damaged |= kind->severity >= IMG_CORRUPT;
	if (f->name) {
		one.detail = img_strdup(f->name, err);
		if (!one.detail)
			return false;
	}
	return img_findings_add(f->image->out, one, step, err);
}

bool vmdk_tell_broken(struct vmdk_check *c, const struct img_finding_kind *kind, const char *name,
		      const struct img_err *why, struct img_err *err)
{
	struct img_finding one = {
		.kind = kind, .n = 1, .host = IMG_NOWHERE, .guest = IMG_NOWHERE,
		.expected = IMG_NOWHERE, .found = IMG_NOWHERE,
	};

	if (!name && !why)
		return img_findings_add(c->out, one, 0, err);
	one.detail = name && why ? img_format_text(err, "%s: %s", name, why->text)
				 : img_strdup(name ? name : why->text, err);
	return one.detail && img_findings_add(c->out, one, 0, err);
}

/* ---- Extents --------------------------------------------------------------------------------- */

static bool check_named_sparse(struct vmdk_file_check *f, struct img_store *file, uint64_t len,
			       struct img_err *err)
{
	bool usable;

	if (!vmdk_check_open(f, file, &usable, err))
		return false;
	if (!usable)
		return true;
	const bool ok = vmdk_check_size(f, len, err) && vmdk_check_file(f, err);
	vmdk_sparse_clear(&f->sp);
	return ok;
}

/* Whether other extents lie behind this one in the same file. */
static bool is_shared(const struct vmdk_check *c, const struct vmdk_extent_line *line)
{
	for (size_t i = 0; i < c->desc.n_extents; i++) {
		const struct vmdk_extent_line *other = &c->desc.extents[i];

		if (other != line && other->name && !strcmp(other->name, line->name))
			return true;
	}
	return false;
}

static bool check_flat(struct vmdk_file_check *f, struct img_store *file,
		       const struct vmdk_extent_line *line, struct img_err *err)
{
	uint64_t size, end;

	if (!img_store_size(file, &size, err))
		return false;
	end = line->at + line->len;
	if (size == end || (size > end && is_shared(f->image, line)))
		return true;
	return vmdk_tell(f, size < end ? &vmdk_found_flat_cut : &vmdk_found_flat_behind,
			 img_min_u64(size, end), IMG_NOWHERE, end, size, 0, err);
}

/* What cannot be opened is told; what must not be is a failure. */
static bool open_file(struct vmdk_check *c, const char *name, struct img_store **file,
		      struct img_err *err)
{
	const struct img_reference ref = { .kind = IMG_REF_EXTENT, .name = name };
	struct img_err why = { 0 };

	*file = NULL;
	if (!c->how->opener)
		return img_fail(err, IMG_E_DENIED, _("the file \"%s\" may not be opened"), name);
	if (c->how->opener->open(c->how->opener, &ref, file, &why))
		return true;
	if (img_code_is_damage(why.code) || why.code == IMG_E_IO)
		return vmdk_tell_broken(c, &vmdk_found_extent_unread, NULL, &why, err);
	if (err)
		*err = why;
	return img_within(err, _("extent \"%s\""), name);
}

static bool check_extent(struct vmdk_check *c, const struct vmdk_extent_line *line, uint64_t start,
			 struct img_err *err)
{
	struct vmdk_file_check f = { .image = c, .name = line->name, .start = start };
	struct img_store *file;
	bool ok;

	if (line->type == VMDK_EXTENT_ZERO)
		return true;
	if (!open_file(c, line->name, &file, err))
		return false;
	if (!file)
		return true;
	ok = line->type == VMDK_EXTENT_FLAT ? check_flat(&f, file, line, err)
					    : check_named_sparse(&f, file, line->len, err);
	img_store_close(file);
	return ok;
}

static bool check_extents(struct vmdk_check *c, struct img_err *err)
{
	uint64_t start = 0;

	c->stands_alone = false;	/* whether all can be opened together is for the caller */
	for (size_t i = 0; i < c->desc.n_extents; i++) {
		if (!check_extent(c, &c->desc.extents[i], start, err))
			return false;
		start += c->desc.extents[i].len;
	}
	return true;
}

/* ---- The image's own file -------------------------------------------------------------------- */

static bool check_text(struct vmdk_check *c, struct img_store *file, uint64_t at, uint64_t len,
		       struct img_err *err)
{
	const size_t wanted = img_min_u64(len, VMDK_DESCRIPTOR_MAX);
	IMG_AUTO_FREE uint8_t *text = img_alloc_aligned(wanted, err);
	size_t got;

	return text && img_store_read_some(file, at, text, wanted, &got, err) &&
	       vmdk_check_descriptor(c, text, got, err);
}

static bool check_own(struct vmdk_file_check *f, struct img_err *err)
{
	struct vmdk_check *c = f->image;
	const struct vmdk_header *hdr = &f->sp.hdr;

	if (!vmdk_is_bare(f->sp.file, hdr, &c->is_part, err))
		return false;
	if (hdr->desc_len && !c->is_part && !check_text(c, f->sp.file, hdr->desc_at, hdr->desc_len, err))
		return false;
	if (!hdr->capacity && c->has_desc)
		return check_extents(c, err);
	if (c->has_desc && !vmdk_check_size(f, c->desc.size, err))
		return false;
	if (!vmdk_check_file(f, err))
		return false;
	c->image_end = f->end;
	return true;
}

/* A file of grains, with or without a descriptor inside. */
static bool check_grains(struct vmdk_check *c, struct img_store *own, struct img_err *err)
{
	struct vmdk_file_check f = { .image = c };
	bool usable;

	c->stands_alone = true;
	if (!vmdk_check_open(&f, own, &usable, err))
		return false;
	if (!usable)
		return true;
	const bool ok = check_own(&f, err);
	vmdk_sparse_clear(&f.sp);
	return ok;
}

static bool check_image(struct vmdk_check *c, struct img_store *own, struct img_err *err)
{
	uint8_t head[IMG_PEEK_BYTES];
	struct img_err why = { 0 };
	size_t got;

	if (!img_store_read_some(own, 0, head, sizeof(head), &got, err))
		return false;
	if (vmdk_kind_of(head, got) != VMDK_KIND_NONE)
		return check_grains(c, own, err);
	if (vmdk_is_descriptor(head, got))
		return check_text(c, own, 0, VMDK_DESCRIPTOR_MAX, err) &&
		       (!c->has_desc || check_extents(c, err));
	img_fail(&why, IMG_E_NOT_THIS_FORMAT, _("this is no VMDK image"));
	return vmdk_tell_broken(c, &vmdk_found_header_broken, NULL, &why, err);
}

static void put_numbers(const struct vmdk_check *c, struct img_check_result *result)
{
	if (!c->has_grains)
		return;
	result->total = c->total;
	result->allocated = c->allocated;
	result->compressed = c->compressed;
	result->fragmented = c->fragmented;
	result->image_end = c->image_end;
}

static bool vmdk_check(struct img_layer *ly, const struct img_checking *how,
		       struct img_findings *out, struct img_check_result *result,
		       struct img_err *err)
{
	struct vmdk_check c = { .how = how, .out = out, .image_end = IMG_NOWHERE };
	const bool ok = check_image(&c, ly->store, err);

	vmdk_descriptor_clear(&c.desc);
	if (!ok)
		return false;
	ly->stands_alone = c.stands_alone;
	if (c.is_part)
		result->part = N_("grains, and the tables that lead to them");
	put_numbers(&c, result);
	img_findings_sort(out, vmdk_finding_kinds);
	return true;
}

const struct img_check_ops vmdk_check_ops = {
	.kinds = vmdk_finding_kinds,
	.check = vmdk_check,
	.repair = vmdk_repair,
};
