/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What would be cut off: how much is stored there, and whether any of it is more than zeros. */
#include <stdlib.h>
#include <string.h>
#include "common/memory.h"
#include "common/text.h"
#include "imgresize/imgresize.h"

enum { WINDOW = 1 << 20 };

static bool is_stored(const struct img_extent *extent)
{
	return extent->kind != IMG_EXTENT_HOLE && extent->kind != IMG_EXTENT_ZERO;
}

static bool all_zeros(const uint8_t *bytes, size_t len)
{
	return !len || (!bytes[0] && !memcmp(bytes, bytes + 1, len - 1));
}

/* What cannot be read may have been data. */
static bool read_extent(struct img *im, const struct img_extent *extent, uint8_t *window,
			const struct img_job *job, bool *data, struct img_err *err)
{
	*data = extent->kind == IMG_EXTENT_LOST;
	for (uint64_t done = 0; done < extent->len && !*data; ) {
		const uint64_t left = extent->len - done;
		const size_t len = left < WINDOW ? (size_t)left : WINDOW;

		if (job->cancelled && job->cancelled(job->ctx))
			return img_fail(err, IMG_E_CANCELLED, _("interrupted"));
		if (!img_read(im, extent->start + done, window, len, err))
			return false;
		*data = !all_zeros(window, len);
		done += len;
	}
	return true;
}

bool tail_look(struct img *im, uint64_t from, uint64_t to, const struct img_job *job,
	       struct tail *out, struct img_err *err)
{
	struct tail tail = { .stored = 0 };
	uint8_t *window = malloc(WINDOW);
	bool ok = window || out_of_memory(err);

	for (uint64_t at = from; ok && at < to; ) {
		struct img_extent extent;

		ok = img_extent_of_bytes(im, at, to, &extent, err);
		if (!ok)
			break;
		at += extent.len;
		if (!is_stored(&extent))
			continue;
		tail.stored += extent.len;
		/* One byte is enough to know. */
		if (!tail.holds_data)
			ok = read_extent(im, &extent, window, job, &tail.holds_data, err);
	}
	free(window);
	if (ok)
		*out = tail;
	return ok;
}
