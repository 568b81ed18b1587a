/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What stands where in a VDI file: offsets, values and limits.  There is no specification beside
 * VirtualBox's own declarations (src/VBox/Storage/VDICore.h).  All numbers are little endian.
 */
#ifndef VDI_LAYOUT_H
#define VDI_LAYOUT_H

#include <stdint.h>

#define VDI_MAGIC 0xbeda107fu

/* In front of every version. */
enum {
	VDI_PRE_TEXT	= 0,	/* what made it, for people */
	VDI_PRE_MAGIC	= 64,
	VDI_PRE_VERSION	= 68,	/* major << 16 | minor */
	VDI_PRE_LEN	= 72,
};

/* Version 0.x: the block map follows at once, the data behind it. */
enum {
	VDI_V0_TYPE		= 72,
	VDI_V0_FLAGS		= 76,
	VDI_V0_COMMENT		= 80,
	VDI_V0_SIZE		= 352,
	VDI_V0_BLOCK_SIZE	= 360,
	VDI_V0_BLOCKS		= 364,
	VDI_V0_ALLOCATED	= 368,
	VDI_V0_UUID		= 372,
	VDI_V0_MODIFIED		= 388,
	VDI_V0_PARENT		= 404,
	VDI_V0_END		= 420,
};

/* Version 1.x */
enum {
	VDI_HDR_LEN		= 72,	/* of the header, counted from here */
	VDI_HDR_TYPE		= 76,
	VDI_HDR_FLAGS		= 80,
	VDI_HDR_COMMENT		= 84,
	VDI_HDR_MAP_OFF		= 340,
	VDI_HDR_DATA_OFF	= 344,
	VDI_HDR_OLD_GEOMETRY	= 348,	/* cylinders, heads, sectors, bytes of a sector */
	VDI_HDR_SIZE		= 368,
	VDI_HDR_BLOCK_SIZE	= 376,
	VDI_HDR_BLOCK_EXTRA	= 380,	/* bytes in front of each block's data */
	VDI_HDR_BLOCKS		= 384,
	VDI_HDR_ALLOCATED	= 388,
	VDI_HDR_UUID		= 392,
	VDI_HDR_MODIFIED	= 408,
	VDI_HDR_PARENT		= 424,
	VDI_HDR_PARENT_MODIFIED	= 440,
	VDI_HDR_END		= 456,
	VDI_HDR_GEOMETRY	= 456,	/* where the header is long enough */
	VDI_HDR_END_PLUS	= 472,
};

enum {
	VDI_COMMENT_LEN		= 256,	/* with a NUL */
	VDI_GEOMETRY_SECTOR	= 12,	/* inside a geometry */
	VDI_SECTOR		= 512,
	VDI_DECODE_LEN		= 512,	/* as much of the file as any header takes */
};

enum vdi_type {
	VDI_TYPE_DYNAMIC	= 1,
	VDI_TYPE_FIXED		= 2,
	VDI_TYPE_UNDO		= 3,	/* stands on another image, as the next one does */
	VDI_TYPE_DIFFERENCING	= 4,
};

/* Entries of the block map: the number of a block in the file, or one of these. */
enum { VDI_ENTRY_LEN = 4 };
#define VDI_ENTRY_FREE	UINT32_C(0xffffffff)	/* nothing here: what is below shows through */
#define VDI_ENTRY_ZERO	UINT32_C(0xfffffffe)	/* reads as zeros */

/* Limits; ours where VirtualBox sets none. */
#define VDI_BLOCK_SIZE_MAX	(UINT32_C(1) << 30)
#define VDI_BLOCKS_MAX		UINT32_C(0x3fffffff)	/* QEMU */

/* What is made: as VirtualBox does it. */
#define VDI_ALIGN		(UINT32_C(1) << 20)
#define VDI_BLOCK_SIZE		(UINT32_C(1) << 20)

#endif
