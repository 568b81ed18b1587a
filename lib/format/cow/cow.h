/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An open cow image; each part belongs to the file that it is listed under. */
#ifndef COW_H
#define COW_H

#include <pthread.h>
#include "format/cow/findings.h"
#include "format/cow/layout.h"
#include "format/format.h"
#include "format/looks.h"

/* ---- header.c -------------------------------------------------------------------------------- */

struct cow_header {
	enum cow_kind kind;
	bool little;			/* version 1 of a little-endian machine */
	int64_t time;			/* of the backing file's last change, in seconds */
	uint64_t size;			/* guest bytes */
	uint32_t sector;		/* bytes that one bit is for, a power of two */
	uint32_t align;			/* of bitmap and data */
	char name[COW_NAME_MAX];	/* of the backing file, with a zero byte */
	/* These follow from the others: */
	uint64_t bitmap_off, data_off;
	uint64_t n_sectors;		/* of the disk */
	uint64_t n_bits;		/* that have a place in front of the data */
};

/*
 * From the first bytes of a file, COW_DECODE_LEN or all there are; checks all fields.  Pure.
 * IMG_E_NOT_THIS_FORMAT, IMG_E_INCOMPLETE, IMG_E_UNSUPPORTED, IMG_E_CORRUPT, IMG_E_RANGE.
 */
bool cow_header_decode(const uint8_t *raw, size_t len, struct cow_header *out,
		       struct img_err *err) IMG_MUST_CHECK;
/*
 * What the fields of that layout say, true or not, and no more; raw: as many bytes as it has.  A name
 * without an end gets one.  Pure.
 */
void cow_header_fields(enum cow_kind kind, bool little, const uint8_t *raw,
		       struct cow_header *out);
/* The inverse of decode: as many bytes as the header has. */
void cow_header_encode(const struct cow_header *hdr, uint8_t *raw);
/* Sets what follows from kind, size, sector and align, which are legal. */
void cow_header_place(struct cow_header *hdr);
/*
 * The same with another size, which need not be legal.  IMG_E_RANGE; IMG_E_UNSUPPORTED: the layout has
 * no bits for the last sectors.
 */
bool cow_header_resize(struct cow_header *hdr, uint64_t size, struct img_err *err) IMG_MUST_CHECK;
/* Of the file in st. */
bool cow_header_read(struct img_store *st, struct cow_header *out, struct img_err *err)
	IMG_MUST_CHECK;

/* Whether User-Mode Linux made it: it stands on a raw file, whose size and time must fit. */
static inline bool cow_is_uml(const struct cow_header *hdr)
{
	return hdr->kind != COW_QEMU && hdr->kind != COW_QEMU_32;
}

/* A time as the header can hold it. */
static inline int64_t cow_time(enum cow_kind kind, int64_t seconds)
{
	return kind == COW_UML3_WIDE ? seconds : (uint32_t)seconds;
}

/* Of a file that is as long as the disk. */
static inline uint64_t cow_file_end(const struct cow_header *hdr)
{
	return hdr->data_off + hdr->n_sectors * hdr->sector;
}

static inline uint64_t cow_bitmap_bytes(const struct cow_header *hdr)
{
	return (hdr->n_bits + 7) / 8;
}

/* ---- map.c ----------------------------------------------------------------------------------- */

/* Of the bitmap are read together; a word holds 64 bits, the first one lowest. */
enum { COW_PIECE_WORDS = 8192, COW_PIECE_BYTES = COW_PIECE_WORDS * 8 };
#define COW_PIECE_BITS (UINT64_C(64) * COW_PIECE_WORDS)

/*
 * The bitmap, read piece by piece when it is asked for.  Pieces that are given out are kept; for
 * extents there are a few beside them.  Any number of threads.
 */
struct cow_map {
	const struct cow_header *hdr;
	struct img_store *file;
	_Atomic uint64_t file_size;	/* when it was opened; grows as the disk is written */
	_Atomic(_Atomic uint64_t *) *pieces;	/* owned; NULL: not read yet */
	size_t n_pieces;
	struct img_looks looks;		/* pieces that extents alone were asked of */
};

/* cache_size: bytes of pieces for extents at most; less than one is one. */
bool cow_map_init(struct cow_map *map, const struct cow_header *hdr, struct img_store *file,
		  uint64_t cache_size, struct img_err *err) IMG_MUST_CHECK;
/* Accepts a zeroed map. */
void cow_map_clear(struct cow_map *map);
/* The piece that holds the bit.  Bits that the file is too short for are 0. */
_Atomic uint64_t *cow_map_piece(struct cow_map *map, uint64_t bit, struct img_err *err)
	IMG_MUST_CHECK;
/* Frees the piece that holds the bit, which the file has, while nobody else uses the map. */
void cow_map_forget(struct cow_map *map, uint64_t bit);
/* How many bits the file is long enough for. */
uint64_t cow_map_bits_there(const struct cow_map *map);
/*
 * The run of equal bits from `first` on, which ends before `end` and inside the piece: how long it
 * is, and whether they are set.
 */
uint64_t cow_piece_run(const _Atomic uint64_t *piece, uint64_t first, uint64_t end, bool *set);
/* The same of the run that ends with the bit before `end`, and begins inside the piece of that. */
uint64_t cow_piece_run_back(const _Atomic uint64_t *piece, uint64_t end, bool *set);
/* Sets bits [first, first + n), which are inside the piece. */
void cow_piece_set(_Atomic uint64_t *piece, uint64_t first, uint64_t n);
bool cow_map_extent(struct cow_map *map, uint64_t at, uint64_t limit, struct img_extent *out,
		    struct img_err *err) IMG_MUST_CHECK;

/* ---- unlisted.c ------------------------------------------------------------------------------ */

struct cow_unlisted {
	const struct cow_map *map;	/* the caller's, as what follows */
	struct img_findings *out;
	struct img_extent ex;		/* of the file, the last that was asked for */
	uint8_t *buf;			/* owned */
};

bool cow_unlisted_init(struct cow_unlisted *u, const struct cow_map *map, struct img_findings *out,
		       struct img_err *err) IMG_MUST_CHECK;
/* Accepts a zeroed one. */
void cow_unlisted_clear(struct cow_unlisted *u);
/* Finds the data of sectors [first, first + n), whose bits are not set; in rising order. */
bool cow_unlisted_look(struct cow_unlisted *u, uint64_t first, uint64_t n, struct img_err *err)
	IMG_MUST_CHECK;

/* ---- The others ------------------------------------------------------------------------------ */

struct cow_disk;
struct cow_salvage;

struct cow {
	struct cow_header header;
	struct cow_map map;
	/* While a new image is being written: */
	bool fresh;			/* what is never written reads as zeros */
	bool hides;			/* zeros must be said: there is an image below */
	struct cow_disk *disk;		/* while it is written in place, else NULL; owned */
	struct cow_salvage *salvage;	/* of what is being salvaged, else NULL; owned */
};

/* driver.c; accepts NULL. */
void cow_free(struct cow *cow);
/* create.c */
extern const struct img_option cow_create_options[];
bool cow_create(struct img_layer *ly, const struct img_layer_create *what, struct img_err *err);

extern const struct img_write_ops cow_write_ops;	/* write.c */
extern const struct img_disk_ops cow_disk_ops;		/* disk.c */
extern const struct img_check_ops cow_check_ops;	/* check.c */
/* info.c */
bool cow_info(struct img_layer *ly, struct img_node *report, struct img_err *err);

#endif
