/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The descriptor: whether it can be used, and whether it agrees with the extents that it names. */
#include <string.h>
#include <strings.h>
#include "format/vmdk/check.h"

static bool tell(struct vmdk_check *c, const struct img_finding_kind *kind, uint64_t expected,
		 uint64_t found, struct img_err *err)
{
	const struct img_finding one = {
		.kind = kind, .n = 1, .host = IMG_NOWHERE, .guest = IMG_NOWHERE,
		.expected = expected, .found = found,
	};

	return img_findings_add(c->out, one, 0, err);
}

/* Types that say what all extents are; any may have ZERO ones among them. */
static const struct { const char *name; enum vmdk_extent_type type; } types[] = {
	{ "monolithicSparse", VMDK_EXTENT_SPARSE }, { "monolithicFlat", VMDK_EXTENT_FLAT },
	{ "twoGbMaxExtentSparse", VMDK_EXTENT_SPARSE }, { "twoGbMaxExtentFlat", VMDK_EXTENT_FLAT },
	{ "streamOptimized", VMDK_EXTENT_SPARSE }, { "vmfs", VMDK_EXTENT_FLAT },
	{ "vmfsThin", VMDK_EXTENT_FLAT }, { "vmfsEagerZeroedThick", VMDK_EXTENT_FLAT },
	{ "vmfsPreallocated", VMDK_EXTENT_FLAT }, { "vmfsSparse", VMDK_EXTENT_SPARSE },
	{ "seSparse", VMDK_EXTENT_SPARSE },
};

static bool fits_type(const struct vmdk_descriptor *desc, enum vmdk_extent_type type)
{
	for (size_t i = 0; i < desc->n_extents; i++)
		if (desc->extents[i].type != type && desc->extents[i].type != VMDK_EXTENT_ZERO)
			return false;
	return true;
}

static bool check_type(struct vmdk_check *c, struct img_err *err)
{
	const char *name = c->desc.create_type;

	for (size_t i = 0; name && i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcasecmp(name, types[i].name) && !fits_type(&c->desc, types[i].type))
			return tell(c, &vmdk_found_descriptor_type, IMG_NOWHERE, IMG_NOWHERE, err);
	return true;
}

static bool check_ids(struct vmdk_check *c, struct img_err *err)
{
	c->stands_alone = c->desc.parent_cid == VMDK_NO_PARENT;
	if (c->desc.cid == VMDK_NO_PARENT &&
	    !tell(c, &vmdk_found_descriptor_cid, IMG_NOWHERE, IMG_NOWHERE, err))
		return false;
	return c->stands_alone || c->desc.parent ||
	       tell(c, &vmdk_found_descriptor_parent, IMG_NOWHERE, c->desc.parent_cid, err);
}

bool vmdk_check_descriptor(struct vmdk_check *c, const uint8_t *text, size_t len,
			   struct img_err *err)
{
	struct img_err why = { 0 };

	c->has_desc = vmdk_descriptor_parse(text, len, &c->desc, &why);
	if (c->has_desc)
		return check_type(c, err) && check_ids(c, err);
	if (img_code_is_damage(why.code))
		return vmdk_tell_broken(c, &vmdk_found_descriptor_broken, NULL, &why, err);
	if (err)
		*err = why;
	return false;
}

bool vmdk_check_size(struct vmdk_file_check *f, uint64_t described, struct img_err *err)
{
	const uint64_t capacity = f->sp.hdr.capacity;

	if (capacity == described)
		return true;
	return vmdk_tell(f, capacity < described ? &vmdk_found_header_size
						 : &vmdk_found_header_larger,
			 IMG_NOWHERE, IMG_NOWHERE, described, capacity, 0, err);
}
