/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* New files that are compressed as a whole. */
#ifndef IMG_STORE_PACK_H
#define IMG_STORE_PACK_H

#include "store/store.h"

/*
 * A stream that is written: what goes into it comes out in `to` compressed by filter ("gzip", "xz",
 * "zstd" or "lz4"), and is whole once it was published.  The bytes depend on what is written alone, not
 * on the number of cores.  Owns `to` from then on; on failure it stays the caller's.  One thread.
 * Errors: IMG_E_ARGUMENT: there is no such filter; IMG_E_UNSUPPORTED: libarchive cannot do it.
 */
struct img_store *img_store_packed(struct img_store *to, const char *filter, struct img_err *err);

#endif
