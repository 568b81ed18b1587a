/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The headers of files with grains, from bytes; pure functions. */
#ifndef VMDK_HEADER_H
#define VMDK_HEADER_H

#include "libimg.h"

enum vmdk_kind { VMDK_KIND_NONE, VMDK_KIND_HOSTED, VMDK_KIND_COWD, VMDK_KIND_SESPARSE };

/* What the headers of all three kinds say, in bytes. */
struct vmdk_header {
	enum vmdk_kind kind;
	uint32_t version, flags;		/* hosted only */
	uint64_t capacity;			/* of the disk */
	uint64_t grain;				/* a power of two */
	uint32_t gt_entries;			/* in each grain table, more than 0 */
	uint32_t entry_len;			/* 4 or 8 */
	uint64_t n_gd;				/* entries of the directory that the disk needs */
	uint64_t gd_at, rgd_at;			/* rgd_at 0: there is one directory only */
	bool gd_at_end;				/* gd_at is in the footer */
	uint64_t overhead;			/* hosted: in front of the first grain; 0: it does not say */
	bool unclean, compressed, markers;
	uint64_t desc_at, desc_len;		/* of the descriptor inside; desc_len 0: none */
	uint64_t gts_at, grains_at;		/* seSparse: where the first of them is */
	uint64_t volatile_at;			/* seSparse: of the second header */
};

enum {
	VMDK_HEAD_BYTES = 512,			/* what decoding looks at, at most */
	VMDK_GD_ENTRIES_MAX = 4 << 20,
};

/* By the magic number at the start of a file. */
enum vmdk_kind vmdk_kind_of(const uint8_t *head, size_t len);

/*
 * Decodes and validates what stands at the start of a file, of whatever kind.
 * IMG_E_NOT_THIS_FORMAT; IMG_E_INCOMPLETE: the file ends inside; IMG_E_CORRUPT; IMG_E_RANGE;
 * IMG_E_UNSUPPORTED.
 */
bool vmdk_header_decode(const uint8_t *raw, size_t len, struct vmdk_header *out,
			struct img_err *err) IMG_MUST_CHECK;
/* The inverse for hosted files: VMDK_HDR_LEN bytes.  Places and sizes are whole sectors. */
void vmdk_header_encode(const struct vmdk_header *hdr, uint8_t *raw);
/* The second header of seSparse, VMDK_SE_HEAD_LEN bytes: nothing may be waiting in the journal. */
bool vmdk_volatile_check(const uint8_t *raw, struct img_err *err) IMG_MUST_CHECK;

/* For the decoders: what all kinds have in common; sets n_gd. */
bool vmdk_header_validate(struct vmdk_header *hdr, struct img_err *err) IMG_MUST_CHECK;
/* Sectors to bytes.  IMG_E_CORRUPT: more than any file has. */
bool vmdk_sectors(uint64_t sectors, uint64_t *bytes, struct img_err *err) IMG_MUST_CHECK;
/* cowd.c, sesparse.c */
bool vmdk_cowd_decode(const uint8_t *raw, struct vmdk_header *out, struct img_err *err)
	IMG_MUST_CHECK;
bool vmdk_sesparse_decode(const uint8_t *raw, struct vmdk_header *out, struct img_err *err)
	IMG_MUST_CHECK;

#endif
