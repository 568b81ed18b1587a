/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A map as a table for people. */
#include <inttypes.h>
#include "common/print.h"
#include "common/text.h"
#include "imgmap/imgmap.h"

static void start(void)
{
	print_padded(stdout, _("Offset"), 16);
	print_padded(stdout, _("Length"), 16);
	print_padded(stdout, _("Kind"), 12);
	print_padded(stdout, _("Mapped to"), 16);
	puts(_("File"));
}

static const char *kind_of(const struct img_extent *ex)
{
	static const char *const names[] = {
		[IMG_EXTENT_DATA] = N_("data"), [IMG_EXTENT_ZERO] = N_("zero"),
		[IMG_EXTENT_HOLE] = N_("hole"), [IMG_EXTENT_ENCODED] = N_("compressed"),
		[IMG_EXTENT_LOST] = N_("lost"),
	};

	if (ex->encrypted)
		return _("encrypted");
	return ex->left_out ? _("free") : _(names[ex->kind]);
}

static void extent(const struct img_extent *ex, bool first)
{
	(void)first;
	printf("%-#15" PRIx64 " %-#15" PRIx64 " ", ex->start, ex->len);
	print_padded(stdout, kind_of(ex), 11);
	if (ex->store) {
		printf(" %-#15" PRIx64 " ", ex->host);
		print_plain_text(stdout, img_store_name(ex->store));
	} else if (ex->kind == IMG_EXTENT_LOST) {
		printf(" %s", _(ex->why));
	}
	putchar('\n');
}

static void end(void)
{
}

const struct printer printer_human = { start, extent, end };
