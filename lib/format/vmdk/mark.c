/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What tells others that an image changes: its content identifier, which those that stand on it
 * remember, and the mark of its files that they are open for writing.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "base/bytes.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/vmdk/disk.h"
#include "format/vmdk/new.h"

enum { CID_DIGITS = 8 };

/* ---- The content identifier ------------------------------------------------------------------ */

/* Bytes of the line in front of the value, when its key is CID; 0: it is not. */
static size_t skip_key(const uint8_t *line, size_t len)
{
	const char *const key = "cid";
	size_t i = 0, k = 0;

	while (i < len && (line[i] == ' ' || line[i] == '\t'))
		i++;
	while (i < len && key[k] && tolower(line[i]) == key[k]) {
		i++;
		k++;
	}
	while (i < len && (line[i] == ' ' || line[i] == '\t'))
		i++;
	if (key[k] || i == len || line[i] != '=')
		return 0;
	while (++i < len && (line[i] == ' ' || line[i] == '\t' || line[i] == '"'))
		;
	return i;
}

void vmdk_cid_find(const uint8_t *text, size_t len, size_t *at, size_t *n)
{
	const uint8_t *nul = memchr(text, 0, len);
	const size_t end = nul ? (size_t)(nul - text) : len;

	*n = 0;
	for (size_t line = 0; line < end && !*n;) {
		const uint8_t *next = memchr(text + line, '\n', end - line);
		const size_t line_end = next ? (size_t)(next - text) : end;

		*at = line + skip_key(text + line, line_end - line);
		while (*at > line && *at + *n < line_end && isxdigit(text[*at + *n]))
			(*n)++;
		line = line_end + 1;
	}
}

/* Another one than before, in as many digits as there is room for. */
static bool write_cid(struct vmdk *v, struct img_store *own, uint64_t at, size_t n,
		      struct img_err *err)
{
	const uint32_t mask = n < CID_DIGITS ? (UINT32_C(1) << 4 * n) - 1 : UINT32_MAX;
	char text[CID_DIGITS + 1];
	uint32_t cid;

	do {
		if (!vmdk_random_cid(&cid, err))
			return false;
		cid &= mask;
	} while (cid == v->desc.cid);
	(void)snprintf(text, sizeof(text), "%0*" PRIx32, (int)n, cid);
	if (!img_store_write(own, at, text, n, err))
		return false;
	v->desc.cid = cid;
	v->disk->touched_own = true;
	return true;
}

/* An image without one has nothing to tell. */
static bool change_cid(struct vmdk *v, struct img_store *own, struct img_err *err)
{
	IMG_AUTO_FREE uint8_t *text = img_alloc_aligned(v->desc_len, err);
	size_t got, at, n;

	if (!text || !img_store_read_some(own, v->desc_at, text, v->desc_len, &got, err))
		return false;
	vmdk_cid_find(text, got, &at, &n);
	return !n || write_cid(v, own, v->desc_at + at, img_min_u64(n, CID_DIGITS), err);
}

/* ---- The mark -------------------------------------------------------------------------------- */

static bool set_unclean(struct vmdk *v, bool unclean, struct img_err *err)
{
	const uint8_t value = unclean;

	for (size_t i = 0; i < v->n_parts; i++) {
		const struct vmdk_part *part = &v->parts[i];

		if (part->type != VMDK_EXTENT_SPARSE)
			continue;
		if (!img_store_write(part->file, VMDK_HDR_UNCLEAN, &value, sizeof(value), err))
			return false;
		vmdk_disk_touch(v, part);
	}
	return true;
}

bool vmdk_disk_mark(struct vmdk *v, struct img_store *own, struct img_err *err)
{
	if (atomic_load(&v->disk->marked))
		return true;
	IMG_AUTO_UNLOCK pthread_mutex_t *held = img_lock(&v->disk->marking);
	if (atomic_load(&v->disk->marked))
		return true;
	if (!set_unclean(v, true, err) || !change_cid(v, own, err))
		return false;
	atomic_store(&v->disk->marked, true);
	return true;
}

void vmdk_disk_mark_same(struct vmdk *v)
{
	atomic_store(&v->disk->marked, true);
}

bool vmdk_disk_unmark(struct vmdk *v, struct img_err *err)
{
	if (!atomic_load(&v->disk->marked))
		return true;
	if (!set_unclean(v, false, err))
		return false;
	atomic_store(&v->disk->marked, false);
	return true;
}
