/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A map for programs, in JSON or XML: the members that qemu-img map has and, besides them, the kind
 * and where compressed bytes lie.  Both come from one list of members, so they cannot disagree.
 */
#include "common/print.h"
#include "imgmap/imgmap.h"

struct syntax {
	const char *start, *end;	/* around the map */
	const char *first, *next;	/* in front of an extent */
	const char *stop;		/* behind it */
	void (*open)(const char *key, bool first);
	void (*close)(const char *key);
	void (*text)(FILE *out, const char *text);
};

static void put(const char *text)
{
	fputs_unlocked(text, stdout);
}

/* ---- Members --------------------------------------------------------------------------------- */

/* printf() would take most of the time of a large map. */
static void put_digits(uint64_t n)
{
	char digits[21], *p = digits + sizeof(digits) - 1;

	*p = '\0';
	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	put(p);
}

static void number(const struct syntax *sx, const char *key, uint64_t value)
{
	sx->open(key, false);
	put_digits(value);
	sx->close(key);
}

static void flag(const struct syntax *sx, const char *key, bool value)
{
	sx->open(key, false);
	put(value ? "true" : "false");
	sx->close(key);
}

static void text(const struct syntax *sx, const char *key, const char *value)
{
	sx->open(key, false);
	sx->text(stdout, value);
	sx->close(key);
}

static const char *kind_of(const struct img_extent *ex)
{
	static const char *const names[] = {
		[IMG_EXTENT_DATA] = "data", [IMG_EXTENT_ZERO] = "zero",
		[IMG_EXTENT_HOLE] = "hole", [IMG_EXTENT_ENCODED] = "compressed",
		[IMG_EXTENT_LOST] = "lost",
	};

	if (ex->encrypted)
		return "encrypted";
	return ex->left_out ? "free" : names[ex->kind];
}

static void place(const struct syntax *sx, const struct img_extent *ex)
{
	if (ex->kind == IMG_EXTENT_ENCODED) {
		number(sx, "stored-offset", ex->host);
		number(sx, "stored-length", ex->host_len);
	} else {
		number(sx, "offset", ex->host);
	}
	text(sx, "filename", img_store_name(ex->store));
}

static void members(const struct syntax *sx, const struct img_extent *ex)
{
	const bool zero = ex->kind == IMG_EXTENT_ZERO || ex->kind == IMG_EXTENT_HOLE;

	sx->open("start", true);
	put_digits(ex->start);
	sx->close("start");
	number(sx, "length", ex->len);
	number(sx, "depth", ex->depth);
	flag(sx, "present", ex->kind != IMG_EXTENT_HOLE);
	flag(sx, "zero", zero);
	flag(sx, "data", !zero);
	flag(sx, "compressed", ex->kind == IMG_EXTENT_ENCODED && !ex->encrypted);
	text(sx, "kind", kind_of(ex));
	if (ex->store)
		place(sx, ex);
	if (ex->kind == IMG_EXTENT_LOST)
		text(sx, "reason", ex->why);
}

static void extent(const struct syntax *sx, const struct img_extent *ex, bool first)
{
	put(first ? sx->first : sx->next);
	members(sx, ex);
	put(sx->stop);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void json_open(const char *key, bool first)
{
	put(first ? "\"" : ", \"");
	put(key);
	put("\": ");
}

static void json_close(const char *key)
{
	(void)key;
}

static const struct syntax json = {
	"[", "]\n", "{ ", ",\n{ ", "}", json_open, json_close, print_json_text,
};

static void json_start(void)
{
	put(json.start);
}

static void json_extent(const struct img_extent *ex, bool first)
{
	extent(&json, ex, first);
}

static void json_end(void)
{
	put(json.end);
}

const struct printer printer_json = { json_start, json_extent, json_end };

/* ---- XML ------------------------------------------------------------------------------------- */

static void xml_open(const char *key, bool first)
{
	(void)first;
	put("<");
	put(key);
	put(">");
}

static void xml_close(const char *key)
{
	put("</");
	put(key);
	put(">");
}

static const struct syntax xml = {
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<imgmap>\n", "</imgmap>\n", " <extent>",
	" <extent>", "</extent>\n", xml_open, xml_close, print_xml_text,
};

static void xml_start(void)
{
	put(xml.start);
}

static void xml_extent(const struct img_extent *ex, bool first)
{
	extent(&xml, ex, first);
}

static void xml_end(void)
{
	put(xml.end);
}

const struct printer printer_xml = { xml_start, xml_extent, xml_end };
