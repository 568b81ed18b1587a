/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An open VDI image; each part belongs to the file that it is listed under. */
#ifndef VDI_H
#define VDI_H

#include "base/uuid.h"
#include "format/format.h"
#include "format/looks.h"
#include "format/vdi/findings.h"
#include "format/vdi/layout.h"

/* ---- header.c -------------------------------------------------------------------------------- */

struct vdi_header {
	uint16_t major, minor;
	enum vdi_type type;
	char comment[VDI_COMMENT_LEN];	/* ends with a NUL */
	uint32_t map_off, data_off;
	uint64_t size;			/* guest bytes */
	uint32_t block_size;		/* a power of two */
	uint32_t block_extra;		/* bytes in front of each block's data */
	uint32_t n_blocks, n_allocated;
	struct img_uuid uuid, modified;
	struct img_uuid parent, parent_modified;	/* nil: there is none, or not known */
};

/*
 * From the first bytes of a file, VDI_DECODE_LEN or all there are; checks all fields against each
 * other.  Pure.  IMG_E_NOT_THIS_FORMAT, IMG_E_INCOMPLETE, IMG_E_UNSUPPORTED, IMG_E_CORRUPT,
 * IMG_E_RANGE.
 */
bool vdi_header_decode(const uint8_t *raw, size_t len, struct vdi_header *out,
		       struct img_err *err) IMG_MUST_CHECK;
/* What the fields of version 1.x say, true or not: VDI_HDR_END bytes.  Pure. */
void vdi_header_fields(const uint8_t *raw, struct vdi_header *out);
/* The inverse, for version 1.1: VDI_DECODE_LEN bytes. */
void vdi_header_encode(const struct vdi_header *hdr, uint8_t *raw);
/*
 * Brings the first bytes of a file of version 1.x, len of them, up to date with what another size of
 * the disk changes; what is not known here stays.  Pure.
 */
void vdi_header_resize(const struct vdi_header *hdr, uint8_t *raw, size_t len);
/* The same, in a file of version 1.x, with what another parent changes: VDI_HDR_END bytes.  Pure. */
void vdi_header_relink(const struct vdi_header *hdr, uint8_t *raw);
/* Of the file in st. */
bool vdi_header_read(struct img_store *st, struct vdi_header *out, struct img_err *err)
	IMG_MUST_CHECK;

/* Whether what the image does not hold is to be looked for in another one. */
static inline bool vdi_has_parent(const struct vdi_header *hdr)
{
	return hdr->type == VDI_TYPE_UNDO || hdr->type == VDI_TYPE_DIFFERENCING;
}

/* Bytes from one block to the next in the file. */
static inline uint64_t vdi_stride(const struct vdi_header *hdr)
{
	return (uint64_t)hdr->block_extra + hdr->block_size;
}

/* Where the data of a block begin; entry < VDI_ENTRY_ZERO. */
static inline uint64_t vdi_host(const struct vdi_header *hdr, uint32_t entry)
{
	return hdr->data_off + entry * vdi_stride(hdr) + hdr->block_extra;
}

/* Where the entry of the map with that index stands. */
static inline uint64_t vdi_entry_off(const struct vdi_header *hdr, uint32_t index)
{
	return hdr->map_off + (uint64_t)index * VDI_ENTRY_LEN;
}

/* Guest bytes of the block with that index, which is short at the end of the disk. */
static inline uint32_t vdi_block_len(const struct vdi_header *hdr, uint32_t index)
{
	const uint64_t left = hdr->size - (uint64_t)index * hdr->block_size;

	return left < hdr->block_size ? (uint32_t)left : hdr->block_size;
}

/* Blocks that the disk needs; the map may have more entries. */
static inline uint32_t vdi_blocks_used(const struct vdi_header *hdr)
{
	return (uint32_t)((hdr->size + hdr->block_size - 1) / hdr->block_size);
}

/* ---- map.c ----------------------------------------------------------------------------------- */

/* Entries that are read together; a power of two. */
enum { VDI_PIECE_ENTRIES = 16384 };

/*
 * The block map, read piece by piece when it is asked for: a disk of petabytes is open at once.
 * Pieces that are given out are kept; where the whole map has no room extents look at others beside
 * them.  Any number of threads.
 */
struct vdi_map {
	const struct vdi_header *hdr;
	struct img_store *file;
	_Atomic uint64_t file_size;	/* when it was opened; grows as the disk is written */
	_Atomic(_Atomic uint32_t *) *pieces;	/* owned; in host order, NULL: not read yet */
	size_t n_pieces;
	struct img_looks looks;
};

