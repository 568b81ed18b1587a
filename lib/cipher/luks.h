/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * LUKS of either version: header and key slots over a store, alone in a file, in front of the data,
 * or inside an image.  Offsets that a header states count from its own start; the data may as well
 * lie in another file, at the same offset.
 */
#ifndef IMG_CIPHER_LUKS_H
#define IMG_CIPHER_LUKS_H

#include "libimg.h"

struct img_cipher;
struct img_keys;
struct img_secret;
struct img_store;

/* What a key opens. */
struct img_luks_volume {
	struct img_cipher *cipher;	/* owned; IVs count from the start of the payload */
	uint64_t payload_at;		/* bytes from the start of the header, or of the file of data */
	uint64_t payload_len;		/* 0: to the end */
	uint32_t sector;		/* bytes */
	unsigned version;		/* 1 or 2 */
};

/*
 * The first key of keys that opens a slot of the header at st[at, at + len); len 0: to the end of
 * st.  Opening costs for each key the iterations that the slots state.  Errors: IMG_E_KEY (no key
 * opens it, or none was given), IMG_E_NOT_THIS_FORMAT, IMG_E_UNSUPPORTED, IMG_E_CORRUPT,
 * IMG_E_INCOMPLETE, IMG_E_IO, IMG_E_NOMEM.
 */
bool img_luks_unlock(struct img_store *st, uint64_t at, uint64_t len, const struct img_keys *keys,
		     struct img_luks_volume *out, struct img_err *err) IMG_MUST_CHECK;
/* The same without a key: out->cipher is NULL.  Errors as those, but for IMG_E_KEY. */
bool img_luks_look(struct img_store *st, uint64_t at, uint64_t len, struct img_luks_volume *out,
		   struct img_err *err) IMG_MUST_CHECK;
/* Wipes the key; *v may be all zero. */
void img_luks_volume_close(struct img_luks_volume *v);

/* What the digest of a key may take is a part of that, and not nothing. */
enum { LUKS_ITER_MS_LEAST = 16 };

/* A header to be made.  0 and NULL: the default. */
struct img_luks_new {
	unsigned version;		/* 1 or 2 */
	const char *cipher, *mode;	/* "aes", "xts-plain64" */
	const char *hash;		/* "sha256" */
	const char *pbkdf;		/* "pbkdf2" for version 1, else "argon2id" */
	uint32_t key_len;		/* bytes */
	uint32_t sector;		/* bytes; version 1: 512 */
	unsigned iter_ms;		/* 2000 */
	uint32_t iterations;		/* 0: as many as take iter_ms */
	uint32_t memory_kib, parallel;	/* at most, of Argon2 */
	const char *uuid, *label;	/* NULL: a new one; none */
	uint64_t payload_at;		/* bytes; 0: behind the header */
	bool detached;			/* the data are in another file, from payload_at on, even from 0 */
	const struct img_secret *key;	/* the passphrase of the first slot */
};

/*
 * Bytes from the start of a header to where its data may start, key slots included; nothing is
 * measured.  For placing it in an image.
 */
uint64_t img_luks_header_len(const struct img_luks_new *what);
/*
 * Writes header and key slots of a new volume with a random key to st, in which st[at, at +
 * *header_len) must be there or able to come; durable.  *header_len: where its last byte ends.
 * Errors: IMG_E_ARGUMENT, IMG_E_UNSUPPORTED, those of writing.
 */
bool img_luks_format(struct img_store *st, uint64_t at, const struct img_luks_new *what,
		     struct img_luks_volume *out, uint64_t *header_len, struct img_err *err)
	IMG_MUST_CHECK;

/* What can be said of a header without a key, as children of report: for imginfo and imgcrypt. */
bool img_luks_report(struct img_store *st, uint64_t at, struct img_node *report,
		     struct img_err *err) IMG_MUST_CHECK;

#endif
