/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The copy engine: plan → work → reserve → store → publish.
 *
 * plan cuts the source's extents into chunks.  work reads a chunk, finds zeros and encodes, with
 * no state shared between chunks.  commit hands the result to the target's driver: reserve and
 * publish in the order of the chunks, store in any.  engine moves chunks through these steps with
 * N threads; the target's bytes depend on the order of the chunks alone.
 */
#ifndef IMG_COPY_COPY_H
#define IMG_COPY_COPY_H

#include "image/image.h"

/* ---- Request (request.c) --------------------------------------------------------------------- */

/*
 * Whether what is asked for can be done.  IMG_E_ARGUMENT: the target is no new image, or not made for it;
 * IMG_E_RANGE: it is too small, or the range is not in the source.
 */
bool img_copy_check(const struct img_copy *what, struct img_err *err) IMG_MUST_CHECK;

/* ---- Plan (plan.c): a lazy iterator over the source, one caller ------------------------------ */

struct img_plan {
	struct img *src;
	uint64_t at;		/* guest bytes below this are planned */
	uint64_t end;		/* where it stops; 0: where the source does */
	uint64_t grain;		/* power of two; chunks and zero ranges start on a multiple */
	uint64_t window;	/* most bytes of a chunk that needs a buffer; multiple of grain */
	struct img_extent ahead;	/* the source's last answer; len 0: none yet */
	bool stores_zeros;	/* the target: there are no chunks of zeros */
	bool linear;		/* give long runs that lie as they are in one store, for cloning */
	bool of_bytes;		/* holes of files are zeros, as who reads them will see */
};

enum img_chunk_kind {
	IMG_CHUNK_ZERO,		/* reads as zeros, any length, no buffer */
	IMG_CHUNK_LINEAR,	/* lies in one piece in extents[0].store, any length, no buffer */
	IMG_CHUNK_BYTES,	/* at most a window: to be read */
};

/* Growing arrays of one chunk; kept from one use to the next. */
struct img_extents { struct img_extent *v; size_t n, cap; };

/* A range of guest bytes that starts and ends on a grain (or the disk's end). */
struct img_range { uint64_t at, len; };
struct img_ranges { struct img_range *v; size_t n, cap; };

struct img_chunk {
	uint64_t at, len;
	enum img_chunk_kind kind;
	struct img_extents extents;	/* of [at, at + len) of the source; LINEAR: one */
};

/* The next chunk; len 0: there is no more.  Damage in the source is part of a BYTES chunk. */
bool img_plan_next(struct img_plan *plan, struct img_chunk *chunk, struct img_err *err)
	IMG_MUST_CHECK;
void img_chunk_free(struct img_chunk *chunk);
/* Grains of a BYTES chunk that hold anything but known zeros, in guest order. */
bool img_chunk_ranges(const struct img_chunk *chunk, uint64_t grain, struct img_ranges *out,
		      struct img_err *err) IMG_MUST_CHECK;
/* Adds a copy of ex as it is. */
bool img_extents_add(struct img_extents *list, const struct img_extent *ex, struct img_err *err)
	IMG_MUST_CHECK;
bool img_ranges_add(struct img_ranges *ranges, uint64_t at, uint64_t len, struct img_err *err)
	IMG_MUST_CHECK;

/* What is read goes to the target in pieces that lie in windows of this size, or of a larger unit. */
#define IMG_MIN_WINDOW (1024 * 1024)
/* The same where the target is on another machine, which has work with each request. */
#define IMG_FAR_WINDOW (2 * 1024 * 1024)

/* ---- Work (work.c): one chunk from the source to what the target stores ---------------------- */

/* What all workers share; constant while they run. */
struct img_work {
	struct img *src, *below;	/* below: what the target stands on, or NULL */
	uint32_t unit;			/* of the target */
	uint64_t grain, window;
	bool find_zeros;
	bool stores_zeros;		/* the target: they are data, and not looked for */
	bool salvage;
	const struct img_codec *codec;	/* NULL: store plain */
	struct img_codec_pool *encoder;	/* of codec */
	struct img_framing framing;	/* of what it makes */
	/* Tried, too: those of the target, in the same order; NULL: no more. */
	const struct img_other_codec *others;
	struct img_codec_pool *other_encoders[IMG_CODECS_MAX];
	bool take;			/* units that the source has alike are taken as they are ... */
	bool unpack;			/* ... and decoded all the same */
	bool dedup;			/* slots get keys */
};

/*
 * in_order: the target is written front to back.  For img_work_fini(), also after a failure.  Errors:
 * IMG_E_NOMEM; of opening what the target stands on, and of the codec.
 */
bool img_work_init(struct img_work *work, const struct img_copy *what, bool in_order,
		   struct img_err *err) IMG_MUST_CHECK;
void img_work_fini(struct img_work *work);
/* Whether the target's units are compressed. */
bool img_work_encodes(const struct img_copy *what);

enum { IMG_KEY_BYTES = 16 };
struct img_key { uint8_t sum[IMG_KEY_BYTES]; };

/* A chunk and all that is made of it on its way.  Belongs to one thread at a time. */
struct img_parcel {
	struct img_chunk chunk;
	bool have_bytes;		/* buf holds the chunk already (a stream) */
	uint8_t *buf, *below_buf;	/* window bytes each; below_buf only when needed */
	uint8_t *spare;			/* a unit as another codec makes it; or NULL */
	uint8_t *out;			/* room for all units of a window, encoded; or NULL */
	struct img_ranges ranges;	/* of the chunk that may hold data */
	struct img_packed *packed;	/* units to be taken as they are, in guest order */
	size_t n_packed, cap_packed;
	uint64_t taken;			/* guest bytes of them */
	struct img_ranges zeros;	/* must read as zeros in the target */
	struct img_extents lost;	/* salvage: what could not be read */
	struct img_slot *slots;		/* in guest order */
	const uint8_t **bytes;		/* of each slot; NULL: as in the chunk's one extent */
	size_t n_slots, cap_slots;
	struct img_hash *hash;		/* work->dedup: makes ... */
	struct img_key *keys;		/* ... a key of the bytes of each slot of a unit */
	size_t cap_keys;
	struct img_hold hold;		/* of buf and out */
};

