/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An open cloop image; each part belongs to the file that it is listed under. */
#ifndef CLOOP_H
#define CLOOP_H

#include <stdatomic.h>
#include "format/cloop/findings.h"
#include "format/cloop/layout.h"
#include "format/format.h"

/* ---- header.c -------------------------------------------------------------------------------- */

enum cloop_version { CLOOP_V0, CLOOP_V1, CLOOP_V2, CLOOP_V4 };

struct cloop_header {
	enum cloop_version version;
	bool at_end;			/* the header is the last of the file, and the index before it */
	bool little;			/* version 1.0: the index was written by such a machine */
	uint32_t block_size;		/* a multiple of CLOOP_SECTOR */
	uint32_t n_blocks;
	uint64_t index_off;
	/* Guest bytes, as we note them in the script; 0: it says nothing, or nothing that can be. */
	uint64_t size;
};

/* Which version it is whose header starts like this; false: it is none.  Pure. */
bool cloop_version_of(const uint8_t *raw, size_t len, enum cloop_version *version);
/* Whether the script is the usual one, of a version that is known or not.  Pure. */
bool cloop_is_script(const uint8_t *raw, size_t len);
/*
 * From CLOOP_DECODE_LEN bytes of a file, or all there are, that begin with its header; checks all
 * fields against each other.  end: where the header ends in the file when it is the last of it, else
 * 0.  Pure.  IMG_E_NOT_THIS_FORMAT, IMG_E_INCOMPLETE, IMG_E_UNSUPPORTED, IMG_E_CORRUPT.
 */
bool cloop_header_decode(const uint8_t *raw, size_t len, uint64_t end, struct cloop_header *out,
			 struct img_err *err) IMG_MUST_CHECK;
/* The inverse, for versions 2.0 and 4.0: CLOOP_HDR_LEN bytes. */
void cloop_header_encode(const struct cloop_header *hdr, uint8_t *raw);
/* Of the file in st, at its start or, when there is none, at its end. */
bool cloop_header_read(struct img_store *st, struct cloop_header *out, struct img_err *err)
	IMG_MUST_CHECK;
/* "2.0" */
const char *cloop_version_name(enum cloop_version version);

static inline uint64_t cloop_entry_len(const struct cloop_header *hdr)
{
	return hdr->version == CLOOP_V0 ? CLOOP_ENTRY_LEN_0 : CLOOP_ENTRY_LEN;
}

/* Bytes of an index for n blocks. */
static inline uint64_t cloop_index_len(const struct cloop_header *hdr, uint64_t n)
{
	return (n + 1) * cloop_entry_len(hdr);
}

/* Where blocks may begin in the file. */
static inline uint64_t cloop_data_off(const struct cloop_header *hdr)
{
	return hdr->at_end ? 0 : hdr->index_off + cloop_index_len(hdr, hdr->n_blocks);
}

/* ---- entry.c --------------------------------------------------------------------------------- */

/* Where a block lies, as two entries of the index say it. */
struct cloop_place {
	enum cloop_compressor compressor;
	uint64_t host, len;		/* bytes in the file */
	const struct img_finding_kind *bad;	/* NULL: that can be; else host is as the entry says */
};

/* An entry as a number of this machine. */
uint64_t cloop_entry_decode(const struct cloop_header *hdr, const uint8_t *raw);
/* The inverse: cloop_entry_len() bytes. */
void cloop_entry_encode(const struct cloop_header *hdr, uint64_t entry, uint8_t *raw);
/* Block i, whose entry is `entry`; next: the one behind it.  Pure. */
struct cloop_place cloop_place_of(const struct cloop_header *hdr, uint32_t i, uint64_t entry,
				  uint64_t next);
/* Where blocks must end: at the end of the file, or at an index that is behind them. */
static inline uint64_t cloop_data_end(const struct cloop_header *hdr, uint64_t file_size)
{
	return hdr->at_end && hdr->index_off < file_size ? hdr->index_off : file_size;
}

/* ---- index.c --------------------------------------------------------------------------------- */

/* Blocks whose entries are read together; a power of two. */
enum { CLOOP_PIECE_BLOCKS = 8192 };

/*
 * The index, read piece by piece when it is asked for and then kept.  Any number of threads.
 */
