/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that is packed: what it holds, unit by unit in the order of the file, goes down to what lies in
 * front of it, and is compressed on the way.  The driver says what lies where (packing_units.c keeps the
 * list), packing.c compresses and moves it, and the driver makes its tables say so.
 *
 * As nothing gets longer nothing is written over that was not read; and what has been seen to is never
 * seen again.
 */
#ifndef IMG_FORMAT_PACKING_H
#define IMG_FORMAT_PACKING_H

#include "codec/codec.h"
#include "format/compact.h"

enum img_pack_kind {
	IMG_PACK_FIXED,			/* it stays where it is */
	IMG_PACK_AS_IT_IS,		/* moved with the bytes that it has */
	IMG_PACK_PLAIN,			/* a cluster that may be compressed */
	IMG_PACK_PACKED,		/* a compressed cluster */
};

/* What moves in one piece. */
struct img_pack_unit {
	uint64_t host, now;		/* where it lies, and where it will */
	uint32_t len, now_len;
	uint32_t align;			/* of its place, when it was not compressed; a power of two */
	enum img_pack_kind kind;
	bool recoded;			/* its bytes are now_len new ones, compressed */
};

struct img_pack_units {
	struct img_pack_unit *v;	/* rising by host, once they are united; owned */
	size_t n, cap;
};

/* ---- packing_units.c ------------------------------------------------------------------------------- */

bool img_pack_units_add(struct img_pack_units *units, struct img_pack_unit one, struct img_err *err)
	IMG_MUST_CHECK;
/* The same of what may be seen any number of times, and takes the room of one. */
bool img_pack_units_see(struct img_pack_units *units, struct img_pack_unit one, struct img_err *err)
	IMG_MUST_CHECK;
/* In the order of the file; of those that begin at the same place the longest stays. */
void img_pack_units_unite(struct img_pack_units *units);
/* The unit with that byte of the file, of united ones; NULL: there is none. */
const struct img_pack_unit *img_pack_units_find(const struct img_pack_units *units, uint64_t host);
/* Whether any of them has another place or other bytes. */
bool img_pack_units_changed(const struct img_pack_units *units);
void img_pack_units_clear(struct img_pack_units *units);

/* ---- packing.c ------------------------------------------------------------------------------------- */

struct img_packing {
	struct img_store *file;
	struct img_pack_units *units;	/* united */
	const struct img_codec *codec;
	int level;
	size_t size;			/* of a cluster */
	uint64_t at;			/* the next unit goes here, or behind it; then behind the last */
	uint64_t reach;			/* compressed bytes must end before it */
	/* The first place from `at` on for len bytes; NULL: any that is aligned will do. */
	uint64_t (*room)(void *ctx, uint64_t at, uint64_t len, uint32_t align);
	void *ctx;
	bool recode;			/* compress anew also what is compressed */
	unsigned threads;		/* 0: one for each core */
	const struct img_job *job;	/* or NULL */
};

/*
 * Gives all units their places, and writes them there.  Memory: 32 MiB, and what the threads' codecs
 * take.  IMG_E_CANCELLED, IMG_E_CORRUPT: cannot be decoded, IMG_E_IO, IMG_E_NOMEM.
 */
bool img_pack(struct img_packing *p, struct img_err *err) IMG_MUST_CHECK;
/* What became of them, in guest bytes: of whole clusters that could be compressed. */
void img_pack_count(const struct img_packing *p, struct img_layer_packed *out);

#endif
