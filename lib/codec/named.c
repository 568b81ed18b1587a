/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The codecs by name. */
#include <string.h>

#include "codec/codec.h"

static const struct img_codec *const codecs[] = {
	&img_codec_deflate,
	&img_codec_deflate12,
	&img_codec_zlib,
#ifdef HAVE_ZSTD
	&img_codec_zstd,
#endif
#ifdef HAVE_LZ4
	&img_codec_lz4,
#endif
#ifdef HAVE_LZMA
	&img_codec_xz,
#endif
#ifdef HAVE_LZO
	&img_codec_lzo,
#endif
};

const struct img_codec *img_codec_named(const char *name)
{
	for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
		if (!strcmp(codecs[i]->name, name))
			return codecs[i];
	}
	return NULL;
}
