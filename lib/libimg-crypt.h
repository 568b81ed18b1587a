/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libimg: encrypted images, and the keys that open them.  A part of libimg.h. */
#ifndef LIBIMG_CRYPT_H
#define LIBIMG_CRYPT_H

#include "libimg.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* ---- Secrets ------------------------------------------------------------------------------------- */

/*
 * Bytes that stay in memory, are left out of core dumps, and are wiped when they are freed.  Where the
 * system does not let them be locked they may be swapped out.  No function copies, compares or prints
 * them.
 */
struct img_secret;

/* Empty, with room for cap bytes.  IMG_E_NOMEM. */
struct img_secret *img_secret_new(size_t cap, struct img_err *err);
/* All of the room; the first img_secret_len() bytes are the secret. */
uint8_t *img_secret_bytes(struct img_secret *secret);
const uint8_t *img_secret_view(const struct img_secret *secret);
size_t img_secret_len(const struct img_secret *secret);
size_t img_secret_cap(const struct img_secret *secret);
/* len: at most the room.  What it held behind that is wiped. */
void img_secret_set_len(struct img_secret *secret, size_t len);
/* Accepts NULL. */
void img_secret_free(struct img_secret *secret);

/* ---- Keys ---------------------------------------------------------------------------------------- */

/* Passphrases that may be tried: each encrypted layer takes the first that opens it.  Borrowed. */
struct img_keys {
	const struct img_secret *const *v;
	size_t n;
};

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
