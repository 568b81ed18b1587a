/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a file seems to be an image whose magic number or version was overwritten. */
#include <string.h>
#include "base/num.h"
#include "extent/extent.h"
#include "format/cow/salvage.h"

bool cow_is_name(enum cow_kind kind, const uint8_t *raw)
{
	const struct cow_layout *layout = &cow_layouts[kind];
	const uint8_t *name = raw + layout->name_off;
	const size_t len = strnlen((const char *)name, layout->name_len);

	for (size_t i = 0; i < len; i++)
		if (name[i] < ' ' || name[i] == 0x7f)
			return false;
	return len < layout->name_len && img_is_zero(name + len, layout->name_len - len);
}

/* All but the magic number and the version makes sense. */
static bool is_header(const uint8_t *head, enum cow_kind kind, bool little)
{
	struct cow_header hdr;

	cow_header_fields(kind, little, head, &hdr);
	return hdr.sector == COW_SECTOR && hdr.size && hdr.size <= COW_SIZE_MAX &&
	       hdr.size % COW_SECTOR == 0 && img_is_pow2(hdr.align) &&
	       hdr.align <= COW_ALIGN_MAX && hdr.name[0] && cow_is_name(kind, head);
}

bool cow_remains(const uint8_t *head, size_t len)
{
	for (enum cow_kind kind = COW_UML1; kind <= COW_QEMU_32; kind++)
		if (len >= cow_layouts[kind].len &&
		    (is_header(head, kind, false) ||
		     (kind == COW_UML1 && is_header(head, kind, true))))
			return true;
	return false;
}
