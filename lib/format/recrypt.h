/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The encryption of an image changes in place: what is asked of a driver whose files hold more than the
 * bytes of a disk, and so have a header of their own to say what they are.
 *
 * The order is look, unpack if that is needed, mark, visit, publish.  From mark to publish nobody opens the
 * file as an image, and its tables stay as they are.  What unpack, mark and publish write gets into the file
 * at once, later, so that it needs no order and no sync; only close may follow.
 */
#ifndef IMG_FORMAT_RECRYPT_H
#define IMG_FORMAT_RECRYPT_H

#include "format/format.h"
#include "format/opener.h"
#include "store/recrypt.h"

/* What an image is now. */
struct img_recrypt_seen {
	bool encrypted;
	bool legacy;			/* as images were before LUKS; IVs count from the start of the disk */
	uint64_t key_at, key_len;	/* bytes of the file with its LUKS header; 0: none */
	uint64_t guest;			/* bytes of the disk */
	uint32_t unit;			/* bytes of the file that lie in one piece, a power of two */
};

/* What stands in the file while it is half done. */
struct img_recrypt_mark {
	uint8_t id[RECRYPT_ID_BYTES];
	uint64_t key_at, key_len;	/* the LUKS header that it is going to have; 0: none */
};

struct img_recrypt_visit {
	uint64_t from, to;		/* bytes of the file */
	bool unread;			/* also places of which nobody reads what they hold */
	/*
	 * Whole units that follow each other in the file and on the disk, clipped to [from, to); in any
	 * order, the same one more than once.
	 */
	bool (*found)(void *ctx, uint64_t host, uint64_t guest, uint64_t len, struct img_err *err);
	void *ctx;
	uint64_t packed;		/* set: entries for compressed units, which are never enciphered */
};

struct img_recrypt_unpack {
	uint64_t from;			/* bytes of the file that are done; moves on */
	uint64_t most;			/* bytes that are looked at, and that become plain ones */
	unsigned threads;		/* 0: one for each core */
	const struct img_opener *opener;
};

struct img_recrypt_ops {
	/*
	 * Of a file that is not open.  IMG_E_UNSUPPORTED: this image's cannot change in place;
	 * IMG_E_CORRUPT: it is damaged, so that something might be overwritten.
	 */
	bool (*look)(struct img_store *st, struct img_recrypt_seen *out, struct img_err *err);
	/* Where the bytes of the disk lie, and those of its snapshots.  IMG_E_CORRUPT. */
	bool (*visit)(struct img_layer *ly, struct img_recrypt_visit *visit, struct img_err *err);
	/*
	 * Makes plain units of some that are compressed, of a layer that is open for writing and was not
	 * marked.  It may do no more than go on to where there are any.  IMG_E_CORRUPT.
	 */
	bool (*unpack)(struct img_layer *ly, struct img_recrypt_unpack *how, struct img_err *err);
	/*
	 * Puts mark, and a copy of all that key, if it is not NULL, holds, into a layer that is open for
	 * writing; sets mark->key_at.
	 */
	bool (*mark)(struct img_layer *ly, struct img_recrypt_mark *mark, struct img_store *key,
		     struct img_err *err);
	/* Makes a file that is marked the image again that it was.  IMG_E_CORRUPT: it is not marked. */
	bool (*unmark)(struct img_store *st, struct img_recrypt_mark *out, struct img_err *err);
	/* The layer, which was marked and is no more, has the encryption that mark says. */
	bool (*publish)(struct img_layer *ly, const struct img_recrypt_mark *mark, struct img_err *err);
};

#endif
