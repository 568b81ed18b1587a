/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A journal: what is to be made of the files of an image, written down beside it before the first of
 * them is changed.  Numbers are big-endian.
 *
 *	0	header: how long the journal is, and the checksum of the last record
 *	4096	an entry of 4096 bytes for each file; the first is the image
 *	...	records, one behind the other, and the bytes that they bring, behind which stand the
 *		checksums of what was in the sectors that they change
 *
 * Each checksum of an entry or record starts from the one before, so that a journal is whole or was
 * not finished; one that was not says nothing, since nothing was changed before it was durable.  What
 * a whole one says can be done any number of times.
 */
#ifndef IMG_STORE_JOURNAL_H
#define IMG_STORE_JOURNAL_H

#include "store/store.h"

enum {
	JOURNAL_VERSION   = 2,
	JOURNAL_BLOCK     = 4096,	/* header, entry, sample */
	JOURNAL_CHUNK     = 1 << 20,	/* of bytes in one record at most */
	JOURNAL_SECTOR    = 512,	/* is written as a whole or not at all */
	JOURNAL_PAYLOAD   = JOURNAL_CHUNK + 4 * (JOURNAL_CHUNK / JOURNAL_SECTOR + 1),
	JOURNAL_MAX_FILES = 4096,
	JOURNAL_SAMPLES   = 16,
	JOURNAL_HEAD      = 512,	/* of a file, which tell its states apart */

	JOURNAL_HDR_VERSION = 8,
	JOURNAL_HDR_FILES   = 12,
	JOURNAL_HDR_END     = 16,
	JOURNAL_HDR_CHAIN   = 24,
	JOURNAL_HDR_CRC     = JOURNAL_BLOCK - 4,

	JOURNAL_ENT_KIND    = 0,
	JOURNAL_ENT_REF     = 4,
	JOURNAL_ENT_BEFORE  = 8,
	JOURNAL_ENT_CUT     = 16,
	JOURNAL_ENT_AFTER   = 24,
	JOURNAL_ENT_TAKEN   = 32,	/* bit i: sample i says something */
	JOURNAL_ENT_SAMPLES = 36,
	JOURNAL_ENT_HEADS   = 128,	/* before, after */
	JOURNAL_ENT_NAME    = JOURNAL_ENT_HEADS + 2 * JOURNAL_HEAD,	/* ends with a zero byte */
	JOURNAL_ENT_CRC     = JOURNAL_BLOCK - 4,
	JOURNAL_NAME_BYTES  = JOURNAL_ENT_CRC - JOURNAL_ENT_NAME,

	JOURNAL_REC_KIND    = 0,
	JOURNAL_REC_FILE    = 4,
	JOURNAL_REC_AT      = 8,
	JOURNAL_REC_LEN     = 16,
	JOURNAL_REC_CRC     = 24,	/* of what is before it and of the bytes behind it */
	JOURNAL_REC_BYTES   = 28,
};

struct img_journal_header {
	uint32_t n_files;
	uint64_t end;			/* of the last record */
	uint32_t chain;			/* its checksum */
};

enum img_journal_file_kind {
	JOURNAL_CHANGE = 1,
	JOURNAL_CREATE,		/* under its name it may be there already, in any state */
	JOURNAL_REMOVE,		/* or is not there any more */
};

/*
 * What tells the file from another one of that name: blocks that are not changed, spread over it, and
 * its first bytes, each of which is as before or as afterwards.
 */
struct img_journal_file {
	enum img_journal_file_kind kind;
	enum img_ref_kind ref;		/* as what the image names it; the image itself has no name */
	char name[JOURNAL_NAME_BYTES];
	uint64_t before, cut, after;	/* lengths; up to cut what was there before stays */
	uint8_t head_before[JOURNAL_HEAD], head_after[JOURNAL_HEAD];	/* zeros behind its end */
	uint32_t samples[JOURNAL_SAMPLES], taken;	/* checksums; bits: of those that are set */
};

enum img_journal_record_kind {
	JOURNAL_BYTES = 1,	/* follow */
	JOURNAL_ZEROS,
	JOURNAL_FALLOC,		/* space to be set aside, before bytes and zeros */
	JOURNAL_FULL,
};

struct img_journal_record {
	enum img_journal_record_kind kind;
	uint32_t file;
	uint64_t at, len;
};

