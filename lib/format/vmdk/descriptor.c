/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The descriptor, from text: who it is (CID), what it stands on, and of which extents it consists.
 * Opens nothing.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/vmdk/descriptor.h"

static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	text[len] = '\0';
	return text;
}

/* What stands between the quotes; as it is when there are none. */
static char *unquote(char *value)
{
	const size_t len = strlen(value);

	if (len < 2 || value[0] != '"' || value[len - 1] != '"')
		return value;
	value[len - 1] = '\0';
	return value + 1;
}

/* ---- Lines "key = value" --------------------------------------------------------------------- */

struct parsing {
	struct vmdk_descriptor *out;
	bool has_version, has_cid, has_parent_cid;
};

static bool parse_version(struct parsing *p, const char *value, struct img_err *err)
{
	if (p->has_version)
		return true;
	p->has_version = true;
	if (strlen(value) == 1 && strchr("123", value[0]))
		return true;
	return img_fail(err, IMG_E_UNSUPPORTED, _("descriptors of version \"%s\" are not known"),
			value);
}

static bool parse_cid(const char *value, uint32_t *cid, bool *has, struct img_err *err)
{
	uint64_t number;
	char *end;

	if (*has)
		return true;
	errno = 0;
	number = strtoull(value, &end, 16);
	if (errno || *end || !isxdigit((unsigned char)*value) || number > UINT32_MAX)
		return img_fail(err, IMG_E_CORRUPT, _("\"%s\" is no content identifier"), value);
	*cid = (uint32_t)number;
	*has = true;
	return true;
}

/* Where a text is kept; NULL: it is not. */
static char **place_of(struct vmdk_descriptor *desc, const char *key)
{
	const struct { const char *key; char **place; } texts[] = {
		{ "createType", &desc->create_type },
		{ "parentFileNameHint", &desc->parent },
		{ "ddb.adapterType", &desc->adapter },
		{ "ddb.virtualHWVersion", &desc->hw_version },
		{ "ddb.toolsVersion", &desc->tools_version },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!strcasecmp(key, texts[i].key))
			return texts[i].place;
	return NULL;
}

static bool parse_pair(struct parsing *p, const char *key, const char *value, struct img_err *err)
{
	char **place;

	if (!strcasecmp(key, "version"))
		return parse_version(p, value, err);
	if (!strcasecmp(key, "CID"))
		return parse_cid(value, &p->out->cid, &p->has_cid, err);
	if (!strcasecmp(key, "parentCID"))
		return parse_cid(value, &p->out->parent_cid, &p->has_parent_cid, err);
	place = place_of(p->out, key);
	if (!place || *place)
		return true;
	*place = img_strdup(value, err);
	return *place;
}

/* ---- All of it ------------------------------------------------------------------------------- */

static bool add_extent(struct vmdk_descriptor *desc, char *line, struct img_err *err)
{
	struct vmdk_extent_line *v = img_grow_by_one(desc->extents, desc->n_extents,
						     &desc->cap_extents, sizeof(*v), err);

	if (!v)
		return false;
	desc->extents = v;
	if (!vmdk_extent_line_parse(line, &v[desc->n_extents], err))
		return img_within(err, _("extent %zu"), desc->n_extents + 1);
	desc->size += v[desc->n_extents++].len;
	if (desc->size > INT64_MAX)
		return img_fail(err, IMG_E_RANGE, _("the extents are larger than any disk"));
	return true;
}

static bool parse_line(struct parsing *p, char *line, struct img_err *err)
{
	char *equals;

	line = trim(line);
	if (!*line || *line == '#')
		return true;
	if (vmdk_is_extent_line(line))
		return add_extent(p->out, line, err);
	equals = strchr(line, '=');
	if (!equals)
		return true;
	*equals = '\0';
	return parse_pair(p, trim(line), unquote(trim(equals + 1)), err);
}

/* Types whose extents are devices, whatever their lines say. */
static bool check_type(const char *type, struct img_err *err)
{
	static const char *const devices[] = {
		"fullDevice", "partitionedDevice", "vmfsRaw", "vmfsRDM", "vmfsRawDeviceMap",
		"vmfsRDMP", "vmfsPassthroughRawDeviceMap",
	};

	for (size_t i = 0; type && i < sizeof(devices) / sizeof(devices[0]); i++)
		if (!strcasecmp(type, devices[i]))
			return img_fail(err, IMG_E_UNSUPPORTED,
					_("the image stands for a raw device (%s) and holds no "
					  "data"), type);
	return true;
}

bool vmdk_descriptor_parse(const uint8_t *raw, size_t len, struct vmdk_descriptor *out,
			   struct img_err *err)
{
	struct parsing p = { .out = out };
	IMG_AUTO_FREE char *text = img_calloc(len + 1, 1, err);
	char *next = text, *line;

	*out = (struct vmdk_descriptor){ .cid = VMDK_NO_PARENT, .parent_cid = VMDK_NO_PARENT };
	if (!text)
		return false;
	memcpy(text, raw, len);
	while ((line = strsep(&next, "\n")))
		if (!parse_line(&p, line, err))
			return false;
	if (!out->n_extents)
		return check_type(out->create_type, err) &&
		       img_fail(err, IMG_E_CORRUPT, _("the descriptor names no extents"));
	return check_type(out->create_type, err);
}

void vmdk_descriptor_clear(struct vmdk_descriptor *desc)
{
	for (size_t i = 0; i < desc->n_extents; i++)
		free(desc->extents[i].name);
	free(desc->extents);
	free(desc->create_type);
	free(desc->parent);
	free(desc->adapter);
	free(desc->hw_version);
	free(desc->tools_version);
	*desc = (struct vmdk_descriptor){ 0 };
}

/* ---- Recognizing one ------------------------------------------------------------------------- */

static bool line_starts(const uint8_t *line, size_t len, const char *text)
{
	return len >= strlen(text) && !strncasecmp((const char *)line, text, strlen(text));
}

/* The title among the comments, or a version in front of everything else. */
bool vmdk_is_descriptor(const uint8_t *head, size_t len)
{
	for (size_t at = 0; at < len;) {
		const uint8_t *line = head + at, *end = memchr(line, '\n', len - at);
		size_t n = end ? (size_t)(end - line) : len - at;

		at += n + 1;
		while (n && isspace(*line)) {
			line++;
			n--;
		}
		if (line_starts(line, n, "# Disk DescriptorFile"))
			return true;
		if (n && *line != '#')
			return end && (line_starts(line, n, "version=1") ||
				       line_starts(line, n, "version=2") ||
				       line_starts(line, n, "version=3")) &&
			       memmem(line, len - (size_t)(line - head), "\nCID=", 5);
	}
	return false;
}
