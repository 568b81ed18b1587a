/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An undo file: what an image held where it was changed.  Numbers are big-endian.
 *
 *	0	header: what the image was
 *	4096	seal: up to where the file is known to be whole; written over now and then
 *	8192	records, one behind the other, in the order in which they were saved
 *
 * Each checksum starts from the one before, the first from the header's: a record counts in its
 * place in its file only, and no record can be missing.  The seal follows one save behind (at the
 * end it catches up), which costs no sync of its own.  So damage before the seal is damage; what is
 * wrong behind it is the last save, cut off by a crash before anything that it covers was changed.
 */
#ifndef IMG_STORE_UNDO_H
#define IMG_STORE_UNDO_H

#include "store/beside.h"
#include "store/ranges.h"
#include "store/store.h"

enum {
	UNDO_VERSION     = 1,
	UNDO_BLOCK       = 4096,	/* what is saved as a whole */
	UNDO_CHUNK       = 1 << 20,	/* of bytes in one record at most; the largest block */
	UNDO_SAMPLES     = 16,

	UNDO_HDR_VERSION  = 8,
	UNDO_HDR_BLOCK    = 12,
	UNDO_HDR_ORIGINAL = 16,
	UNDO_HDR_SAMPLES  = 24,
	UNDO_HDR_CRC      = UNDO_HDR_SAMPLES + 4 * UNDO_SAMPLES,
	UNDO_HDR_BYTES    = UNDO_HDR_CRC + 4,

	UNDO_SEAL_AT     = 4096,	/* not beside the header: it is written over */
	UNDO_SEAL_END    = 0,
	UNDO_SEAL_CHAIN  = 8,
	UNDO_SEAL_CRC    = 12,
	UNDO_SEAL_BYTES  = 16,

	UNDO_RECORDS_AT  = 8192,
	UNDO_REC_KIND    = 0,
	UNDO_REC_OFFSET  = 4,
	UNDO_REC_LEN     = 12,
	UNDO_REC_CRC     = 20,		/* of what is before it and of the bytes behind it */
	UNDO_REC_BYTES   = 24,
};

enum img_undo_kind { UNDO_KIND_BYTES = 1, UNDO_KIND_ZEROS = 2 };	/* zeros: none follow */

/*
 * The samples are checksums of blocks spread evenly over the original, to tell an image from
 * another file of that length.  Those that were saved say nothing, but a repair changes a few
 * tables, and a digest of all would mean to read all.
 */
struct img_undo_header {
	uint32_t block;			/* a power of two, UNDO_BLOCK to UNDO_CHUNK */
	uint64_t original;		/* length of the image before it was changed */
	uint32_t samples[UNDO_SAMPLES];
};

struct img_undo_seal {
	uint64_t end;			/* of the last record it covers */
	uint32_t chain;			/* checksum of that record */
};

struct img_undo_record {
	uint32_t kind;
	uint64_t at, len;		/* in the image: whole blocks, but for the end of it */
};

/* undo-layout.c.  raw of an encoder has room for the UNDO_*_BYTES. */
void img_undo_header_encode(const struct img_undo_header *header, uint8_t *raw);
/* IMG_E_NOT_THIS_FORMAT, IMG_E_INCOMPLETE, IMG_E_UNSUPPORTED, IMG_E_CORRUPT. */
bool img_undo_header_decode(const uint8_t *raw, size_t len, struct img_undo_header *header,
			    struct img_err *err) IMG_MUST_CHECK;
/* The checksum that the first record starts from; of an encoded header. */
uint32_t img_undo_header_chain(const uint8_t *raw);
void img_undo_seal_encode(const struct img_undo_seal *seal, uint8_t *raw);
/* Of all UNDO_SEAL_BYTES; false: it is damaged, as by a crash while it was written over. */
bool img_undo_seal_decode(const uint8_t *raw, struct img_undo_seal *seal);
/* Returns the checksum; bytes: those of a record of kind UNDO_KIND_BYTES, else NULL. */
uint32_t img_undo_record_encode(const struct img_undo_record *rec, uint32_t chain,
				const uint8_t *bytes, uint8_t *raw);
/* How many bytes a record claims to have behind it; nothing of raw is checked. */
uint64_t img_undo_record_payload(const uint8_t *raw);
/* Checks what can be checked of one record; *chain becomes its own when it is whole. */
bool img_undo_record_is_whole(const uint8_t *raw, const uint8_t *bytes, size_t len,
			      uint32_t *chain);
/* Of one that is whole.  IMG_E_CORRUPT: it makes no sense in an image like that. */
bool img_undo_record_decode(const uint8_t *raw, const struct img_undo_header *header,
			    struct img_undo_record *rec, struct img_err *err) IMG_MUST_CHECK;
/* Where sample i is and, in *len, how long; not for an empty original. */
uint64_t img_undo_sample_at(const struct img_undo_header *header, size_t i, size_t *len);
uint32_t img_undo_sample_crc(const uint8_t *bytes, size_t len);

/* undo-save.c */
struct img_undo_save {
	struct img_store *parent, *file;	/* the undo store's; file: as begun */
	struct img_undo_header header;
	struct img_rangeset saved;	/* durable in the file */
	uint64_t end;			/* of the last record that is */
	uint32_t chain;
	uint8_t *buf;			/* UNDO_CHUNK bytes; owned */
};

/* Writes header and seal to file, which is empty; durable.  May be tried again. */
bool img_undo_begin(struct img_undo_save *save, struct img_store *file, struct img_err *err)
	IMG_MUST_CHECK;
/* Makes durable what is not so yet of the original's bytes in [at, at + len), with one sync. */
bool img_undo_save(struct img_undo_save *save, uint64_t at, uint64_t len, struct img_err *err)
	IMG_MUST_CHECK;
/* Says in the file, once begun, that it is whole: makes later damage known, so it cannot fail. */
void img_undo_seal(struct img_undo_save *save);

/* As img_store_undo() with a store, which is empty, for the undo file; owned likewise. */
struct img_store *img_store_undo_to(struct img_store *parent, struct img_store *file,
				    struct img_err *err);

#endif
