/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What has changed according to a bitmap, printed as it is found. */
#include <inttypes.h>
#include "common/print.h"
#include "common/signals.h"
#include "common/text.h"
#include "imgbitmap/imgbitmap.h"

/* Around the extents, in front of the first and of the others, and one of them. */
struct syntax {
	const char *start, *end, *first, *next, *extent;
};

static const struct syntax json = {
	"[", "]\n", "{ ", ",\n{ ", "\"start\": %" PRIu64 ", \"length\": %" PRIu64 "}",
};

static const struct syntax xml = {
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<imgbitmap>\n", "</imgbitmap>\n", " ", " ",
	"<extent><start>%" PRIu64 "</start><length>%" PRIu64 "</length></extent>\n",
};

static const struct syntax human = { "", "", "", "", "%-#15" PRIx64 " %#" PRIx64 "\n" };

static void start(const struct syntax *sx)
{
	if (sx == &human) {
		print_padded(stdout, _("Offset"), 16);
		puts(_("Length"));
	}
	fputs(sx->start, stdout);
}

static bool print_all(struct img *im, const char *name, const struct syntax *sx,
		      struct img_err *err)
{
	struct img_bitmap_run run = { 0 };
	bool first = true;

	for (;;) {
		if (signals_cancelled(NULL))
			return img_fail(err, IMG_E_CANCELLED, _("cancelled"));
		if (!img_bitmap_next(im, name, &run, err))
			return false;
		if (first)
			start(sx);
		if (!run.len)
			break;
		fputs(first ? sx->first : sx->next, stdout);
		printf(sx->extent, run.start, run.len);
		run.start += run.len;
		first = false;
	}
	fputs(sx->end, stdout);
	return true;
}

bool print_extents(struct img *im, const char *name, enum img_style style, struct img_err *err)
{
	static const struct syntax *const syntaxes[] = {
		[IMG_STYLE_HUMAN] = &human, [IMG_STYLE_JSON] = &json, [IMG_STYLE_XML] = &xml,
	};

	return print_all(im, name, syntaxes[style], err);
}
