/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What must be known of a 7z before libarchive reads it. */
#ifndef IMG_STORE_ARCHIVE_7ZIP_H
#define IMG_STORE_ARCHIVE_7ZIP_H

#include "store/store.h"

/* Bytes of a list of members; libarchive takes 16 times that of memory for it. */
enum { IMG_7ZIP_LIST_MOST = 4 << 20 };

/*
 * Looks for the list of members of st, if that is a 7z; st needs IMG_STORE_SEEK.  IMG_E_INCOMPLETE: st ends
 * before it; IMG_E_RANGE: it is longer than IMG_7ZIP_LIST_MOST, or gets so when it is unpacked;
 * IMG_E_CORRUPT: how it is packed cannot be understood.
 */
bool img_7zip_check_list(struct img_store *st, struct img_err *err) IMG_MUST_CHECK;

#endif
