/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* imginfo --formats: the registry of the library, as data. */
#include "common/memory.h"
#include "common/text.h"
#include "imginfo/imginfo.h"

static const struct {
	unsigned bit;
	const char *key;	/* for programs */
	const char *label;	/* for people; short */
} capabilities[] = {
	{ IMG_FMT_CREATE, "create", N_("written") },
	{ IMG_FMT_BACKING, "backing", N_("backing file") },
	{ IMG_FMT_COMPRESS, "compress", N_("compressed") },
	{ IMG_FMT_STREAM, "stream", N_("read from pipe") },
	{ IMG_FMT_SEQUENTIAL, "sequential", N_("written to pipe") },
	{ IMG_FMT_SNAPSHOT, "snapshot", N_("snapshots") },
	{ IMG_FMT_RESIZE, "resize", N_("resized") },
};

#define N_CAPABILITIES (sizeof(capabilities) / sizeof(capabilities[0]))

static void print_table(void)
{
	for (size_t i = 0; i < img_format_count(); i++) {
		const struct img_format *format = img_format_at(i);

		printf("%-8s %s", img_format_name(format), _("read"));
		for (size_t c = 0; c < N_CAPABILITIES; c++)
			if (img_format_caps(format) & capabilities[c].bit)
				printf(", %s", _(capabilities[c].label));
		putchar('\n');
	}
}

static void add_formats(struct img_node *list)
{
	for (size_t i = 0; i < img_format_count(); i++) {
		const struct img_format *format = img_format_at(i);
		struct img_node *map = img_node_map(list, "format");

		img_node_text(map, "name", img_format_name(format));
		for (size_t c = 0; c < N_CAPABILITIES; c++)
			img_node_flag(map, capabilities[c].key,
				      img_format_caps(format) & capabilities[c].bit);
	}
}

bool formats_print(enum img_style style, struct img_err *err)
{
	struct img_node *root;
	bool ok;

	if (style == IMG_STYLE_HUMAN) {
		print_table();
		return true;
	}
	root = img_node_root("imginfo");
	if (!root)
		return out_of_memory(err);
	add_formats(img_node_list(root, "formats"));
	ok = img_report_write(root, style, stdout, err);
	img_node_free(root);
	return ok;
}
