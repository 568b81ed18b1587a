/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a descriptor to struct img_ovf: files and disks.  What hardware there is reads read_system.c. */
#include "ovf/ovf.h"

#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "base/num.h"
#include "ovf/document.h"

/* More than these no appliance has. */
enum { MOST_FILES = 4096, MOST_DISKS = 4096 };

#define NAMESPACE "http://schemas.dmtf.org/ovf/envelope/"

/* ---- Texts --------------------------------------------------------------------------------------- */

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t\r\n");
}

static const char *skip_number(const char *text, uint64_t *value)
{
	const char *start = text;

	*value = 0;
	for (; *text >= '0' && *text <= '9'; text++)
		if (!img_mul_u64(*value, 10, value) ||
		    !img_add_u64(*value, (uint64_t)(*text - '0'), value))
			return NULL;
	return text > start ? text : NULL;
}

static bool multiply_power(uint64_t base, uint64_t power, uint64_t *units)
{
	if (base < 2 || power > 63)
		return power == 0;
	while (power--)
		if (!img_mul_u64(*units, base, units))
			return false;
	return true;
}

/* " * 2^30", " * 1024", any number of them. */
static bool multiply_factors(const char *text, uint64_t *units)
{
	while (*(text = skip_blanks(text))) {
		uint64_t base, power = 1;

		if (*text++ != '*' || !(text = skip_number(skip_blanks(text), &base)))
			return false;
		text = skip_blanks(text);
		if (*text == '^' && !(text = skip_number(skip_blanks(text + 1), &power)))
			return false;
		if (!multiply_power(base, power, units))
			return false;
	}
	return true;
}

/* What was written before OVF had its units. */
static bool find_old_unit(const char *text, uint64_t *units)
{
	static const struct { const char *name; unsigned shift; } old[] = {
		{ "bytes", 0 }, { "KB", 10 }, { "KiloBytes", 10 }, { "MB", 20 }, { "MegaBytes", 20 },
		{ "GB", 30 }, { "GigaBytes", 30 }, { "TB", 40 }, { "TeraBytes", 40 },
	};

	for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++) {
		if (strcasecmp(old[i].name, text))
			continue;
		*units = UINT64_C(1) << old[i].shift;
		return true;
	}
	return false;
}

bool ovf_units(const char *text, uint64_t *bytes)
{
	uint64_t units = 1;

	text = text ? skip_blanks(text) : "";
	if (*text && !find_old_unit(text, &units)) {
		if (strncmp(text, "byte", 4) || !multiply_factors(text + 4, &units))
			return false;
	}
	*bytes = units;
	return true;
}

/* ---- Files and disks ----------------------------------------------------------------------------- */

static bool missing(const xmlNode *node, const char *attribute, struct img_err *err)
{
	return img_fail(err, IMG_E_CORRUPT, _("line %u of the OVF: %s without \"%s\""),
			(unsigned)node->line, (const char *)node->name, attribute);
}

/* A number that may be left out. */
static bool optional_number(const xmlNode *node, const char *name, uint64_t fallback,
			    uint64_t *value, struct img_err *err)
{
	const char *text = ovf_attribute(node, name);

	*value = fallback;
	return !text || ovf_number(text, value) ||
	       img_fail(err, IMG_E_CORRUPT, _("line %u of the OVF: %s=\"%s\" is no number"),
			(unsigned)node->line, name, text);
}

static bool read_file(const xmlNode *node, struct img_ovf_file *file, struct img_err *err)
{
	*file = (struct img_ovf_file){
		.id = ovf_attribute(node, "id"), .uri = ovf_attribute(node, "href"),
		.compression = ovf_attribute(node, "compression"),
	};
	if (!file->id || !file->uri)
		return missing(node, file->id ? "href" : "id", err);
	file->href = ovf_href_decode(file->uri, err);
	if (file->compression && (!*file->compression || !strcmp(file->compression, "identity")))
		file->compression = NULL;
	return file->href && optional_number(node, "size", IMG_SIZE_UNKNOWN, &file->size, err) &&
	       optional_number(node, "chunkSize", 0, &file->chunk, err);
}

static bool read_capacity(const xmlNode *node, uint64_t *capacity, struct img_err *err)
{
	const char *units = ovf_attribute(node, "capacityAllocationUnits");
	const char *text = ovf_attribute(node, "capacity");
	uint64_t unit;

	if (!text)
		return missing(node, "capacity", err);
	*capacity = IMG_SIZE_UNKNOWN;
	if (!strncmp(text, "${", 2))
		return true;
	if (!ovf_units(units, &unit))
		return img_fail(err, IMG_E_CORRUPT, _("line %u of the OVF: \"%s\" is no unit of sizes"),
				(unsigned)node->line, units);
	return optional_number(node, "capacity", 0, capacity, err) &&
	       (img_mul_u64(*capacity, unit, capacity) ||
		img_fail(err, IMG_E_RANGE, _("line %u of the OVF: a capacity of %s times \"%s\""),
			 (unsigned)node->line, text, units));
}

