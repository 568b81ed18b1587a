/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A LUKS2 header in memory, among the files that make up its driver. */
#ifndef IMG_CIPHER_LUKS2_H
#define IMG_CIPHER_LUKS2_H

#include "base/err.h"
#include "cipher/luks2_json.h"
#include "cipher/luks2_layout.h"
#include "cipher/luks_header.h"

enum {
	LUKS2_SLOTS = 32,
	LUKS2_ALIGN = 4096,		/* of the material of key slots */
	LUKS2_SALT_MAX = 64,		/* bytes of salts and digests */
	LUKS2_NAME_MAX = 64,		/* bytes of "aes-xts-plain64", with a NUL */
};

/* What the JSON says of a key slot. */
struct luks2_slot {
	bool used;
	struct img_err why;		/* its code is 0: the slot is sound */
	struct img_keyslot area;	/* borrows from below, and from the JSON */
	struct img_key_digest digest;
	char encryption[LUKS2_NAME_MAX];
	uint8_t salt[LUKS2_SALT_MAX];
	uint8_t digest_salt[LUKS2_SALT_MAX], digest_bytes[LUKS2_SALT_MAX];
};

struct luks2 {
	struct img_luks base;
	struct img_luks2_copy copies[2];
	unsigned from;			/* the copy that it was read from */
	struct img_luks2_hdr hdr;
	struct json_object *root;	/* owned */
	struct json_object *keyslots, *digests, *segments, *config;	/* parts of it */
	uint64_t area_at, area_end;	/* of key material; bytes from the start of the header */
	uint32_t key_len;		/* of the key of the data, in bytes; 0: not known */
	char data_encryption[LUKS2_NAME_MAX];
	struct luks2_slot slots[LUKS2_SLOTS];
};

/* "aes-xts-plain64" in room becomes "aes" and "xts-plain64".  IMG_E_UNSUPPORTED. */
bool luks2_split_name(const char *encryption, char room[LUKS2_NAME_MAX], const char **cipher,
		      const char **mode, struct img_err *err) IMG_MUST_CHECK;
/* The parts of the tree, and all slots, from its root.  IMG_E_CORRUPT. */
bool luks2_take_parts(struct luks2 *lk, struct img_err *err) IMG_MUST_CHECK;
void luks2_take_slots(struct luks2 *lk);
/* The segment with the data, and its number.  IMG_E_UNSUPPORTED, IMG_E_CORRUPT. */
bool luks2_find_segment(const struct luks2 *lk, const char **number, struct json_object **out,
			struct img_err *err) IMG_MUST_CHECK;

/* For the table of the driver; see luks_header.h. */
bool luks2_data(const struct img_luks *lk, struct img_luks_data *out, struct img_err *err);
bool luks2_report(const struct img_luks *lk, struct img_node *report, struct img_err *err);
bool luks2_place(struct img_luks *lk, unsigned i, const struct img_kdf *kdf, struct img_err *err);
bool luks2_drop(struct img_luks *lk, unsigned i, struct img_err *err);

/* One without a tree yet; img_luks_close() frees it. */
struct luks2 *luks2_alloc(struct img_store *st, uint64_t at, uint64_t len, struct img_err *err);

#endif
