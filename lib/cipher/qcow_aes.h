/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The encryption that qcow and qcow2 images had before LUKS: AES-128-CBC, whose key is the passphrase
 * as it is.  Too weak for anything new.  IVs count from the start of the disk.
 */
#ifndef IMG_CIPHER_QCOW_AES_H
#define IMG_CIPHER_QCOW_AES_H

#include "base/err.h"
#include "cipher/cipher.h"

/* What a driver tells of an image that has it. */
#define IMG_QCOW_AES_ODDITY \
	N_("it is encrypted as images were before LUKS, which is weak and keeps no secret for long")

/*
 * The first 16 bytes of the passphrase, zeros behind a shorter one.  No header tells whether it is the
 * right one.  Errors: those of img_cipher_open().
 */
struct img_cipher *img_qcow_aes_open(const struct img_secret *passphrase, struct img_err *err);

/* The first of the keys, which may be NULL: IMG_E_KEY when there is none. */
struct img_cipher *img_qcow_aes_unlock(const struct img_keys *keys, struct img_err *err);

#endif
