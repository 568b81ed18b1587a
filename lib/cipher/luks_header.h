/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A LUKS header in memory, of either version: what those who open, make and change headers need of
 * it.  One thread.
 */
#ifndef IMG_CIPHER_LUKS_HEADER_H
#define IMG_CIPHER_LUKS_HEADER_H

#include "cipher/keyslot.h"
#include "cipher/luks.h"

enum { IMG_LUKS_SECTOR = 512 };

/* Head of a header of either version. */
struct img_luks {
	const struct img_luks_ops *ops;
	struct img_store *st;		/* borrowed */
	uint64_t at, len;		/* of the header in st; len: what it may take at most */
};

/* Where the data are, and how they are enciphered; borrowed from the header. */
struct img_luks_data {
	const char *cipher, *mode;
	uint32_t sector, key_len;	/* bytes */
	uint64_t iv_first;
	uint64_t at, len;		/* as in struct img_luks_volume */
};

struct img_luks_ops {
	unsigned version;
	unsigned n_slots;		/* 0 to n_slots - 1 can be used */
	void (*close)(struct img_luks *lk);
	/* Whether slot i is in use, be it sound or not. */
	bool (*used)(const struct img_luks *lk, unsigned i);
	/* Slot i, which is in use; IMG_E_CORRUPT or IMG_E_UNSUPPORTED: why it opens nothing. */
	bool (*slot)(const struct img_luks *lk, unsigned i, struct img_keyslot *out,
		     struct img_err *err);
	/* The digest of the key in slot i, which is sound. */
	bool (*digest)(const struct img_luks *lk, unsigned i, struct img_key_digest *out,
		       struct img_err *err);
	bool (*data)(const struct img_luks *lk, struct img_luks_data *out, struct img_err *err);
	bool (*report)(const struct img_luks *lk, struct img_node *report, struct img_err *err);
	/* Bytes that header and key slots take, from the start of the header. */
	uint64_t (*extent)(const struct img_luks *lk);
	const char *(*uuid)(const struct img_luks *lk);		/* empty: none */

	/*
	 * Changes in memory.  place: slot i, which was free, is in use, with room for the material of
	 * a key of the volume and with a salt of its own; only what kdf says of the work is looked at.
	 * IMG_E_NOSPACE: there is no room.
	 */
	bool (*place)(struct img_luks *lk, unsigned i, const struct img_kdf *kdf,
		      struct img_err *err);
	bool (*drop)(struct img_luks *lk, unsigned i, struct img_err *err);
	/* Writes the header so that after a crash it is the old or the new one; durable. */
	bool (*write)(struct img_luks *lk, struct img_err *err);
};

/* As img_luks_unlock() has st, at and len.  Close with img_luks_close(). */
struct img_luks *img_luks_open(struct img_store *st, uint64_t at, uint64_t len, struct img_err *err);
struct img_luks *img_luks1_open(struct img_store *st, uint64_t at, uint64_t len, struct img_err *err);
struct img_luks *img_luks2_open(struct img_store *st, uint64_t at, uint64_t len, struct img_err *err);
void img_luks_close(struct img_luks *lk);	/* accepts NULL */

/* A copy of the header of version 2 as it was found. */
struct img_luks2_copy {
	uint64_t at;			/* bytes from the start of the header; 0 of the second: unknown */
	uint64_t seqid;			/* of one that is sound */
	struct img_err why;		/* its code is 0: it is sound */
};
/* Both of them.  lk is of version 2. */
const struct img_luks2_copy *img_luks2_copies(const struct img_luks *lk);

/*
 * A new header in memory for a volume with this key, without a slot.  what: nothing is left to
 * defaults.
 */
struct img_luks *img_luks1_new(struct img_store *st, uint64_t at, const struct img_luks_new *what,
			       const struct img_secret *key, struct img_err *err);
struct img_luks *img_luks2_new(struct img_store *st, uint64_t at, const struct img_luks_new *what,
			       const struct img_secret *key, struct img_err *err);
/* Bytes of header and key slots that a new one takes. */
uint64_t img_luks1_header_len(uint32_t key_len);
uint64_t img_luks2_header_len(const struct img_luks_new *what);

/* Any slot. */
#define IMG_LUKS_ANY UINT32_MAX
/*
 * The key of the volume out of the slot that passphrase opens: slot `*slot`, or any, which *slot then
 * says.  Owned by the caller.  IMG_E_KEY: none opens; otherwise as img_luks_unlock().
 */
struct img_secret *img_luks_try(struct img_luks *lk, const struct img_secret *passphrase,
				uint32_t *slot, struct img_err *err);
/* The same with the first of keys that opens it. */
struct img_secret *img_luks_try_all(struct img_luks *lk, const struct img_keys *keys,
				    uint32_t *slot, struct img_err *err);
/* What the key of the volume opens. */
bool img_luks_volume_open(struct img_luks *lk, const struct img_secret *key,
			  struct img_luks_volume *out, struct img_err *err) IMG_MUST_CHECK;

/*
 * Puts the key of the volume into slot `*slot`, which is free, or into the first that is, which *slot
 * then says; durable.  After a crash the slot is there or not.
 */
bool img_luks_add(struct img_luks *lk, const struct img_secret *key,
		  const struct img_secret *passphrase, const struct img_kdf *kdf, uint32_t *slot,
		  struct img_err *err) IMG_MUST_CHECK;
/*
 * Destroys the key in slot i, which is in use; durable.  IMG_E_CORRUPT: that of another slot would be
 * lost with it.
 */
bool img_luks_remove(struct img_luks *lk, uint32_t i, struct img_err *err) IMG_MUST_CHECK;
/* The same whatever else is lost. */
bool img_luks_destroy(struct img_luks *lk, uint32_t i, struct img_err *err) IMG_MUST_CHECK;
/* Destroys the keys in all slots. */
bool img_luks_erase(struct img_luks *lk, struct img_err *err) IMG_MUST_CHECK;
/* Puts header and key slots at the start of a file, to be brought back from there. */
bool img_luks_backup(const struct img_luks *lk, struct img_store *to, struct img_err *err)
	IMG_MUST_CHECK;
/*
 * The way back, to st[at, at + len), len 0: to the end; durable.  Without force only where the header
 * of the same volume is: IMG_E_MISMATCH, or what keeps that from being known.  IMG_E_ARGUMENT: there
 * is no room.
 */
bool img_luks_restore(struct img_store *st, uint64_t at, uint64_t len,
		      const struct img_luks *backup, bool force, struct img_err *err) IMG_MUST_CHECK;
/* Slots that are in use. */
unsigned img_luks_count(const struct img_luks *lk);

/* Fills in what is left to defaults.  IMG_E_ARGUMENT, IMG_E_UNSUPPORTED: what cannot be had. */
bool img_luks_complete(struct img_luks_new *what, struct img_err *err) IMG_MUST_CHECK;
/* Puts text and a NUL into a field that has room for so many bytes.  IMG_E_ARGUMENT: it is too long. */
bool img_luks_put_text(char *field, size_t room, const char *text, struct img_err *err)
	IMG_MUST_CHECK;
/* The work that what asks for, measured where it states no number; what is complete. */
bool img_luks_choose_kdf(const struct img_luks_new *what, struct img_kdf *out, struct img_err *err)
	IMG_MUST_CHECK;
/* The same for the digest of the key. */
bool img_luks_choose_digest(const struct img_luks_new *what, size_t len, struct img_kdf *out,
			    struct img_err *err) IMG_MUST_CHECK;

#endif
