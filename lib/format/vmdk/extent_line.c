/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of a descriptor that tell of which files the disk is made. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "base/num.h"
#include "format/vmdk/descriptor.h"
#include "format/vmdk/layout.h"

static const char *const accesses[] = { "RW", "RDONLY", "NOACCESS" };

static const struct { const char *name; enum vmdk_extent_type type; } types[] = {
	{ "FLAT", VMDK_EXTENT_FLAT }, { "VMFS", VMDK_EXTENT_FLAT },
	{ "SPARSE", VMDK_EXTENT_SPARSE }, { "VMFSSPARSE", VMDK_EXTENT_SPARSE },
	{ "SESPARSE", VMDK_EXTENT_SPARSE }, { "ZERO", VMDK_EXTENT_ZERO },
};

/* The next word of *text, cut out of it; NULL: there is none.  In quotes it may hold blanks. */
static char *next_word(char **text, bool *quoted)
{
	char *word = *text + strspn(*text, " \t"), *end;

	*quoted = *word == '"';
	if (*quoted) {
		end = strchr(++word, '"');
		if (!end)
			return NULL;
	} else {
		if (!*word)
			return NULL;
		end = word + strcspn(word, " \t");
	}
	*text = end + (*end != '\0');
	*end = '\0';
	return word;
}

bool vmdk_is_extent_line(const char *line)
{
	const size_t len = strcspn(line, " \t");

	for (size_t i = 0; i < sizeof(accesses) / sizeof(accesses[0]); i++)
		if (strlen(accesses[i]) == len && !strncasecmp(line, accesses[i], len))
			return true;
	return false;
}

/* A decimal number of sectors, as bytes. */
static bool parse_sectors(const char *word, uint64_t *bytes)
{
	char *end;
	uint64_t sectors;

	if (!word || !isdigit((unsigned char)*word))
		return false;
	errno = 0;
	sectors = strtoull(word, &end, 10);
	if (errno || *end || sectors > INT64_MAX / VMDK_SECTOR)
		return false;
	*bytes = sectors * VMDK_SECTOR;
	return true;
}

static bool parse_type(const char *word, enum vmdk_extent_type *type, struct img_err *err)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (!strcasecmp(word, types[i].name)) {
			*type = types[i].type;
			return true;
		}
	}
	if (!strcasecmp(word, "VMFSRDM") || !strcasecmp(word, "VMFSRAW"))
		return img_fail(err, IMG_E_UNSUPPORTED,
				_("the extent is a raw device (%s), not a file"), word);
	return img_fail(err, IMG_E_UNSUPPORTED, _("extents of type \"%s\" are not known"), word);
}

/* The name, and where in the file the extent begins. */
static bool parse_file(char *rest, struct vmdk_extent_line *out, struct img_err *err)
{
	bool quoted;
	const char *name = next_word(&rest, &quoted);
	const char *offset;

	if (!name || !quoted || !*name)
		return img_fail(err, IMG_E_CORRUPT, _("the extent has no name of a file"));
	offset = next_word(&rest, &quoted);
	if (offset && (quoted || !parse_sectors(offset, &out->at)))
		return img_fail(err, IMG_E_CORRUPT,
				_("\"%s\" is no offset of an extent in its file"), offset);
	out->name = img_strdup(name, err);
	return out->name;
}

bool vmdk_extent_line_parse(char *line, struct vmdk_extent_line *out, struct img_err *err)
{
	struct vmdk_extent_line parsed = { 0 };
	char *rest = line;
	bool quoted;
	const char *access = next_word(&rest, &quoted);
	const char *sectors = next_word(&rest, &quoted);
	const char *type = next_word(&rest, &quoted);

	if (access && !strcasecmp(access, "NOACCESS"))
		return img_fail(err, IMG_E_UNSUPPORTED, _("the extent must not be accessed"));
	if (!parse_sectors(sectors, &parsed.len) || !parsed.len || !type)
		return img_fail(err, IMG_E_CORRUPT, _("the extent has no size or no type"));
	if (!parse_type(type, &parsed.type, err) ||
	    (parsed.type != VMDK_EXTENT_ZERO && !parse_file(rest, &parsed, err)))
		return false;
	parsed.read_only = !strcasecmp(access, "RDONLY");
	*out = parsed;
	return true;
}
