/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of a new image: their names, their parts of the disk, and what tells of them. */
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/vmdk/new.h"

const char *vmdk_own_name(const struct img_layer_create *what, const char *in_pipe)
{
	const char *slash = what->path ? strrchr(what->path, '/') : NULL;

	return slash ? slash + 1 : what->path ? what->path : in_pipe;
}

/* Bytes of the name in front of ".vmdk". */
static int stem_len(const char *name)
{
	const size_t len = strlen(name), extension = strlen(".vmdk");

	if (len > extension && !strcasecmp(name + len - extension, ".vmdk"))
		return (int)(len - extension);
	return (int)len;
}

/* The name of part i; owned by the caller. */
static char *part_name(const struct img_layer_create *what, const struct vmdk_layout *layout,
		       size_t i, struct img_err *err)
{
	const char *own = vmdk_own_name(what, "disk.vmdk");

	if (!layout->suffix)
		return img_strdup(own, err);
	if (!layout->split)
		return img_format_text(err, "%.*s%s.vmdk", stem_len(own), own, layout->suffix);
	return img_format_text(err, "%.*s%s%03zu.vmdk", stem_len(own), own, layout->suffix, i + 1);
}

static bool make_file(struct vmdk_part *part, const struct img_opener *opener, const char *name,
		      struct img_err *err)
{
	const struct img_reference ref = { .kind = IMG_REF_EXTENT, .name = name, .format = "raw" };

	if (!opener->create(opener, &ref, &part->file, err))
		return false;
	part->own_file = true;
	return true;
}

static bool make_part(struct img_layer *ly, const struct img_layer_create *what,
		      const struct vmdk_layout *layout, uint64_t len, struct img_err *err)
{
	struct vmdk *v = ly->priv;
	struct vmdk_part *part = &v->parts[v->n_parts];
	IMG_AUTO_FREE char *name = part_name(what, layout, v->n_parts, err);

	part->type = layout->type;
	part->start = v->n_parts * VMDK_SPLIT;
	part->len = len;
	part->file = ly->store;
	if (!name || !vmdk_descriptor_add(&v->desc, layout->type, len, name, err) ||
	    (layout->suffix && !make_file(part, what->opener, name, err)))
		return false;
	v->n_parts++;
	return true;
}

/* Several files are only made beside one that has a name of its own. */
static bool check_target(const struct img_layer *ly, const struct img_layer_create *what,
			 const struct vmdk_layout *layout, struct img_err *err)
{
	if (what->compressed)
		return img_fail(err, IMG_E_ARGUMENT,
				_("only subformat=streamOptimized holds compressed grains"));
	if (img_settings_given(what->settings, "compression_level"))
		return img_fail(err, IMG_E_ARGUMENT,
				_("compression_level is for subformat=streamOptimized only"));
	if (layout->suffix && (!what->path || what->in_place))
		return img_fail(err, IMG_E_ARGUMENT, _("an image of several files cannot be written "
				"to a pipe or a device"));
	if (layout->split && ly->size == IMG_SIZE_UNKNOWN)
		return img_fail(err, IMG_E_UNSUPPORTED, _("a disk whose size is not known beforehand "
				"cannot be split"));
	return true;
}

bool vmdk_parts_make(struct img_layer *ly, const struct img_layer_create *what,
		     const struct vmdk_layout *layout, struct img_err *err)
{
	struct vmdk *v = ly->priv;
	const uint64_t each = layout->split ? VMDK_SPLIT : IMG_SIZE_UNKNOWN;
	uint64_t left = ly->size;

	if (!check_target(ly, what, layout, err))
		return false;
	v->parts = img_calloc(layout->split ? img_div_up(left, each) : 1, sizeof(*v->parts), err);
	if (!v->parts)
		return false;
	do {
		const uint64_t len = img_min_u64(left, each);

		if (!make_part(ly, what, layout, len, err))
			return false;
		left -= len;
	} while (left);
	return true;
}

bool vmdk_parts_settle(struct img_layer *ly, struct img_err *err)
{
	struct vmdk *v = ly->priv;
	struct vmdk_part *only = &v->parts[0];

	if (only->len != IMG_SIZE_UNKNOWN)
		return true;
	if (!ly->size)
		return img_fail(err, IMG_E_RANGE, _("a VMDK image cannot hold a disk of %" PRIu64
				" bytes"), ly->size);
	only->len = img_round_up(ly->size, VMDK_SECTOR);
	v->desc.size = v->desc.extents[0].len = only->len;
	return true;
}

bool vmdk_descriptor_store(struct img_layer *ly, struct img_err *err)
{
	const struct vmdk *v = ly->priv;
	IMG_AUTO_FREE char *text = NULL;
	size_t len;

	if (!vmdk_descriptor_text(&v->desc, &text, &len, err))
		return false;
	if (len > VMDK_DESCRIPTOR_MAX)
		return img_fail(err, IMG_E_RANGE, _("the descriptor needs %zu bytes, and there is "
				"room for %" PRIu64), len, (uint64_t)VMDK_DESCRIPTOR_MAX);
	return img_store_write(ly->store, 0, text, len, err);
}

bool vmdk_part_preallocate(struct img_store *file, uint64_t at, uint64_t len,
			   enum vmdk_preallocation how, struct img_err *err)
{
	switch (how) {
	case VMDK_PREALLOC_FALLOC:
		return img_store_preallocate(file, at, len, IMG_PREALLOC_FALLOC, err);
	case VMDK_PREALLOC_FULL:
		return img_store_preallocate(file, at, len, IMG_PREALLOC_FULL, err);
	case VMDK_PREALLOC_OFF:
	case VMDK_PREALLOC_METADATA:
		break;
	}
	return true;
}
