/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A descriptor made of another one: other disks in the same machine. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "ovf/ovf.h"

static bool set_number(struct ovf_document *doc, xmlNode *node, const char *name, uint64_t value,
		       struct img_err *err)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	return ovf_set_attribute(doc, node, name, text, err);
}

static xmlNode *file_node(xmlNode *references, const char *id)
{
	xmlNode *node = ovf_child(references, "File");

	while (node && (!ovf_attribute(node, "id") || strcmp(ovf_attribute(node, "id"), id)))
		node = ovf_next(node, "File");
	return node;
}

static bool fill_file(struct ovf_document *doc, xmlNode *file, const struct img_ovf_image *image,
		      struct img_err *err)
{
	IMG_AUTO_FREE char *uri = ovf_href_encode(image->href, err);

	ovf_drop_attribute(doc, file, "compression");
	ovf_drop_attribute(doc, file, "chunkSize");
	return uri && ovf_set_attribute(doc, file, "href", uri, err) &&
	       set_number(doc, file, "size", image->file_size, err);
}

/* Whether a disk in front of this one is in the same file. */
static bool is_taken(const xmlNode *disk, const char *file)
{
	for (const xmlNode *at = ovf_child(disk->parent, "Disk"); at != disk; at = ovf_next(at, "Disk"))
		if (ovf_attribute(at, "fileRef") && !strcmp(ovf_attribute(at, "fileRef"), file))
			return true;
	return false;
}

static bool fill_disk(struct ovf_document *doc, xmlNode *references, xmlNode *disk,
		      const struct img_ovf_image *image, struct img_err *err)
{
	const char *id = ovf_attribute(disk, "fileRef");
	xmlNode *file = id ? file_node(references, id) : NULL;

	if (!file)
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("line %u of the OVF: a disk without a file, which could not be replaced"),
				(unsigned)disk->line);
	if (is_taken(disk, id))
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("line %u of the OVF: a disk in the file of another one"),
				(unsigned)disk->line);
	ovf_drop_attribute(doc, disk, "parentRef");
	return fill_file(doc, file, image, err) &&
	       set_number(doc, disk, "capacity", image->capacity, err) &&
	       set_number(doc, disk, "populatedSize", image->populated, err) &&
	       ovf_set_attribute(doc, disk, "capacityAllocationUnits", "byte", err) &&
	       ovf_set_attribute(doc, disk, "format", OVF_STREAM_FORMAT, err);
}

static size_t count(const xmlNode *node, const char *name)
{
	size_t n = 0;

	for (xmlNode *at = ovf_child(node, name); at; at = ovf_next(at, name))
		n++;
	return n;
}

static bool check_counts(size_t n_files, size_t n_disks, size_t n_images, struct img_err *err)
{
	if (n_disks != n_images)
		return img_fail(err, IMG_E_ARGUMENT, _("the OVF has %zu disks, and %zu images are given"),
				n_disks, n_images);
	return n_files == n_disks ||
	       img_fail(err, IMG_E_UNSUPPORTED, _("the OVF has %zu files for %zu disks; what the others "
			"are is not known"), n_files, n_disks);
}

static bool fill(struct ovf_document *doc, const struct img_ovf_image *images, size_t n,
		 struct img_err *err)
{
	xmlNode *root = ovf_document_root(doc), *references = ovf_child(root, "References");
	xmlNode *section = ovf_child(root, "DiskSection"), *disk = ovf_child(section, "Disk");
	unsigned version;

	if (!ovf_version(root, &version, err) ||
	    !check_counts(count(references, "File"), count(section, "Disk"), n, err))
		return false;
	for (size_t i = 0; i < n; i++, disk = ovf_next(disk, "Disk"))
		if (!fill_disk(doc, references, disk, &images[i], err))
			return false;
	return true;
}

char *img_ovf_fill(const void *other, size_t other_len, const struct img_ovf_image *images, size_t n,
		   size_t *len, struct img_err *err)
{
	struct ovf_document *doc = ovf_document_read(other, other_len, err);
	char *text = NULL;

	if (doc && fill(doc, images, n, err))
		text = ovf_document_text(doc, len, err);
	ovf_document_free(doc);
	return text;
}