/* journal-layout.c.  raw has room for a JOURNAL_BLOCK, of a record for JOURNAL_REC_BYTES. */
void img_journal_header_encode(const struct img_journal_header *header, uint8_t *raw);
/* False: it is no header of a journal that was finished; raw: of all JOURNAL_BLOCK. */
bool img_journal_header_decode(const uint8_t *raw, struct img_journal_header *header);
/* Whether it is at least the first block of a journal, be it one that was not begun. */
bool img_journal_is_one(const uint8_t *raw, size_t len);
/* Returns the checksum. */
uint32_t img_journal_file_encode(const struct img_journal_file *file, uint32_t chain, uint8_t *raw);
/* *chain becomes its own when it is whole; so below. */
bool img_journal_file_is_whole(const uint8_t *raw, uint32_t *chain);
/* IMG_E_CORRUPT. */
bool img_journal_file_decode(const uint8_t *raw, struct img_journal_file *file,
			     struct img_err *err) IMG_MUST_CHECK;
/* Returns the checksum; payload: of JOURNAL_BYTES, the bytes and img_journal_sums_encode(). */
uint32_t img_journal_record_encode(const struct img_journal_record *rec, uint32_t chain,
				   const uint8_t *payload, uint8_t *raw);
/* How many bytes a record claims to have behind it, or UINT64_MAX; nothing of raw is checked. */
uint64_t img_journal_record_payload(const uint8_t *raw);
bool img_journal_record_is_whole(const uint8_t *raw, const uint8_t *payload, size_t len,
				 uint32_t *chain);
/* Of one that is whole.  IMG_E_CORRUPT: it makes no sense for these files. */
bool img_journal_record_decode(const uint8_t *raw, const struct img_journal_file *files,
			       uint32_t n_files, struct img_journal_record *rec,
			       struct img_err *err) IMG_MUST_CHECK;
/* How long the part in one sector of len (> 0) bytes at `at` is that begins there. */
size_t img_journal_sector_part(uint64_t at, size_t len);
/* The checksum of each sector's part of len bytes at `at`; returns how many bytes of raw they take. */
size_t img_journal_sums_encode(uint64_t at, const uint8_t *bytes, size_t len, uint8_t *raw);
/* Where sample i is in a file with that many bytes (> 0), and how long. */
uint64_t img_journal_sample_at(uint64_t bytes, size_t i, size_t *len);
uint32_t img_journal_crc(const uint8_t *bytes, size_t len);

/* ---- Writing one (journal-write.c) ------------------------------------------------------------- */

/* A file of the image on its way. */
struct img_journal_change {
	struct img_journal_file file;
	struct img_store *parent;	/* NULL: JOURNAL_REMOVE */
	struct img_store *overlay;	/* of parent, with what was changed */
};

/* Writes all of it to journal, which is empty; durable.  The changes' lengths and sums are set. */
bool img_journal_write(struct img_store *journal, struct img_journal_change *changes, size_t n,
		       struct img_err *err) IMG_MUST_CHECK;

/* ---- Doing what one says (journal-apply.c) ----------------------------------------------------- */

/* How the files of a journal are reached; failures say which file it was. */
struct img_journal_access {
	/* For writing; a new one for JOURNAL_CREATE, that gets its name by img_store_publish(). */
	bool (*open)(void *ctx, size_t i, const struct img_journal_file *file,
		     struct img_store **out, struct img_err *err);
	void (*close)(void *ctx, size_t i, struct img_store *st);
	/* That it is not there is no failure. */
	bool (*remove)(void *ctx, size_t i, const struct img_journal_file *file,
		       struct img_err *err);
	void *ctx;
};

struct img_journal_reading;
/*
 * Reads journal, which stays the caller's and must outlive it.  NULL in *out: it was not finished, or
 * is not a journal at all, which *foreign tells.  IMG_E_CORRUPT: it is whole and makes no sense.
 */
bool img_journal_read(struct img_store *journal, struct img_journal_reading **out, bool *foreign,
		      struct img_err *err) IMG_MUST_CHECK;
size_t img_journal_files(const struct img_journal_reading *reading);
const struct img_journal_file *img_journal_file_at(const struct img_journal_reading *reading, size_t i);
/*
 * Makes of st what file i is to be, and no sync.  IMG_E_ARGUMENT: st is another file, as far as its
 * length, its head and some samples tell, or somebody else has written to a sector that is to be
 * changed: it is neither as before nor as it is to be.  st is as it was then.
 */
bool img_journal_apply_to(const struct img_journal_reading *reading, size_t i, struct img_store *st,
			  struct img_err *err) IMG_MUST_CHECK;
/* All files; durable.  All are looked at before the first is changed. */
bool img_journal_apply(const struct img_journal_reading *reading,
		       const struct img_journal_access *access, struct img_err *err) IMG_MUST_CHECK;
void img_journal_reading_free(struct img_journal_reading *reading);

#endif
