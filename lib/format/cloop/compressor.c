/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The compressors by their numbers in the index. */
#include <string.h>
#include "format/cloop/cloop.h"

static const char *const names[CLOOP_COMPRESSORS] = {
	[CLOOP_ZLIB] = "zlib", [CLOOP_NONE] = "none", [CLOOP_XZ] = "xz", [CLOOP_LZ4] = "lz4",
	[CLOOP_LZO] = "lzo",
};

const char *cloop_compressor_name(enum cloop_compressor id)
{
	return names[id];
}

enum cloop_compressor cloop_compressor_named(const char *name)
{
	unsigned id = CLOOP_ZLIB;

	while (id < CLOOP_COMPRESSORS - 1 && strcmp(names[id], name) != 0)
		id++;
	return (enum cloop_compressor)id;
}

bool cloop_codec(enum cloop_compressor id, const struct img_codec **codec, struct img_err *err)
{
	*codec = NULL;
	if (id == CLOOP_NONE)
		return true;
	*codec = img_codec_named(names[id]);
	return *codec || img_fail(err, IMG_E_UNSUPPORTED,
				  _("this build has no compression \"%s\""), names[id]);
}
