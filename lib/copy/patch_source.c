/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of a patch as they come: a window on them that holds the longest record. */
#include "copy/patch_stream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/err.h"
#include "base/mem.h"

/* Room for the longest record, and for some more that come with one read. */
enum { BUF = 2 * PATCH_MOST };

bool patch_source_init(struct patch_source *src, struct img_store *store, struct img_err *err)
{
	*src = (struct patch_source){ .store = store, .buf = img_alloc_aligned(BUF, err) };
	return src->buf;
}

void patch_source_clear(struct patch_source *src)
{
	free(src->buf);
	src->buf = NULL;
}

bool patch_source_need(struct patch_source *src, size_t len, bool *got, struct img_err *err)
{
	size_t more;

	*got = true;
	if (src->to - src->from >= len)
		return true;
	memmove(src->buf, src->buf + src->from, src->to - src->from);
	src->to -= src->from;
	src->from = 0;
	if (!img_store_read_some(src->store, src->at, src->buf + src->to, BUF - src->to, &more, err))
		return false;
	src->to += more;
	src->at += more;
	*got = src->to >= len;
	return true;
}

bool patch_source_need_all(struct patch_source *src, size_t len, struct img_err *err)
{
	bool got;

	return patch_source_need(src, len, &got, err) &&
	       (got || img_fail(err, IMG_E_INCOMPLETE, _("the patch is cut off")));
}

bool patch_source_check_end(struct patch_source *src, struct img_err *err)
{
	bool more;

	return patch_source_need(src, 1, &more, err) &&
	       (!more || img_fail(err, IMG_E_CORRUPT, _("something stands behind the end of the "
							"patch")));
}

bool patch_source_fail_record(const struct patch_source *src, struct img_err *err)
{
	return img_fail(err, IMG_E_CORRUPT, _("the record at byte %" PRIu64 " of the patch is damaged"),
			src->at - (src->to - src->from));
}