/* Buffers of window bytes; below and encode say which of them are needed. */
bool img_parcel_init(struct img_parcel *p, const struct img_work *work, struct img_err *err)
	IMG_MUST_CHECK;
void img_parcel_free(struct img_parcel *p);
/* Fills slots, zeros and lost from p->chunk.  Any number of threads, each with its own parcel. */
bool img_work_run(const struct img_work *work, struct img_parcel *p, struct img_err *err)
	IMG_MUST_CHECK;

/* Adds one; bytes as in struct img_parcel. */
bool img_parcel_add(struct img_parcel *p, const struct img_slot *slot, const uint8_t *bytes,
		    struct img_err *err) IMG_MUST_CHECK;

/* ---- Compressed units (frame.c, packed.c) ---------------------------------------------------- */

/* The most that may become of a unit; one that needs more is stored plain. */
size_t img_encoded_max(const struct img_framing *framing, uint32_t unit);
/* Bytes that encoded ones take with what stands around them; and how many those are at most. */
size_t img_framed_len(const struct img_framing *framing, size_t encoded);
size_t img_framed_max(const struct img_framing *framing, uint32_t unit);
/*
 * Puts around the `encoded` bytes at out + framing->head what the format wants there, for the unit at
 * guest byte `at`; returns the length of all.
 */
uint32_t img_frame(const struct img_framing *framing, uint64_t at, uint8_t *out, size_t encoded);
/* Fills p->packed with the units of the chunk that the target takes as they are. */
bool img_packed_find(const struct img_work *work, struct img_parcel *p, struct img_err *err)
	IMG_MUST_CHECK;
/*
 * Makes slots of p->packed[*i] and those that one read brings with it, from p->out + *out_used on;
 * both go on.
 */
bool img_packed_take(const struct img_work *work, struct img_parcel *p, size_t *i,
		     size_t *out_used, struct img_err *err) IMG_MUST_CHECK;

/* ---- Several codecs (best.c) ----------------------------------------------------------------- */

/* Makes what tries the others; for img_best_fini(), also after a failure. */
bool img_best_init(struct img_work *work, struct img_err *err) IMG_MUST_CHECK;
void img_best_fini(struct img_work *work);
/*
 * The unit at `in` stands compressed by work->codec at out[0, *used); *used 0: it gets no smaller.
 * What another codec makes smaller takes its place, and *codec is its number as in struct img_slot.
 */
bool img_best_encode(const struct img_work *work, uint8_t *spare, const uint8_t *in, uint8_t *out,
		     size_t *used, unsigned *codec, struct img_err *err) IMG_MUST_CHECK;

/* ---- Commit (commit.c): a worked parcel into the target -------------------------------------- */

struct img_dedup;

/* In order of the chunks, one caller.  dedup: what was stored so far, or NULL. */
bool img_commit_reserve(struct img_layer *dst, struct img_parcel *p, struct img_dedup *dedup,
			struct img_err *err) IMG_MUST_CHECK;
/* Any order, any number of callers.  *cloned grows by what was shared and not moved. */
bool img_commit_store(struct img *src, struct img_layer *dst, struct img_parcel *p,
		      uint64_t *cloned, struct img_err *err) IMG_MUST_CHECK;
/*
 * In order of the chunks, one caller.  store: the bytes were not stored yet and go out on the way,
 * each in its place among the zeros, for a target that cannot seek.
 */
bool img_commit_publish(struct img_layer *dst, struct img_parcel *p, bool store,
			struct img_err *err) IMG_MUST_CHECK;
/* Tells a target that cannot seek all that will come; then it can begin. */
bool img_commit_announce(struct img_layer *dst, const struct img_work *work,
			 struct img_err *err) IMG_MUST_CHECK;

/* ---- Units that are equal (dedup.c) ----------------------------------------------------------- */

/*
 * What was stored in a target of units so long, by a hash of it; for a disk of `size` bytes.  Of a
 * disk that is so large that not all of it fits in memory some is forgotten.
 */
struct img_dedup *img_dedup_new(uint32_t unit, uint64_t size, struct img_err *err);
/* Accepts NULL. */
void img_dedup_free(struct img_dedup *dedup);
/* Gives the slots of p their keys.  Any number of threads, each with its own parcel. */
bool img_dedup_hash(const struct img_work *work, struct img_parcel *p, struct img_err *err)
	IMG_MUST_CHECK;
/* As img_commit_reserve(); what is stored already is shared. */
bool img_dedup_reserve(struct img_dedup *dedup, struct img_layer *dst, struct img_parcel *p,
		       struct img_err *err) IMG_MUST_CHECK;
/*
 * Before p is published, in order: makes sure that shared slots find their own bytes in the file.
 * *shared: guest bytes of them.
 */
bool img_dedup_check(struct img_dedup *dedup, const struct img_parcel *p, uint64_t *shared,
		     struct img_err *err) IMG_MUST_CHECK;

/* ---- Late pieces of a source that was read in one pass (late.c) ------------------------------- */

/*
 * What of the source came behind later bytes, into the target, all of which is written; stats are
 * corrected.  The target must be one that img_target_can_rewrite().
 */
bool img_copy_late(const struct img_copy *what, struct img_copy_stats *stats, struct img_err *err)
	IMG_MUST_CHECK;

#endif
