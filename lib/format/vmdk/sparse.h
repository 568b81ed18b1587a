/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file of grains: its directory in memory, and what its tables say about a place.  Hosted sparse,
 * COWD and seSparse files differ in the numbers, not in this.
 */
#ifndef VMDK_SPARSE_H
#define VMDK_SPARSE_H

#include "format/format.h"
#include "format/vmdk/findings.h"
#include "format/vmdk/header.h"
#include "format/vmdk/layout.h"
#include "format/vmdk/tables.h"

/* What an entry says, of a directory or of a grain table. */
enum vmdk_entry_kind { VMDK_ENTRY_NOTHING, VMDK_ENTRY_ZEROS, VMDK_ENTRY_PLACE, VMDK_ENTRY_BAD };

struct vmdk_entry {
	enum vmdk_entry_kind kind;
	uint64_t host;				/* PLACE: bytes of the file; may be anywhere */
	const struct img_finding_kind *bad;
};

struct vmdk_live;

struct vmdk_sparse {
	struct img_store *file;			/* borrowed */
	_Atomic uint64_t file_size;		/* grows as the disk is written */
	struct vmdk_header hdr;			/* with what the footer says */
	bool footer;				/* there is one */
	uint64_t *gd, *rgd;			/* entries as in the file, owned; rgd may be NULL */
	size_t n_gd, n_rgd;			/* as many as the file has */
	struct vmdk_tables *tables;		/* borrowed */
	struct vmdk_live *live;			/* while it is open for writing, else NULL; owned */
	/* While the file comes through a pipe (coming.c); owned, or NULL: its tables tell. */
	struct vmdk_told *told;
	bool coming;				/* file_size is not known: as large as any */
	/* Set, and never cleared, when the second directory had to stand in for the first. */
	_Atomic bool repaired;
};

/*
 * Opens what lies in file.  On success clear it with vmdk_sparse_clear().  The errors are those of
 * vmdk_header_decode(); IMG_E_INCOMPLETE also when the footer is missing.
 */
bool vmdk_sparse_open(struct vmdk_sparse *sp, struct img_store *file, struct vmdk_tables *tables,
		      struct img_err *err) IMG_MUST_CHECK;
void vmdk_sparse_clear(struct vmdk_sparse *sp);
/* Reads both directories of a file whose header is known; not while there are any. */
bool vmdk_sparse_read_directories(struct vmdk_sparse *sp, struct img_err *err) IMG_MUST_CHECK;

/*
 * The first directory entry from i on behind which there may be something, at most limit: the tables of
 * those before it are not there, or in holes of the file (hollow.c).  Not while sp->live.  IMG_E_IO.
 */
bool vmdk_hollow_end(const struct vmdk_sparse *sp, uint64_t i, uint64_t limit, uint64_t *end,
		     struct img_err *err) IMG_MUST_CHECK;

/* What one of the directories says of its table i: in the file, or not to be had. */
struct vmdk_entry vmdk_sparse_table(const struct vmdk_sparse *sp, bool second, uint64_t i);
/*
 * Opens what comes through a pipe so that it can be read in one pass of the kind *pass.
 * IMG_PASS_NONE: that is not possible, and nothing is open.  The errors are those of
 * vmdk_sparse_open().
 */
bool vmdk_coming_open(struct vmdk_sparse *sp, struct img_store *file, struct vmdk_tables *tables,
		      enum img_pass *pass, struct img_err *err) IMG_MUST_CHECK;

/*
 * *rising: directories and tables lie in front of the grains, and these in the order of the disk.
 * Reads all tables.  IMG_E_IO, IMG_E_NOMEM.
 */
bool vmdk_sparse_is_rising(struct vmdk_sparse *sp, bool *rising, struct img_err *err)
	IMG_MUST_CHECK;
/* Looks whether the second directory has to stand in for the first one anywhere. */
void vmdk_sparse_compare(struct vmdk_sparse *sp);

/* The entries behind their bytes; pure. */
struct vmdk_entry vmdk_directory_entry(const struct vmdk_header *hdr, uint64_t raw);
struct vmdk_entry vmdk_grain_entry(const struct vmdk_header *hdr, uint64_t raw);
/* Bytes of the table that directory entry i leads to; the last one may be shorter. */
size_t vmdk_table_len(const struct vmdk_header *hdr, uint64_t i);
/* Guest bytes of grain i: less than a grain for the last one. */
uint64_t vmdk_grain_len(const struct vmdk_header *hdr, uint64_t i);

/*
 * What is at `at` (< limit <= capacity), in bytes of this file's part of the disk.  Any number of
 * threads.  IMG_E_IO, IMG_E_NOMEM.
 */
bool vmdk_sparse_extent(struct vmdk_sparse *sp, uint64_t at, uint64_t limit,
			struct img_extent *out, struct img_err *err) IMG_MUST_CHECK;
/* The entry of the grain at `at`, as vmdk_sparse_extent() sees it. */
bool vmdk_sparse_grain(struct vmdk_sparse *sp, uint64_t at, struct vmdk_entry *out,
		       struct img_err *err) IMG_MUST_CHECK;

/* ---- Compressed grains (stream.c) ------------------------------------------------------------ */

/*
 * Where the compressed bytes of the grain at guest byte `at` are, whose entry leads to host.
 * *bad: why there are none, or NULL; *loss then says of which kind that is.
 */
struct vmdk_packed {
	struct img_store *store;
	uint64_t host, len;
	const struct img_finding_kind *bad;
	enum img_code loss;
};

enum { VMDK_PACKED_GRAIN_MAX = 32 << 20 };	/* held in memory, compressed and not */

/* The most bytes that a grain of so many is stored in. */
uint64_t vmdk_packed_max(uint64_t grain);
bool vmdk_packed_find(const struct vmdk_sparse *sp, uint64_t at, uint64_t host,
		      struct vmdk_packed *out, struct img_err *err) IMG_MUST_CHECK;
/* *whole: a grain begins at guest byte `at`, of full length, whose bytes are at *out, no more of them. */
bool vmdk_packed_whole(struct vmdk_sparse *sp, uint64_t at, struct vmdk_packed *out, bool *whole,
		       struct img_err *err) IMG_MUST_CHECK;
/* Guest bytes [at, at + len) of compressed grains; any alignment. */
bool vmdk_packed_read(struct vmdk_sparse *sp, struct img_codec_pool *decoders, uint64_t at,
		      uint8_t *buf, size_t len, struct img_err *err) IMG_MUST_CHECK;
/* The header of the footer, which tells where the directory is. */
bool vmdk_footer_read(struct img_store *file, uint64_t file_size, struct vmdk_header *hdr,
		      struct img_err *err) IMG_MUST_CHECK;

#endif
