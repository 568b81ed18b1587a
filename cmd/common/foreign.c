/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See foreign.h.  VHD and DMG have a footer of 512 bytes. */
#include "common/foreign.h"

#include <stdbool.h>
#include <string.h>

static const struct {
	const char *name;
	const char *magic;
	bool in_footer;
} kinds[] = {
	{ "VHDX", "vhdxfile", false }, { "VHD", "conectix", false }, { "VHD", "conectix", true },
	{ "Parallels", "WithoutFreeSpace", false }, { "Parallels", "WithouFreSpacExt", false },
	{ "QED", "QED", false }, { "DMG", "koly", true },
	{ "Bochs", "Bochs Virtual HD Image", false },
};

const char *foreign_format(const uint8_t *head, const uint8_t *footer, size_t len)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const uint8_t *at = kinds[i].in_footer ? footer : head;
		const size_t n = strlen(kinds[i].magic);

		if (n <= len && !memcmp(at, kinds[i].magic, n))
			return kinds[i].name;
	}
	return NULL;
}
