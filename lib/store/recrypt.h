/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file beside an image that is being encrypted, decrypted or given another key in place: what is
 * done, and what is needed to go on.  Numbers are big-endian.
 *
 *	0	header: what is to be done; valid once all that follows is durable
 *	4096	two records, written in turns, each of 4096 bytes: which window comes next
 *	12288	the first bytes of the disk as they are to be
 *	16384	the header of before, then that of afterwards; as long as the header says
 *	...	two windows in turns, where the disk stays at its place: as they are to be
 *
 * An image whose disk is only a part of the file (format/recrypt.h) has windows of the file, of which
 * that part alone is changed, and the two headers inside; first bytes are not kept.  One whose header is a
 * file of its own has a disk that starts with the file and stays there.
 *
 * No key is in it but as a LUKS header has it, and bytes of the disk are as they are going to be: in clear
 * where the disk is decrypted, and only there.
 */
#ifndef IMG_STORE_RECRYPT_H
#define IMG_STORE_RECRYPT_H

#include "store/store.h"

enum {
	RECRYPT_VERSION   = 1,
	RECRYPT_BLOCK     = 4096,	/* header, record, and what changes of a file last */
	RECRYPT_RECORDS   = RECRYPT_BLOCK,
	RECRYPT_FIRST     = 3 * RECRYPT_BLOCK,
	RECRYPT_HEADERS   = 4 * RECRYPT_BLOCK,
	RECRYPT_ID_BYTES  = 16,
	RECRYPT_MARK_BYTES = 64,	/* of the mark that tell it */
	RECRYPT_PIECE     = 1 << 20,	/* bytes of a window that have a checksum of their own */
	RECRYPT_WINDOW_MAX = 64 << 20,
	RECRYPT_MAX_SUMS  = RECRYPT_WINDOW_MAX / RECRYPT_PIECE,
	RECRYPT_HEADER_MAX = 256 << 20,	/* bytes of a LUKS header with its key slots */
	RECRYPT_SECTOR    = 512,	/* the smallest; a loss of power leaves one old or new */
	RECRYPT_HEAD_SECTORS = RECRYPT_BLOCK / RECRYPT_SECTOR,

	RECRYPT_HDR_VERSION = 8,
	RECRYPT_HDR_KIND    = 12,
	RECRYPT_HDR_ID      = 16,
	RECRYPT_HDR_FROM    = 32,
	RECRYPT_HDR_TO      = 40,
	RECRYPT_HDR_LEN     = 48,
	RECRYPT_HDR_WINDOW  = 56,
	RECRYPT_HDR_BEFORE  = 64,
	RECRYPT_HDR_AFTER   = 72,
	RECRYPT_HDR_OLD     = 80,
	RECRYPT_HDR_NEW     = 88,
	RECRYPT_HDR_HEADS   = 96,	/* checksums of sectors: before, after */
	RECRYPT_HDR_FLAGS   = 512,	/* RECRYPT_FLAG_* */
	RECRYPT_HDR_CHECK   = 516,
	RECRYPT_HDR_GUEST   = 520,
	RECRYPT_HDR_END     = 528,
	RECRYPT_HDR_CRC     = RECRYPT_BLOCK - 4,

	RECRYPT_REC_MAGIC   = 0,
	RECRYPT_REC_NEXT    = 8,
	RECRYPT_REC_SUMS    = 16,
	RECRYPT_REC_CRC     = RECRYPT_BLOCK - 4,
};

enum {
	RECRYPT_FLAG_INSIDE = 1 << 0,
	RECRYPT_FLAG_LEGACY = 1 << 1,
	RECRYPT_FLAG_APART  = 1 << 2,
};

/* Checksums of the sectors of the first RECRYPT_BLOCK bytes of a file. */
struct img_recrypt_head {
	uint32_t sums[RECRYPT_HEAD_SECTORS];
};

struct img_recrypt_header {
	enum img_recrypt_kind kind;
	uint8_t id[RECRYPT_ID_BYTES];	/* stands in the file, too, while it is half done */
	uint64_t from, to;		/* of the disk in the file: before, afterwards; bytes */
	uint64_t len, window;		/* of the disk; windows begin at its start */
	uint64_t before, after;		/* bytes of the file */
	uint64_t old_len, new_len;	/* of the LUKS headers; 0: none */
	struct img_recrypt_head head_before, head_after;	/* of the image */
	/*
	 * The disk is a part of the file: from and to are 0, len is all of the file, and heads are not
	 * known.  legacy: it was encrypted without a header, and check tells the key again.
	 */
	bool inside, legacy;
	bool apart;			/* the LUKS header is a file of its own; from and to are 0 */
	uint32_t check;
	uint64_t guest;			/* bytes of the disk */
};

