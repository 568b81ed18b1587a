/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A patch as a stream: doc/patch-format.md.  Numbers are big-endian.  One that "rbd export-diff" wrote
 * is handed on as the same records.
 *
 * Each checksum starts from the one before, so that a record which is missing, doubled or out of its
 * place is found like one that is damaged.
 */
#ifndef IMG_COPY_PATCH_H
#define IMG_COPY_PATCH_H

#include "copy/patch_rbd.h"
#include "copy/patch_stream.h"
#include "copy/side.h"
#include "libimg-diff.h"

enum {
	PATCH_VERSION    = 1,

	PATCH_HDR_VERSION = 8,
	PATCH_HDR_FLAGS   = 12,
	PATCH_HDR_OLD     = 16,
	PATCH_HDR_NEW     = 24,
	PATCH_HDR_CRC     = 32,
	PATCH_HDR_BYTES   = 36,

	PATCH_REC_KIND    = 0,
	PATCH_REC_AT      = 4,
	PATCH_REC_LEN     = 12,
	PATCH_REC_CRC     = 20,	/* of what is before it and of the bytes behind it */
	PATCH_REC_BYTES   = 24,

	PATCH_END_DATA    = 0,
	PATCH_END_ZERO    = 8,
	PATCH_END_SAMPLES = 16,
	PATCH_END_OLD_CRC = 20,
	PATCH_END_BYTES   = 24,
};

/* The patch does not say it. */
#define PATCH_ANY_SIZE UINT64_MAX

struct patch_header {
	uint64_t old_size, new_size;
};

enum patch_kind {
	PATCH_DATA = 1,		/* len bytes follow */
	PATCH_ZERO,
	PATCH_END,		/* at: how many records were before it; its len bytes follow */
};

struct patch_record {
	enum patch_kind kind;
	uint64_t at, len;
};

/* Samples of the old disk, at places that the patch changes. */
struct patch_samples {
	uint32_t n;
	uint32_t crc;
};

/* What the end record says; so both sides can count it. */
struct patch_totals {
	uint64_t records, data, zero;
	struct patch_samples old;
};

/* ---- patch_layout.c: bytes and back ---------------------------------------------------------- */

/* Into PATCH_HDR_BYTES at raw; the checksum that the first record starts from. */
uint32_t patch_header_encode(const struct patch_header *header, uint8_t *raw);
/* IMG_E_NOT_THIS_FORMAT, IMG_E_UNSUPPORTED, IMG_E_CORRUPT. */
bool patch_header_decode(const uint8_t *raw, struct patch_header *header, uint32_t *chain,
			 struct img_err *err) IMG_MUST_CHECK;
/* Into PATCH_REC_BYTES at raw; bytes: rec->len of them, unless they are zeros. */
uint32_t patch_record_encode(const struct patch_record *rec, uint32_t chain, const uint8_t *bytes,
			     uint8_t *raw);
/* What raw says, of which only patch_record_payload() can be used before it is known to be whole. */
void patch_record_decode(const uint8_t *raw, struct patch_record *rec);
/* Bytes that follow; false: no record has so many. */
bool patch_record_payload(const struct patch_record *rec, size_t *len) IMG_MUST_CHECK;
bool patch_record_is_whole(const uint8_t *raw, const uint8_t *bytes, size_t len, uint32_t *chain)
	IMG_MUST_CHECK;
/* Whether it can stand where it does: guest bytes below `done` were in records before it. */
bool patch_record_fits(const struct patch_record *rec, const struct patch_header *header,
		       uint64_t done) IMG_MUST_CHECK;
void patch_end_encode(const struct patch_totals *totals, uint8_t *raw);
/* Of raw[0, PATCH_END_BYTES); records is not there. */
void patch_end_decode(const uint8_t *raw, struct patch_totals *totals);

/* ---- patch_totals.c ---------------------------------------------------------------------------- */

/*
 * Counts a record that is not the end.  Of the first, and of each whose number is a power of two, the
 * bytes that old has at its place are sampled: enough to tell a disk that is another one, or was
 * patched already, and never more than 65 reads.  old NULL: they are not.
 */
bool patch_totals_add(struct patch_totals *totals, const struct patch_record *rec, struct img *old,
		      struct img_err *err) IMG_MUST_CHECK;

/* ---- patch_read.c: one record after the other --------------------------------------------------- */

struct patch_reader {
	struct patch_source src;
	struct patch_header header;	/* the caller may replace a new_size that is not said */
	uint64_t done;			/* guest bytes below this were in records */
	uint32_t chain;

	/* Of what is RBD's: */
	unsigned rbd_version;		/* 0: it is our own */
	char from[RBD_NAME_MOST + 1], to[RBD_NAME_MOST + 1];	/* snapshots, "": none */
	struct patch_record pending;	/* of which nothing, or a part, was handed on; len 0: none */
	bool ended;
};

/* Reads the header.  patch_reader_clear() must follow, even after a failure. */
bool patch_reader_init(struct patch_reader *rd, struct img_store *store, struct img_err *err)
	IMG_MUST_CHECK;
void patch_reader_clear(struct patch_reader *rd);
/*
 * The next record, which is whole and fits, the bytes of which stay valid until the next call; behind
 * an end there is nothing.  Those of RBD come in any order, and their end has no bytes.
 * IMG_E_INCOMPLETE, IMG_E_CORRUPT, IMG_E_IO.
 */
bool patch_reader_next(struct patch_reader *rd, struct patch_record *rec, const uint8_t **bytes,
		       struct img_err *err) IMG_MUST_CHECK;

/* ---- patch_names.c: snapshots that a patch of RBD speaks of -------------------------------------- */

/* IMG_E_MISMATCH: there is not what it starts from, or what it leads to is there already. */
bool patch_check_names(const struct img_patch *what, const struct patch_reader *rd,
		       struct img_err *err) IMG_MUST_CHECK;
/* Makes the one that it leads to, unless that is there; nothing is written to what->im behind that. */
bool patch_make_snapshot(const struct img_patch *what, const struct patch_reader *rd,
			 struct img_err *err) IMG_MUST_CHECK;

/* ---- patch_rbd_read.c, patch_rbd_write.c --------------------------------------------------------- */

/* What patch_reader_init() and patch_reader_next() do of one that is RBD's. */
bool patch_rbd_init(struct patch_reader *rd, struct img_err *err) IMG_MUST_CHECK;
bool patch_rbd_next(struct patch_reader *rd, struct patch_record *rec, const uint8_t **bytes,
		    struct img_err *err) IMG_MUST_CHECK;

/* size: of the disk afterwards.  IMG_E_ARGUMENT: a name does not fit. */
bool patch_rbd_put_start(struct patch_sink *sink, const struct img_patch_new *how, uint64_t size,
			 struct img_err *err) IMG_MUST_CHECK;
bool patch_rbd_put_change(struct patch_sink *sink, const struct img_change *change,
			  struct img_err *err) IMG_MUST_CHECK;
bool patch_rbd_put_end(struct patch_sink *sink, struct img_err *err) IMG_MUST_CHECK;

#endif
