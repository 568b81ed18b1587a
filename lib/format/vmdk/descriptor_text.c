/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The descriptor, to text: the inverse of descriptor.c, in the order in which VMware has it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "format/vmdk/descriptor.h"
#include "format/vmdk/layout.h"

void vmdk_extent_line_put(FILE *to, const struct vmdk_extent_line *line)
{
	static const char *const types[] = {
		[VMDK_EXTENT_FLAT] = "FLAT", [VMDK_EXTENT_SPARSE] = "SPARSE",
		[VMDK_EXTENT_ZERO] = "ZERO",
	};

	fprintf(to, "RW %" PRIu64 " %s", line->len / VMDK_SECTOR, types[line->type]);
	if (line->name)
		fprintf(to, " \"%s\"", line->name);
	if (line->type == VMDK_EXTENT_FLAT)
		fprintf(to, " %" PRIu64, line->at / VMDK_SECTOR);
	fputc('\n', to);
}

/* What a BIOS would be told: as QEMU counts, and VMware for disks that are not small. */
static void put_geometry(FILE *to, const struct vmdk_descriptor *desc)
{
	const unsigned heads = strcasecmp(desc->adapter, "ide") ? 255 : 16, sectors = 63;

	fprintf(to, "ddb.geometry.cylinders = \"%" PRIu64 "\"\n"
		    "ddb.geometry.heads = \"%u\"\n"
		    "ddb.geometry.sectors = \"%u\"\n",
		desc->size / (heads * sectors * VMDK_SECTOR), heads, sectors);
}

static void put_all(FILE *to, const struct vmdk_descriptor *desc)
{
	fprintf(to, "# Disk DescriptorFile\nversion=1\nencoding=\"UTF-8\"\n"
		    "CID=%08" PRIx32 "\nparentCID=%08" PRIx32 "\ncreateType=\"%s\"\n",
		desc->cid, desc->parent_cid, desc->create_type);
	if (desc->parent)
		fprintf(to, "parentFileNameHint=\"%s\"\n", desc->parent);
	fprintf(to, "\n# Extent description\n");
	for (size_t i = 0; i < desc->n_extents; i++)
		vmdk_extent_line_put(to, &desc->extents[i]);
	fprintf(to, "\n# The Disk Data Base\n#DDB\n\nddb.virtualHWVersion = \"%s\"\n",
		desc->hw_version);
	put_geometry(to, desc);
	fprintf(to, "ddb.adapterType = \"%s\"\nddb.toolsVersion = \"%s\"\n", desc->adapter,
		desc->tools_version);
}

bool vmdk_descriptor_text(const struct vmdk_descriptor *desc, char **text, size_t *len,
			  struct img_err *err)
{
	FILE *to = open_memstream(text, len);
	bool ok;

	if (!to)
		return img_fail(err, IMG_E_NOMEM, _("out of memory while composing a text"));
	put_all(to, desc);
	ok = !ferror(to);
	if (!fclose(to) && ok)
		return true;
	free(*text);
	*text = NULL;
	return img_fail(err, IMG_E_NOMEM, _("out of memory while composing a text"));
}

bool vmdk_descriptor_check_name(const char *name, struct img_err *err)
{
	return !strpbrk(name, "\"\r\n") ||
	       img_fail(err, IMG_E_ARGUMENT, _("a VMDK image cannot name \"%s\": "
			"quotation marks and line ends are not possible there"), name);
}

bool vmdk_descriptor_add(struct vmdk_descriptor *desc, enum vmdk_extent_type type, uint64_t len,
			 const char *name, struct img_err *err)
{
	struct vmdk_extent_line *v = img_grow_by_one(desc->extents, desc->n_extents,
						     &desc->cap_extents, sizeof(*v), err);
	struct vmdk_extent_line line = { .type = type, .len = len };

	if (!v)
		return false;
	desc->extents = v;
	if (name && !vmdk_descriptor_check_name(name, err))
		return false;
	if (name)
		line.name = img_strdup(name, err);
	if (name && !line.name)
		return false;
	v[desc->n_extents++] = line;
	desc->size += len;
	return true;
}