/*
 * All windows in front of `next` are done and durable, in the order of the work.  Where the disk stays at
 * its place sums are those of the pieces of window `next` in the file beside the image.  Of the last one,
 * inside an image, they are those of its head afterwards.
 */
struct img_recrypt_record {
	uint64_t next;
	uint32_t sums[RECRYPT_MAX_SUMS];
};

/* raw: of RECRYPT_BLOCK bytes, all over. */
void img_recrypt_header_encode(const struct img_recrypt_header *hdr, uint8_t *raw);
/* False: it is no header that was finished, or one that makes no sense. */
bool img_recrypt_header_decode(const uint8_t *raw, struct img_recrypt_header *hdr);
/* The first RECRYPT_BLOCK bytes of one that says nothing yet, or any more. */
void img_recrypt_unfinished(uint8_t *raw);
/* Whether these first bytes of a file, which may have any name, are those, or it is empty. */
bool img_recrypt_is_ours(const uint8_t *raw, size_t len);
/* Whether these first bytes of a file beside an image are those of one that was begun and says nothing. */
bool img_recrypt_is_unfinished(const uint8_t *raw, size_t len);
/* Whether each sector is that of one of them. */
bool img_recrypt_head_is_mix(const struct img_recrypt_head *head, const struct img_recrypt_head *of,
			     size_t n);
/* raw: of RECRYPT_BLOCK bytes. */
void img_recrypt_head_sum(const uint8_t *raw, struct img_recrypt_head *out);
void img_recrypt_record_encode(const struct img_recrypt_header *hdr,
			       const struct img_recrypt_record *rec, uint8_t *raw);
/* False: it is none, was not finished, or belongs to something else. */
bool img_recrypt_record_decode(const struct img_recrypt_header *hdr, const uint8_t *raw,
			       struct img_recrypt_record *rec);
/*
 * What stands in front of a file meanwhile: a LUKS header with a cipher that nobody has, so that all who
 * know LUKS refuse it, and nobody takes it for a disk.
 */
void img_recrypt_mark(const uint8_t id[RECRYPT_ID_BYTES], uint8_t *raw);
/* Whatever the id is; RECRYPT_MARK_BYTES are enough. */
bool img_recrypt_is_mark(const uint8_t *raw, size_t len);

/* What the first bytes of the file say of it. */
enum img_recrypt_state {
	IMG_RECRYPT_OTHER,		/* it is not the file that is meant */
	IMG_RECRYPT_BEGUN,		/* nothing is done, but that it may be longer, or marked in part */
	IMG_RECRYPT_HALF,
	IMG_RECRYPT_WHOLE,		/* only the file beside it is still there */
	IMG_RECRYPT_STALE,		/* it is whole, and the file beside it of no use */
};
/* rec: the last record, or NULL; raw: the first RECRYPT_BLOCK bytes of a file. */
enum img_recrypt_state img_recrypt_state_by(const struct img_recrypt_header *hdr,
					    const struct img_recrypt_record *rec, const uint8_t *raw);

uint64_t img_recrypt_windows(const struct img_recrypt_header *hdr);
/* How far that is, as users see it: bytes of the disk, and of how many. */
uint64_t img_recrypt_progress(const struct img_recrypt_header *hdr, uint64_t next);
uint64_t img_recrypt_guest(const struct img_recrypt_header *hdr);
/* Where what must not be left begins. */
uint64_t img_recrypt_wiped_from(const struct img_recrypt_header *hdr);
/* Bytes in the windows in front of `next`. */
uint64_t img_recrypt_done(const struct img_recrypt_header *hdr, uint64_t next);
/*
 * The next-th window [*start, *end) of the disk: from the end on where the disk moves up, so that no
 * byte is overwritten that is still needed.
 */
void img_recrypt_window(const struct img_recrypt_header *hdr, uint64_t next, uint64_t *start,
			uint64_t *end);
/* Whether windows go through the file beside the image. */
bool img_recrypt_is_kept(const struct img_recrypt_header *hdr);
/* Where in it: the header of afterwards; the window `next`; its end. */
uint64_t img_recrypt_new_at(const struct img_recrypt_header *hdr);
uint64_t img_recrypt_kept_at(const struct img_recrypt_header *hdr, uint64_t next);
uint64_t img_recrypt_end(const struct img_recrypt_header *hdr);

#endif
