/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of a patch as they go out. */
#include "copy/patch_stream.h"

#include <string.h>

bool patch_sink_flush(struct patch_sink *sink, struct img_err *err)
{
	const size_t n = sink->n;

	sink->n = 0;
	sink->at += n;
	return !n || img_store_write(sink->store, sink->at - n, sink->gathered, n, err);
}

bool patch_sink_put(struct patch_sink *sink, const uint8_t *bytes, size_t len, struct img_err *err)
{
	if (len > PATCH_GATHERED - sink->n && !patch_sink_flush(sink, err))
		return false;
	if (len <= PATCH_GATHERED) {
		memcpy(sink->gathered + sink->n, bytes, len);
		sink->n += len;
		return true;
	}
	sink->at += len;
	return img_store_write(sink->store, sink->at - len, bytes, len, err);
}
