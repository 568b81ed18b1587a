/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that are extents of an image, known by the names that all who make them give them. */
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "base/num.h"
#include "extent/extent.h"
#include "format/vmdk/vmdk.h"

enum { DIGITS = 3 };			/* at least: "disk-s001.vmdk" */

static const char extension[] = ".vmdk";

/* The end of the name without its extension; NULL: it has another one. */
static const char *end_of(const char *name)
{
	const size_t len = strlen(name), n = sizeof(extension) - 1;

	return len > n && !strcasecmp(name + len - n, extension) ? name + len - n : NULL;
}

/* "-", the letter and a number stand in front of the extension. */
static bool is_numbered(const char *name, char letter)
{
	const char *end = end_of(name), *at = end;

	while (at && at > name && isdigit((unsigned char)at[-1]))
		at--;
	return at && end - at >= DIGITS && at - name > 2 && at[-1] == letter && at[-2] == '-';
}

bool vmdk_is_plain_part(const char *name)
{
	static const char flat[] = "-flat";
	const char *end = end_of(name);
	const size_t n = sizeof(flat) - 1;

	return is_numbered(name, 'f') ||
	       (end && (size_t)(end - name) > n && !strncmp(end - n, flat, n));
}

bool vmdk_is_bare(struct img_store *file, const struct vmdk_header *hdr, bool *bare,
		  struct img_err *err)
{
	const size_t len = img_min_u64(hdr->desc_len, VMDK_DESCRIPTOR_MAX);
	size_t got;

	*bare = hdr->capacity && is_numbered(file->name, 's');
	if (!*bare || !len)
		return true;
	IMG_AUTO_FREE uint8_t *text = img_alloc_aligned(len, err);

	if (!text || !img_store_read_some(file, hdr->desc_at, text, len, &got, err))
		return false;
	*bare = img_is_zero(text, got);
	return true;
}