/* cache_size: bytes of pieces at most, as far as these are for extents alone. */
bool vdi_map_init(struct vdi_map *map, const struct vdi_header *hdr, struct img_store *file,
		  uint64_t cache_size, struct img_err *err) IMG_MUST_CHECK;
/* Accepts a zeroed map. */
void vdi_map_clear(struct vdi_map *map);
/*
 * The piece that holds the entry with that index, which is its number index % VDI_PIECE_ENTRIES.
 * Entries that the file is too short for are VDI_ENTRY_FREE; vdi_map_has() tells.
 */
_Atomic uint32_t *vdi_map_piece(struct vdi_map *map, uint32_t index, struct img_err *err)
	IMG_MUST_CHECK;
/* Whether the file is long enough to hold the entry. */
bool vdi_map_has(const struct vdi_map *map, uint32_t index);
/* What is wrong with an entry that names a block; NULL: nothing.  Bytes are not looked at. */
const struct img_finding_kind *vdi_entry_damage(const struct vdi_header *hdr, uint32_t entry);
/*
 * Gives the map, all pieces of which are in memory, as many entries as its header says now; there
 * were `old` of them.  New ones are VDI_ENTRY_FREE.
 */
bool vdi_map_resize(struct vdi_map *map, uint32_t old, struct img_err *err) IMG_MUST_CHECK;
/* Writes all entries that the header counts; those of pieces that are not there are free. */
bool vdi_map_write(const struct vdi_map *map, struct img_err *err) IMG_MUST_CHECK;
bool vdi_map_extent(struct vdi_map *map, uint64_t at, uint64_t limit, struct img_extent *out,
		    struct img_err *err) IMG_MUST_CHECK;

/* ---- scan.c ---------------------------------------------------------------------------------- */

struct vdi_scan {
	/* Entries [first, first + n) as they are in the file.  False ends the scan. */
	bool (*run)(void *ctx, uint32_t first, uint32_t n, const uint8_t *raw,
		    struct img_err *err);
	void *ctx;
	const struct img_job *job;	/* may cancel; or NULL */
};

/* How many entries of the map a file of that size has. */
uint32_t vdi_entries_there(const struct vdi_header *hdr, uint64_t file_size);
/* Shows all of these, in their order.  Errors beside those of run: IMG_E_IO, _NOMEM, _CANCELLED. */
bool vdi_scan(const struct vdi_header *hdr, struct img_store *file, uint64_t file_size,
	      const struct vdi_scan *scan, struct img_err *err) IMG_MUST_CHECK;

/* ---- The others ------------------------------------------------------------------------------ */

struct vdi_new;
struct vdi_disk;
struct vdi_salvage;

struct vdi {
	struct vdi_header header;
	struct vdi_map map;
	struct vdi_new *fresh;		/* while a new image is being written, else NULL; owned */
	struct vdi_disk *disk;		/* while it is written in place, else NULL; owned */
	struct vdi_salvage *salvage;	/* of what is being salvaged, else NULL; owned */
};

/* driver.c; accepts NULL. */
void vdi_free(struct vdi *vdi);
/* create.c */
extern const struct img_option vdi_create_options[];
bool vdi_create(struct img_layer *ly, const struct img_layer_create *what, struct img_err *err);
/* "new", or a UUID as text that stands for something.  IMG_E_ARGUMENT. */
bool vdi_uuid_parse(const char *wish, struct img_uuid *out, struct img_err *err) IMG_MUST_CHECK;
/* amend.c */
extern const struct img_option vdi_amend_options[];
bool vdi_amend(struct img_layer *ly, const struct img_settings *set, const struct img_job *job,
	       struct img_err *err);

extern const struct img_disk_ops vdi_disk_ops;		/* disk.c */
/* resize.c */
bool vdi_resize(struct img_layer *ly, const struct img_layer_resize *how, struct img_err *err);
/* compact.c */
bool vdi_compact(struct img_layer *ly, const struct img_layer_compact *how,
		 struct img_layer_compacted *out, struct img_err *err);
/* link.c */
bool vdi_link(struct img_layer *ly, const struct img_layer_link *to, struct img_err *err);
bool vdi_empty(struct img_layer *ly, struct img_err *err);
/* check.c */
extern const struct img_check_ops vdi_check_ops;
/* info.c */
bool vdi_info(struct img_layer *ly, struct img_node *report, struct img_err *err);

#endif
