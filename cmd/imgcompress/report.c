/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What imgcompress says about an image that it has compressed. */
#include <string.h>
#include "common/memory.h"
#include "common/text.h"
#include "imgcompress/imgcompress.h"

static void add_names(struct img_node *root, const struct outcome *out)
{
	const char *const names[][3] = {
		{ "source", out->source, N_("source") },
		{ "source-format", out->source_format, N_("source format") },
		{ "target", out->target, N_("target") },
		{ "target-format", out->target_format, N_("target format") },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		img_node_text(root, names[i][0], names[i][1]);
		img_node_label(root, _(names[i][2]));
	}
}

static void add_amounts(struct img_node *root, const struct outcome *out)
{
	const struct { const char *key; uint64_t bytes; const char *label; } amounts[] = {
		{ "source-bytes", out->source_bytes, N_("space that the source takes") },
		{ "target-bytes", out->target_bytes, N_("space that the target takes") },
		{ "virtual-size", out->stats.guest, N_("virtual size") },
		{ "data", out->stats.data, N_("stored plain") },
		{ "compressed", out->stats.compressed, N_("stored compressed") },
		{ "taken", out->stats.taken, N_("of that, as the source had it") },
		{ "shared", out->stats.shared, N_("stored once for several places") },
		{ "zero", out->stats.zero, N_("zeros") },
	};

	for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
		if (amounts[i].bytes == IMG_SIZE_UNKNOWN)
			continue;
		img_node_u64(root, amounts[i].key, amounts[i].bytes, IMG_UNIT_BYTES);
		img_node_label(root, _(amounts[i].label));
	}
}

/* How many blocks each codec has made smallest. */
static void add_codecs(struct img_node *root, const struct outcome *out)
{
	const char *list = out->best_of;
	struct img_node *map = list ? img_node_map(root, "blocks") : NULL;
	char name[16];
	size_t len;

	if (map)
		img_node_label(root, _("blocks"));
	for (size_t i = 0; map && list && i < IMG_CODECS_MAX; i++) {
		const char *codec = target_next_codec(&list, &len);

		snprintf(name, sizeof(name), "%.*s", (int)len, codec);
		img_node_u64(map, name, out->stats.units[i], IMG_UNIT_NONE);
	}
}

bool report_write(const struct outcome *out, enum img_style style, struct img_err *err)
{
	FILE *to = strcmp(out->target, "-") ? stdout : stderr;
	struct img_node *root = img_node_root("imgcompress");
	bool ok;

	if (!root)
		return out_of_memory(err);
	add_names(root, out);
	add_amounts(root, out);
	add_codecs(root, out);
	ok = img_report_write(root, style, to, err);
	img_node_free(root);
	return ok;
}