static bool read_disk(const xmlNode *node, struct img_ovf_disk *disk, struct img_err *err)
{
	*disk = (struct img_ovf_disk){
		.id = ovf_attribute(node, "diskId"), .file = ovf_attribute(node, "fileRef"),
		.format = ovf_attribute(node, "format"), .parent = ovf_attribute(node, "parentRef"),
	};
	if (!disk->id)
		return missing(node, "diskId", err);
	return read_capacity(node, &disk->capacity, err) &&
	       optional_number(node, "populatedSize", IMG_SIZE_UNKNOWN, &disk->populated, err);
}

static bool too_many(const char *what, struct img_err *err)
{
	return img_fail(err, IMG_E_RANGE, _("the OVF has more elements \"%s\" than are read"), what);
}

void *ovf_room(void *v, size_t n, size_t most, size_t *cap, size_t size, const char *what,
	       struct img_err *err)
{
	if (n < most)
		return img_grow_by_one(v, n, cap, size, err);
	too_many(what, err);
	return NULL;
}

static bool read_files(const xmlNode *envelope, struct ovf_reading *to, struct img_err *err)
{
	xmlNode *node = ovf_child(ovf_child(envelope, "References"), "File");
	size_t cap = 0, n = 0;

	for (; node; node = ovf_next(node, "File")) {
		struct img_ovf_file *v = ovf_room(to->files, n, MOST_FILES, &cap, sizeof(*v), "File",
						  err);

		if (!v)
			return false;
		to->shown.files = to->files = v;
		to->shown.n_files = n + 1;
		if (!read_file(node, &v[n++], err))
			return false;
	}
	return true;
}

static bool read_disks(const xmlNode *envelope, struct ovf_reading *to, struct img_err *err)
{
	xmlNode *node = ovf_child(ovf_child(envelope, "DiskSection"), "Disk");
	size_t cap = 0, n = 0;

	for (; node; node = ovf_next(node, "Disk")) {
		struct img_ovf_disk *v = ovf_room(to->disks, n, MOST_DISKS, &cap, sizeof(*v), "Disk",
						  err);

		if (!v)
			return false;
		to->disks = v;
		if (!read_disk(node, &v[n], err))
			return false;
		n++;
	}
	to->shown.disks = to->disks;
	to->shown.n_disks = n;
	return true;
}

/* ---- All of it ----------------------------------------------------------------------------------- */

bool ovf_version(const xmlNode *root, unsigned *version, struct img_err *err)
{
	const char *space = root->ns ? (const char *)root->ns->href : "";

	if (!ovf_is(root, "Envelope") || strncmp(space, NAMESPACE, strlen(NAMESPACE)))
		return img_fail(err, IMG_E_NOT_THIS_FORMAT, _("is XML, but no OVF"));
	space += strlen(NAMESPACE);
	if (strcmp(space, "1") && strcmp(space, "2"))
		return img_fail(err, IMG_E_UNSUPPORTED, _("is OVF of version \"%s\"; 1 and 2 are read"),
				space);
	*version = (unsigned)(*space - '0');
	return true;
}

struct img_ovf *img_ovf_read(const void *bytes, size_t len, struct img_err *err)
{
	struct ovf_reading *to = img_calloc(1, sizeof(*to), err);
	const xmlNode *root;

	if (!to)
		return NULL;
	to->doc = ovf_document_read(bytes, len, err);
	if (to->doc) {
		root = ovf_document_root(to->doc);
		if (ovf_version(root, &to->shown.version, err) && read_files(root, to, err) &&
		    read_disks(root, to, err) && ovf_read_systems(root, to, err))
			return &to->shown;
	}
	img_ovf_free(&to->shown);
	return NULL;
}

void img_ovf_free(struct img_ovf *ovf)
{
	struct ovf_reading *all = (struct ovf_reading *)ovf;

	if (!all)
		return;
	ovf_document_free(all->doc);
	for (size_t i = 0; i < all->shown.n_files; i++)
		free((void *)all->files[i].href);
	free(all->files);
	free(all->disks);
	for (size_t i = 0; i < all->shown.n_systems; i++)
		free((void *)all->systems[i].items);
	free(all->systems);
	free(all);
}

const struct img_ovf_file *img_ovf_file_of(const struct img_ovf *ovf, const char *id)
{
	for (size_t i = 0; id && i < ovf->n_files; i++)
		if (!strcmp(ovf->files[i].id, id))
			return &ovf->files[i];
	return NULL;
}