struct cloop_index {
	const struct cloop_header *hdr;
	struct img_store *file;
	uint64_t file_size;		/* when it was opened; or more, of what still comes */
	_Atomic(uint64_t *) *pieces;	/* owned; decoded entries, NULL: not read yet */
	size_t n_pieces;
	/* What a salvage has put in the place of the first entries; owned, or NULL. */
	struct cloop_place *places;
	size_t n_places;
};

/* Keeps places. */
bool cloop_index_init(struct cloop_index *ix, const struct cloop_header *hdr,
		      struct img_store *file, uint64_t file_size,
		      struct img_err *err) IMG_MUST_CHECK;
/* Accepts a zeroed one. */
void cloop_index_clear(struct cloop_index *ix);
/* Block i; bad is set also when the file is too short for its entries or for itself. */
bool cloop_index_get(struct cloop_index *ix, uint32_t i, struct cloop_place *out,
		     struct img_err *err) IMG_MUST_CHECK;

/* ---- blocks.c -------------------------------------------------------------------------------- */

struct cloop;

/* What each thread needs to decode; kept for the next one. */
struct cloop_shelf;
struct cloop_shelf *cloop_shelf_new(uint32_t block_size, struct img_err *err);
/* Accepts NULL. */
void cloop_shelf_free(struct cloop_shelf *shelf);
/* Guest bytes of blocks that are compressed, any alignment.  Any number of threads. */
bool cloop_blocks_read(struct cloop *c, uint64_t at, uint8_t *buf, size_t len,
		       struct img_err *err) IMG_MUST_CHECK;
/* That of the driver; codec is NULL where it was not built in. */
bool cloop_packed(struct img_layer *ly, uint64_t at, struct img_packed *out, size_t max, size_t *n,
		  struct img_err *err);
/*
 * *n: how many blocks from `first` on, in front of `limit` and of the last one, are stored as the same
 * bytes; as few as one where to find out is not worth it.  *zeros: those decode to zeros.  Any number
 * of threads.
 */
bool cloop_blocks_alike(struct cloop *c, uint32_t first, uint32_t limit, uint32_t *n, bool *zeros,
			struct img_err *err) IMG_MUST_CHECK;
/*
 * How many bytes the last block gives: less than a block when the writer did not fill it up.  One
 * that cannot be read is taken for a whole one.
 */
bool cloop_last_len(struct cloop *c, uint32_t *len, struct img_err *err) IMG_MUST_CHECK;

/* ---- compressor.c ---------------------------------------------------------------------------- */

/* "zlib" */
const char *cloop_compressor_name(enum cloop_compressor id);
/* The one of that name; it is known. */
enum cloop_compressor cloop_compressor_named(const char *name);
/* NULL: none is needed.  IMG_E_UNSUPPORTED: it was not built in. */
bool cloop_codec(enum cloop_compressor id, const struct img_codec **codec, struct img_err *err)
	IMG_MUST_CHECK;

/* ---- The others ------------------------------------------------------------------------------ */

struct cloop_new;

struct cloop {
	struct cloop_header header;
	struct cloop_index index;
	struct cloop_shelf *shelf;
	uint64_t size;			/* guest bytes */
	uint32_t last_len;		/* bytes that the last block gives when it is decoded */
	uint64_t guessed_from;		/* guest bytes whose place is guessed begin here */
	struct cloop_new *fresh;	/* while a new image is being written, else NULL; owned */
};

/*
 * coming.c: whether the image, whose header was read, can be read in one pass while it comes; then its
 * index is there.
 */
bool cloop_coming(struct cloop *c, struct img_store *file, bool *yes, struct img_err *err)
	IMG_MUST_CHECK;
/* driver.c; accepts NULL. */
void cloop_free(struct cloop *c);
/* create.c */
extern const struct img_option cloop_create_options[];
bool cloop_create(struct img_layer *ly, const struct img_layer_create *what, struct img_err *err);

/* salvage.c: header, places and guessed_from of an image that may be damaged in any way. */
bool cloop_salvage_start(struct cloop *c, struct img_layer *ly, struct img_err *err)
	IMG_MUST_CHECK;

/* remains.c */
bool cloop_remains(const uint8_t *head, size_t len);
/* repair.c */
bool cloop_repair(struct img_layer *ly, const struct img_checking *how,
		  enum img_repair_level level, struct img_err *err);

extern const struct img_check_ops cloop_check_ops;	/* check.c */
/* info.c */
bool cloop_info(struct img_layer *ly, struct img_node *report, struct img_err *err);

#endif
