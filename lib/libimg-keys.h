/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libimg: the key slots of LUKS, in front of encrypted data or inside an image.  A part of libimg.h. */
#ifndef LIBIMG_KEYS_H
#define LIBIMG_KEYS_H

#include "libimg.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/*
 * The header of an encrypted image, or one that is a file of its own.  Whoever has a key may let
 * others in: each slot holds the key of the volume, which never changes, for one passphrase.  What is
 * changed is durable on return, and after a crash as it was or as it was to be.
 */
struct img_key_header;

/* Any slot. */
#define IMG_KEY_ANY_SLOT UINT32_MAX

/* How much work a passphrase is to be.  0 and NULL: the default. */
struct img_key_work {
	const char *pbkdf;		/* "argon2id"; "pbkdf2", the only one of LUKS1 */
	const char *hash;		/* of pbkdf2: "sha256" */
	unsigned iter_ms;		/* to open a slot may take so long: 2000 */
	uint32_t iterations;		/* so much work instead; 0: what takes iter_ms here */
	uint32_t memory_kib, threads;	/* of Argon2, at most */
};

/*
 * Only path, format, flags, cache and gate of how are looked at; without IMG_OPEN_WRITE nothing can be
 * changed.  Errors: those of opening a file, IMG_E_NOT_THIS_FORMAT, IMG_E_CORRUPT, IMG_E_INCOMPLETE:
 * of the header; IMG_E_UNSUPPORTED: it has no key slots, or is of a version that is not known.
 */
struct img_key_header *img_key_header_open(const struct img_open *how, struct img_err *err);
void img_key_header_close(struct img_key_header *kh);	/* accepts NULL */
/* What it says without a key, as children of report. */
bool img_key_header_report(const struct img_key_header *kh, struct img_node *report,
			   struct img_err *err) IMG_MUST_CHECK;
/* How many slots are in use. */
unsigned img_key_count(const struct img_key_header *kh);
bool img_key_slot_used(const struct img_key_header *kh, uint32_t slot);

/*
 * Whether any key opens slot *slot, or any slot, which *slot then says.  IMG_E_KEY: none does;
 * otherwise why that cannot be found out.
 */
bool img_key_test(struct img_key_header *kh, const struct img_keys *keys, uint32_t *slot,
		  struct img_err *err) IMG_MUST_CHECK;
/*
 * Lets a new passphrase in, which goes into slot *slot or the first that is free; some key of keys must
 * open a slot.  Errors: IMG_E_KEY; IMG_E_NOSPACE: there is no free slot; IMG_E_ARGUMENT: that one is in
 * use.
 */
bool img_key_add(struct img_key_header *kh, const struct img_keys *keys,
		 const struct img_secret *fresh, const struct img_key_work *work, uint32_t *slot,
		 struct img_err *err) IMG_MUST_CHECK;
/*
 * Destroys what is in slot, which then opens for nobody.  IMG_E_ARGUMENT: it is not in use.  The last one
 * makes the data unreadable for ever: who asks for that checks img_key_count() first.
 */
bool img_key_remove(struct img_key_header *kh, uint32_t slot, struct img_err *err) IMG_MUST_CHECK;
/* Adds fresh, and removes the slot that a key of keys opened, which is *slot or any; says the new one. */
bool img_key_change(struct img_key_header *kh, const struct img_keys *keys,
		    const struct img_secret *fresh, const struct img_key_work *work, uint32_t *slot,
		    struct img_err *err) IMG_MUST_CHECK;
/* Destroys all slots: only a backup of the header can bring the data back. */
bool img_key_erase(struct img_key_header *kh, struct img_err *err) IMG_MUST_CHECK;

/* Header and key slots go to a new file at path, which cryptsetup takes as a backup, too. */
bool img_key_header_backup(const struct img_key_header *kh, const char *path, struct img_err *err)
	IMG_MUST_CHECK;
/*
 * Brings the header back from the file at path, even where nothing is left of the one in the image; how as
 * above, with IMG_OPEN_WRITE.  Without force only where a header of the same volume is there.
 * IMG_E_MISMATCH: it is of another one; IMG_E_ARGUMENT: it does not fit.
 */
bool img_key_header_restore(const struct img_open *how, const char *path, bool force,
			    struct img_err *err) IMG_MUST_CHECK;

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
