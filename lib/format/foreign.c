/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Formats without a driver, told by what their files begin or end with, so that nobody takes such a
 * file for the disk that it holds.  VHD and DMG have a footer of 512 bytes.
 */
#include <string.h>
#include "format/format.h"

enum { FOOTER_LEN = 512 };

static const struct {
	const char *name;
	const char *magic;
	bool in_footer;
} kinds[] = {
	{ "VHDX", "vhdxfile", false }, { "VHD", "conectix", false }, { "VHD", "conectix", true },
	{ "Parallels", "WithoutFreeSpace", false }, { "Parallels", "WithouFreSpacExt", false },
	{ "QED", "QED", false }, { "DMG", "koly", true },
	{ "Bochs", "Bochs Virtual HD Image", false },
	{ "RBD export", "rbd image v2\n", false }, { "RBD difference", "rbd diff v1\n", false },
	{ "RBD difference", "rbd diff v2\n", false },
};

static bool is_kind(const struct img_peek *peek, size_t i)
{
	const uint8_t *at = kinds[i].in_footer ? peek->tail + peek->tail_len - FOOTER_LEN : peek->head;

	return !memcmp(at, kinds[i].magic, strlen(kinds[i].magic));
}

const char *img_foreign_format(const struct img_peek *peek)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const size_t len = kinds[i].in_footer ? peek->tail_len : peek->head_len;
		const size_t n = kinds[i].in_footer ? FOOTER_LEN : strlen(kinds[i].magic);

		if (len >= n && is_kind(peek, i))
			return kinds[i].name;
	}
	return NULL;
}
