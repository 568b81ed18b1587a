/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The three ways to print a map.  A reader of JSON finds the keys of qemu-img map and, besides
 * them, the kind, and where compressed bytes lie.
 */
#include <inttypes.h>
#include "common/print.h"
#include "common/text.h"
#include "imgmap/imgmap.h"

/* For programs; in the order of enum img_extent_kind. */
static const char *const kinds[] = { "data", "zero", "hole", "compressed", "lost" };

static bool has_place(const struct img_extent *ex)
{
	return ex->store != NULL;
}

static bool is_encoded(const struct img_extent *ex)
{
	return ex->kind == IMG_EXTENT_ENCODED;
}

/* ---- For people ------------------------------------------------------------------------------- */

static void human_start(const char *path, uint64_t size)
{
	(void)path, (void)size;
	printf("%-16s%-16s%-12s%-16s%s\n", _("Offset"), _("Length"), _("Kind"), _("Mapped to"),
	       _("File"));
}

static const char *human_kind(const struct img_extent *ex)
{
	static const char *const names[] = {
		N_("data"), N_("zero"), N_("hole"), N_("compressed"), N_("lost"),
	};

	return _(names[ex->kind]);
}

static void human_extent(const struct img_extent *ex, bool first)
{
	(void)first;
	printf("%-#15" PRIx64 " %-#15" PRIx64 " %-11s", ex->start, ex->len, human_kind(ex));
	if (has_place(ex)) {
		printf(" %-#15" PRIx64 " ", ex->host);
		print_plain_text(stdout, img_store_name(ex->store));
	} else if (ex->kind == IMG_EXTENT_LOST) {
		printf(" %s", _(ex->why));
	}
	putchar('\n');
}

static void human_end(void)
{
}

static const struct printer human = { human_start, human_extent, human_end };

/* ---- JSON ------------------------------------------------------------------------------------- */

static void json_start(const char *path, uint64_t size)
{
	(void)path, (void)size;
	putchar('[');
}

static const char *json_bool(bool value)
{
	return value ? "true" : "false";
}

static void json_place(const struct img_extent *ex)
{
	if (is_encoded(ex))
		printf(", \"stored-offset\": %" PRIu64 ", \"stored-length\": %" PRIu64, ex->host,
		       ex->host_len);
	else
		printf(", \"offset\": %" PRIu64, ex->host);
	printf(", \"filename\": ");
	print_json_text(stdout, img_store_name(ex->store));
}

static void json_extent(const struct img_extent *ex, bool first)
{
	const bool zero = ex->kind == IMG_EXTENT_ZERO || ex->kind == IMG_EXTENT_HOLE;

	printf("%s{ \"start\": %" PRIu64 ", \"length\": %" PRIu64 ", \"depth\": %u", first ? "" : ",\n",
	       ex->start, ex->len, ex->depth);
	printf(", \"present\": %s, \"zero\": %s, \"data\": %s",
	       json_bool(ex->kind != IMG_EXTENT_HOLE), json_bool(zero), json_bool(!zero));
	printf(", \"compressed\": %s, \"kind\": \"%s\"", json_bool(is_encoded(ex)),
	       kinds[ex->kind]);
	if (has_place(ex))
		json_place(ex);
	if (ex->kind == IMG_EXTENT_LOST) {
		printf(", \"reason\": ");
		print_json_text(stdout, ex->why);
	}
	fputs("}", stdout);
}

static void json_end(void)
{
	puts("]");
}

static const struct printer json = { json_start, json_extent, json_end };

/* ---- XML -------------------------------------------------------------------------------------- */

static void xml_start(const char *path, uint64_t size)
{
	printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<imgmap file=\"");
	print_xml_text(stdout, path);
	printf("\" size=\"%" PRIu64 "\">\n", size);
}

static void xml_extent(const struct img_extent *ex, bool first)
{
	(void)first;
	printf("  <extent start=\"%" PRIu64 "\" length=\"%" PRIu64 "\" depth=\"%u\" kind=\"%s\"",
	       ex->start, ex->len, ex->depth, kinds[ex->kind]);
	if (has_place(ex)) {
		printf(" offset=\"%" PRIu64 "\" stored=\"%" PRIu64 "\" file=\"", ex->host,
		       ex->host_len);
		print_xml_text(stdout, img_store_name(ex->store));
		putchar('"');
	}
	if (ex->kind == IMG_EXTENT_LOST) {
		printf(" reason=\"");
		print_xml_text(stdout, ex->why);
		putchar('"');
	}
	puts("/>");
}

static void xml_end(void)
{
	puts("</imgmap>");
}

static const struct printer xml = { xml_start, xml_extent, xml_end };

const struct printer *const printers[] = {
	[IMG_STYLE_HUMAN] = &human, [IMG_STYLE_JSON] = &json, [IMG_STYLE_XML] = &xml,
};
